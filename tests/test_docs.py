"""What contributors read is true: the paths that it names exist, the drawing is of this code."""

from __future__ import annotations

import ast
import re

import pytest
from draw_architecture import draw
from house import ROOT

TEXTS = ("docs/architecture.md", "CONTRIBUTING.md", "SECURITY.md")
# `run/run.py: Run.execute` in a text, and `tests/store/test_context.py::test_name` in a table.
A_NAME = re.compile(r"`([\w/]+\.py)(?:: |::)([A-Za-z_]\w*(?:\.\w+)*)`")
A_PATH = re.compile(r"`([\w./-]+(?:\.py|\.json|\.yaml|/)|(?:tests|bench|locales|docs)/[\w./-]+)`")


@pytest.mark.parametrize("name", TEXTS)
def test_every_path_that_is_named_exists(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    named = set(A_PATH.findall(text)) | {path for path, _ in A_NAME.findall(text)}
    assert len(named) >= 5
    assert not {path for path in named if not (ROOT / path).exists()}


@pytest.mark.parametrize("name", ("docs/architecture.md", "SECURITY.md"))
def test_every_function_that_is_named_exists(name):
    named = A_NAME.findall((ROOT / name).read_text(encoding="utf-8"))
    assert len(named) >= 10
    assert [f"{path}: {what}" for path, what in named if what not in _defined_in(path)] == []


def _defined_in(path: str) -> set[str]:
    """Functions, classes, and what is defined in classes, as "Class.method"."""
    file = ROOT / path
    if not file.is_file():
        return set()
    found: set[str] = set()
    waiting = [("", ast.parse(file.read_text(encoding="utf-8")).body)]
    while waiting:
        prefix, body = waiting.pop()
        for node in body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                found.add(prefix + node.name)
            if isinstance(node, ast.ClassDef):
                waiting.append((f"{prefix}{node.name}.", node.body))
    return found


@pytest.mark.parametrize("name", (*TEXTS, "CHANGELOG.md", "README.md"))
def test_every_link_to_a_file_leads_somewhere(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    folder = (ROOT / name).parent
    links = re.findall(r"\]\(([^)#:\s]+)\)", text)
    assert not {link for link in links if not (folder / link).exists()}


def test_the_drawing_is_of_this_code():
    drawn = (ROOT / "docs" / "architecture.svg").read_text(encoding="utf-8")
    assert drawn == draw(), "run `python devtools/draw_architecture.py`, and look at the picture"
