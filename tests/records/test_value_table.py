"""Results and contexts as a notebook shows them: what a stranger's value says is text."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import pytest
import torch
from custom_nodes.discomfort.records.value_table import MAX_PICTURES, MAX_ROWS
from custom_nodes.discomfort.run.results import Results
from custom_nodes.discomfort.store.encoding.unopened import UnopenedValue
from custom_nodes.discomfort.workflow_context import WorkflowContext
from PIL import Image

TAGS = {"div", "table", "tr", "td", "b", "br", "img"}
HOSTILE = "</td><script>alert(1)</script><img src=x onerror=alert(1)>\"'&\u202e\x1b[31m\udc80"
PICTURE = torch.rand(1, 300, 200, 3)


class Tags(HTMLParser):
    """What of a page is no text."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in ("br", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def checked(page: str) -> Tags:
    """The page, which holds nothing but tables, text, and small pictures of its own."""
    tags = Tags()
    tags.feed(page)
    tags.close()
    assert not tags.open and {tag for tag, _ in tags.found} <= TAGS
    for _, attributes in tags.found:
        assert attributes.keys() <= {"style", "alt", "title", "src"}
        assert (attributes.get("src") or "data:image/jpeg;base64,").startswith("data:image/jpeg")
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", page)
    page.encode("utf-8")
    return tags


class Rude:
    """Raises whatever it is asked."""

    @property
    def shape(self) -> Any:
        raise RuntimeError("no")

    def __repr__(self) -> str:
        raise RuntimeError("no")


class Named:
    def __repr__(self) -> str:
        return HOSTILE


@pytest.mark.parametrize(
    "value",
    [HOSTILE, [HOSTILE], {HOSTILE: HOSTILE}, Named(), {"nodes": [{"title": HOSTILE}]}],
)
def test_what_a_value_says_is_text(value: Any):
    tags = checked(Results({HOSTILE: value})._repr_html_())
    assert "<script>alert(1)</script>" in tags.text
    with WorkflowContext() as context:
        context.save(HOSTILE.replace("\udc80", ""), value if not isinstance(value, Named) else 1)
        assert "<script>alert(1)</script>" in checked(context._repr_html_()).text


def test_pictures_are_small_and_sounds_and_videos_are_told():
    sound = {"waveform": torch.zeros(1, 2, 4000), "sample_rate": 8000}
    video = {"images": PICTURE.expand(3, -1, -1, -1), "frame_rate": 12.0, "audio": sound}
    values = {"p": PICTURE, "m": torch.ones(1, 9, 9), "s": sound, "v": video, "n": 5, "pil": ""}
    page = Results({**values, "list": [PICTURE, PICTURE]})._repr_html_()
    tags = checked(page)
    assert sum(tag == "img" for tag, _ in tags.found) == 4
    assert "tensor[1, 300, 200, 3] float32" in tags.text
    assert "sound, 0.5 s, 8000 Hz, 2 channels" in tags.text
    assert "video, 3 pictures of 200 x 300, 12 a second" in tags.text
    assert ('title="200 x 300"' in page) and len(page) < 200_000


def test_it_has_bounds_whatever_is_in_it():
    values = {f"{i}" * 500: PICTURE if i < 100 else "x" * 10_000_000 for i in range(104)}
    page = Results(values)._repr_html_()
    assert page.count("<img") == MAX_PICTURES and page.count("<tr>") == MAX_ROWS + 1
    assert "and 64 more" in page and len(page) < 1_000_000
    assert len(Results({"x": list(range(1_000_000)), "y": "z" * 10_000_000})._repr_html_()) < 2000


@pytest.mark.parametrize(
    "value",
    [
        Rude(), UnopenedValue(memoryview(b""), "A lock."), torch.zeros(2, 3, 4, device="meta"),
        torch.zeros(1, 4, 4, 3).to_sparse(), torch.full((1, 4, 4, 3), float("nan")),
        torch.zeros(1, 4, 4, 3, dtype=torch.complex64), {"waveform": 1, "sample_rate": "x"},
        {"images": HOSTILE, "frame_rate": 2}, Image.new("RGB", (2, 2)), torch.zeros(1, 0, 4, 3),
    ],
)  # fmt: skip
def test_what_can_not_be_shown_is_named(value: Any):
    assert "odd" in checked(Results({"odd": value, "good": PICTURE})._repr_html_()).text


def test_a_context_shows_its_keys_and_reads_no_code():
    with WorkflowContext() as context:
        context.save("picture", PICTURE)
        context.save("code", Named())
        made = {"1": {"class_type": "EmptyImage", "inputs": {}}}
        context.save("made", made, pass_by="ref")
        page = context._repr_html_()
        assert "the workflow that makes it" in page
        assert page.count("<img") == 1 and "KiB in memory" in page
        assert "script" not in page  # its repr is not asked for
        before = context.get_usage()
    assert before["stored_keys_count"] == 3
    assert f"Context {context.run_id}, closed" in checked(context._repr_html_()).text


def test_files_are_listed_by_their_names(tmp_path):
    page = Results({}, {HOSTILE: [tmp_path / "a.png"]})._repr_html_()
    assert "a.png" in checked(page).text and str(tmp_path) not in page
