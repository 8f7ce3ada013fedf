"""Steps to keep, of all kinds that there are, and what is to be found of them again."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import torch
from custom_nodes.discomfort.finished_steps.found import NO_VALUE, FinishedStep
from custom_nodes.discomfort.finished_steps.steps import Output

REFERENCE = {"nodes": [{"id": 1, "type": "CheckpointLoaderSimple"}], "links": []}


def key_of(*of: Any) -> str:
    return hashlib.sha256(repr(of).encode()).hexdigest()


def picture(number: int, side: int = 16) -> torch.Tensor:
    generator = torch.Generator().manual_seed(number)
    return torch.rand((1, side, side, 3), generator=generator)


def outputs(number: int, side: int = 16) -> dict[str, Output]:
    """One of each kind; equal numbers have equal values."""
    return {
        "picture": Output(picture(number, side)),
        "latent": Output({"samples": picture(number + 1, side), "batch_index": [number]}),
        "texts": Output(["a", f"text {number}"], is_list=True),
        "model": Output({**REFERENCE, "number": number}, pass_by="ref", meta={"recipe": "r1"}),
        "object": Output(Path("made") / str(number)),
        "array": Output(np.arange(number, number + 500)),
        "blocked": Output(NO_VALUE),
    }


def about(number: int) -> dict[str, Any]:
    return {"workflow": f"w{number % 3}.json", "seconds": 1.5, "files": [["a.png", number, 2]]}


def assert_is(found: FinishedStep | None, number: int, side: int = 16) -> None:
    """What was found is what `outputs(number)` and `about(number)` are."""
    assert found is not None, "it was not found"
    wanted = outputs(number, side)
    assert found.about == about(number) and found.outputs.keys() == wanted.keys()
    for name, output in wanted.items():
        assert is_equal(found.load(name), output.value), name
        receipt = found.outputs[name]
        assert (receipt is None) == (output.value is NO_VALUE)
        if receipt is not None:
            got = receipt.is_list, receipt.pass_by, receipt.meta
            assert got == (output.is_list, output.pass_by, output.meta), name


def is_equal(a: Any, b: Any) -> bool:
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(is_equal(a[key], b[key]) for key in a)
    if isinstance(a, torch.Tensor | np.ndarray):
        return type(a) is type(b) and a.shape == b.shape and bool((a == b).all())
    return type(a) is type(b) and a == b
