"""What a notebook shows of a run, in words and as HTML. What needs a kernel: tests/notebooks."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from custom_nodes.discomfort.errors import NodeFailed
from custom_nodes.discomfort.events import NodeStarted, Preview, Progress
from custom_nodes.discomfort.run.notebook_view import (
    NotebookView,
    how_it_ended,
    html_of,
    last_line,
    line_of,
)
from custom_nodes.discomfort.system.notebook import is_notebook


def view(total: int | None = 1, done: int = 0, **values: Any) -> NotebookView:
    made = NotebookView(total, None)
    made.workflow, made.done, made.began = "a.json", done, 100.0
    for name, value in values.items():
        setattr(made, name, value)
    return made


@pytest.mark.parametrize(
    ("shown", "line"),
    [
        (view(), "a.json · 5 s"),
        (view(node="KSampler", step=3.0, maximum=20.0), "a.json: KSampler · step 3 of 20 · 5 s"),
        (view(total=4, done=1), "a.json · 1 of 4 done · 5 s · about 15 s left"),
        (view(total=None, done=7), "a.json · 7 done · 5 s"),
    ],
)
def test_a_line_says_where_a_run_is(shown: NotebookView, line: str):
    assert line_of(shown, 105.0) == line


def test_one_line_is_left():
    assert last_line("a.json", 1, 2.0, "") == "a.json: done in 2.0 s"
    assert last_line("a.json", 9, 2.0, "") == "9 runs done in 2.0 s"
    assert last_line("a.json", 0, 2.0, "interrupted") == "a.json: interrupted after 2.0 s"
    ended = how_it_ended(NodeFailed)
    assert last_line("a", 2, 2.0, ended) == "a: 2 done, then ended by NodeFailed after 2.0 s"
    for kind in (KeyboardInterrupt, asyncio.CancelledError):
        assert how_it_ended(kind) == "interrupted"


def test_what_a_workflow_says_is_text_and_a_preview_is_a_picture_or_nothing():
    hostile = view(node="<script>alert(1)</script>\u202e\udc80", total=2, done=1, step=1, maximum=2)
    hostile.preview = Preview("id", data=b"jpeg", format="JPEG")
    page = html_of(hostile, line_of(hostile, 101.0))
    assert "<script" not in page and "&lt;script&gt;" in page and "\u202e" not in page
    assert 'value="0.750"' in page and 'src="data:image/jpeg;base64,anBlZw=="' in page
    page.encode("utf-8")
    for odd in (
        Preview("id", data=b"x", format='svg+xml" onload="alert(1)'),
        Preview("id", data=b"x" * 1_000_000, format="PNG"),
    ):
        hostile.preview = odd
        assert "<img" not in html_of(hostile, "")
    assert "value" not in html_of(view(total=None), "")


def test_events_go_on_to_who_listens():
    heard: list[Any] = []
    shown = NotebookView(1, heard.append)
    events = [
        NodeStarted("id", title="a"),
        Progress("id", value=1, maximum=2),
        Preview("id", data=b""),
    ]
    for event in events:
        shown.on_event(event)
    assert heard == events and (shown.node, shown.step, shown.preview) == ("a", 1, events[2])


def test_a_process_of_tests_is_no_notebook():
    """IPython, and even ipykernel, may be imported by anybody."""
    import ipykernel  # noqa: F401
    import IPython  # noqa: F401

    assert not is_notebook()
