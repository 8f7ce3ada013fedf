"""Whether `--cpu` is added: asked once of torch, in ComfyUI's Python, then remembered."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest
from custom_nodes.discomfort.worker.launch import accelerator


@pytest.fixture(autouse=True)
def with_hardware(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a machine that has a card; what torch says of it is real."""
    monkeypatch.setattr(accelerator, "sees_hardware", lambda: True)


def test_torch_is_asked_once_and_the_answer_remembered(tmp_path: Path):
    torch = pytest.importorskip("torch")
    environment, cache = dict(os.environ), tmp_path / "cache"
    answer = accelerator.has_accelerator(sys.executable, cache, environment)
    if torch.cuda.is_available():
        assert answer
    store = cache / "accelerator.json"
    (key,) = json.loads(store.read_text(encoding="utf-8"))
    store.write_text(json.dumps({key: not answer}), encoding="utf-8")
    assert accelerator.has_accelerator(sys.executable, cache, environment) is not answer
    # Other visible devices are another question.
    hidden = {**environment, "CUDA_VISIBLE_DEVICES": "-1"}
    accelerator.has_accelerator(sys.executable, cache, hidden)
    assert len(json.loads(store.read_text(encoding="utf-8"))) == 2


@pytest.mark.parametrize("content", ["", "[]", "{broken"])
def test_damaged_memory_is_ignored(tmp_path: Path, content: str):
    (tmp_path / "accelerator.json").write_text(content, encoding="utf-8")
    # An interpreter that can't answer: ComfyUI is left to say what is wrong.
    assert accelerator.has_accelerator("/no/such/python", tmp_path, dict(os.environ))


def test_machine_without_hardware_is_not_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(accelerator, "sees_hardware", lambda: False)
    assert not accelerator.has_accelerator("/no/such/python", tmp_path, {})
