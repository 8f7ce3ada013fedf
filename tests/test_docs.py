"""What contributors read is true: the paths that it names exist, the drawing is of this code."""

from __future__ import annotations

import re

import pytest
from draw_architecture import draw
from house import ROOT

TEXTS = ("docs/architecture.md", "CONTRIBUTING.md", "SECURITY.md")
A_PATH = re.compile(r"`([\w./-]+(?:\.py|\.json|\.yaml|/)|(?:tests|bench|locales|docs)/[\w./-]+)`")


@pytest.mark.parametrize("name", TEXTS)
def test_every_path_that_is_named_exists(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    named = set(A_PATH.findall(text))
    assert len(named) >= 5
    assert not {path for path in named if not (ROOT / path).exists()}


@pytest.mark.parametrize("name", (*TEXTS, "CHANGELOG.md", "README.md"))
def test_every_link_to_a_file_leads_somewhere(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    folder = (ROOT / name).parent
    links = re.findall(r"\]\(([^)#:\s]+)\)", text)
    assert not {link for link in links if not (folder / link).exists()}


def test_the_drawing_is_of_this_code():
    drawn = (ROOT / "docs" / "architecture.svg").read_text(encoding="utf-8")
    assert drawn == draw(), "run `python devtools/draw_architecture.py`, and look at the picture"
