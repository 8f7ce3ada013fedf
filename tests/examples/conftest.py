"""The facade on every server, as in tests/run, and the examples as modules."""

from __future__ import annotations

import importlib
import sys
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest
from custom_nodes.discomfort.comfy_serverless import ComfyConnector
from custom_nodes.discomfort.discomfort import Discomfort

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
OWN = (
    "_clone",
    "_pictures",
    "as_functions",
    "refine_image",
    "text_to_image",
    "typed_workflows",
)


@pytest.fixture(scope="module")
def pictures():
    """The module of measures and contact sheets."""
    with importable():
        yield importlib.import_module("_pictures")


@pytest.fixture(scope="module")
def examples():
    """The examples as modules."""
    with importable():
        yield SimpleNamespace(**{name: importlib.import_module(name) for name in OWN})


@contextmanager
def importable():
    """They import each other by name, as if one were started as a script. Leaves no trace."""
    before = {name: module for name, module in sys.modules.items() if is_theirs(name)}
    for name in before:
        del sys.modules[name]
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(EXAMPLES)
        try:
            yield
        finally:
            for name in list(filter(is_theirs, sys.modules)):
                del sys.modules[name]
            sys.modules.update(before)


def is_theirs(module_name: str) -> bool:
    return module_name.split(".")[0] in (*OWN, "discomfort")


@pytest.fixture(scope="module")
def discomfort(shared: ComfyConnector) -> Discomfort:
    return Discomfort(shared)
