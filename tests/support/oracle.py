"""The oracle: workflows with the prompts that ComfyUI's own front end made of them.

The whole public set lies beside a development checkout; a copy of its hand-made part is in
`tests/data`. Used by the tests of the converter, its bench and its fuzzer.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from support.package import ROOT

HAND_MADE = ROOT / "tests" / "data" / "oracle_hand"
PUBLIC = ROOT.parent / "shared" / "oracle"


class Case(NamedTuple):
    """`unstable` are inputs whose value differed between two runs of the browser."""

    name: str
    workflow: dict[str, Any]
    prompt: dict[str, Any]
    unstable: set[tuple[str, str]]
    is_quirk: bool


def has_public_set() -> bool:
    return (PUBLIC / "public" / "index.json").is_file()


def object_info() -> dict[str, Any]:
    """The /object_info that goes with `cases`."""
    if has_public_set():
        return _load(PUBLIC / "object_info.json.gz")
    return _load(HAND_MADE / "object_info.json")


def hand_made_object_info() -> dict[str, Any]:
    return _load(HAND_MADE / "object_info.json")


def cases() -> Iterator[Case]:
    """The whole public set where it is, else the hand-made ones."""
    if not has_public_set():
        yield from hand_made_cases()
        return
    index = _load(PUBLIC / "public" / "index.json")
    for name in sorted(index):
        workflow = _load(PUBLIC / "public" / "workflows" / f"{name}.json.gz")
        answer = _load(PUBLIC / "public" / "prompts" / f"{name}.json.gz")
        yield _case(name, workflow, answer, "quirk" in index[name]["tags"])


def public_workflows() -> Iterator[tuple[str, dict[str, Any]]]:
    """Name and JSON of all real workflows, also of those whose prompt is not known."""
    for path in sorted((PUBLIC / "public" / "workflows").glob("*.json.gz")):
        yield path.name, _load(path)


def hand_made_cases() -> Iterator[Case]:
    quirks = _load(HAND_MADE / "index.json")["quirks"]
    for path in sorted((HAND_MADE / "workflows").glob("*.json")):
        answer = _load(HAND_MADE / "prompts" / path.name)
        yield _case(path.stem, _load(path), answer, path.stem in quirks)


def differences(prompt: dict[str, Any], case: Case) -> list[str]:
    """Where the prompt is not that of the front end. Titles, and the order of keys, don't count."""
    found = [f"node {i} is missing" for i in case.prompt if i not in prompt]
    found += [f"node {i} is too much" for i in prompt if i not in case.prompt]
    for node_id in case.prompt.keys() & prompt.keys():
        wanted, got = case.prompt[node_id], prompt[node_id]
        if wanted["class_type"] != got["class_type"]:
            found.append(f"node {node_id}: {got['class_type']} for {wanted['class_type']}")
        for name in wanted["inputs"].keys() | got["inputs"].keys():
            a, b = wanted["inputs"].get(name, "absent"), got["inputs"].get(name, "absent")
            is_free = (node_id, name) in case.unstable and "absent" not in (a, b)
            if not is_free and _normal(a) != _normal(b):
                found.append(f"node {node_id} ({wanted['class_type']}) {name}: {b!r} for {a!r}")
    return found


def _normal(value: Any) -> Any:
    """JSON as JavaScript compares it: one type of number, true is not 1."""
    if isinstance(value, bool):
        return ("bool", value)
    if isinstance(value, (int, float)):
        return float(value)
    if isinstance(value, (list, tuple)):
        return [_normal(v) for v in value]
    if isinstance(value, dict):
        return {k: _normal(v) for k, v in value.items()}
    return value


def _case(name: str, workflow: Any, answer: Any, is_quirk: bool) -> Case:
    return Case(name, workflow, answer["prompt"], set(map(tuple, answer["unstable"])), is_quirk)


def _load(path: Path) -> Any:
    data = path.read_bytes()
    return json.loads(gzip.decompress(data) if path.suffix == ".gz" else data)
