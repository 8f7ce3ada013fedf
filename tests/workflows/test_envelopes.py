"""A workflow or prompt is found in what other programs put around it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from custom_nodes.discomfort.errors import WorkflowError
from custom_nodes.discomfort.workflows.envelopes import unwrap
from custom_nodes.discomfort.workflows.files import read_workflow

WORKFLOW = {"nodes": [{"id": 1, "type": "Note"}], "links": [], "version": 0.4}
NODE = {"class_type": "EmptyImage", "inputs": {"width": 8}}
PROMPT = {"1": NODE, "57:8": NODE}


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (WORKFLOW, WORKFLOW), (PROMPT, PROMPT), ({"prompt": PROMPT}, PROMPT),
        ({"prompt": PROMPT, "extra_data": {"extra_pnginfo": {"workflow": WORKFLOW}}}, PROMPT),
        ({"output": PROMPT, "workflow": WORKFLOW}, PROMPT), ({"workflow": WORKFLOW}, WORKFLOW),
        ({"input": {"workflow": WORKFLOW}}, WORKFLOW), ({"input": {"workflow": PROMPT}}, PROMPT),
        ({"input": {"prompt": PROMPT, "images": []}}, PROMPT),
        ({"workflow": json.dumps(WORKFLOW), "version": 1}, WORKFLOW),
        ({"prompt": json.dumps(PROMPT), "workflow": json.dumps(WORKFLOW)}, PROMPT),
        ({**PROMPT, "_comment": "mine", "version": 1, "extra": {"ds": {}}}, PROMPT),
        ({"prompt": {**PROMPT, "_comment": "mine"}}, PROMPT),
        ({"prompt": [3, "id", PROMPT, {"client_id": "x"}, ["1"]], "status": {}}, PROMPT),
        ({"some-id": {"prompt": [3, "id", PROMPT, {}, []], "outputs": {}}}, PROMPT),
        ({"data": {"request": {"workflow": WORKFLOW}}}, WORKFLOW),
    ],
)  # fmt: skip
def test_what_stands_around_a_workflow_is_taken_off(data: Any, expected: Any) -> None:
    assert unwrap(data, "x") == expected
    assert read_workflow(json.dumps(data)) == expected


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"first": WORKFLOW, "second": WORKFLOW}, r'data\["first"\], data\["second"\]'),
        ({"prompt": PROMPT, "other": PROMPT}, r'data\["prompt"\], data\["other"\]'),
        ({"workflows": [WORKFLOW, PROMPT]}, r'data\["workflows"\]\[0\], data\["workflows"\]\[1\]'),
        ({"a": 1, "b": "text"}, 'neither.*"a", "b"'), ({}, "neither"), ([], "neither"),
        (None, "neither"),
        ({"1": {}}, "neither"), ({"workflow": "{broken"}, "neither"), ({"1": None}, "neither"),
    ],
)  # fmt: skip
def test_what_is_none_or_several_says_what_to_give(data: Any, words: str) -> None:
    with pytest.raises(WorkflowError, match=words):
        unwrap(data, "x")


@pytest.mark.parametrize(
    "node", [{"inputs": {}}, {"class_type": 5}, {"class_type": "A", "inputs": 1}]
)
def test_a_broken_node_is_no_comment(node: Any) -> None:
    """It is kept, so that it is named when the prompt is read."""
    data = {**PROMPT, "9": node}
    try:
        assert unwrap(data, "x")["9"] == node
    except WorkflowError as e:
        assert "neither" in str(e)


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"]
)
def test_text_in_every_encoding_of_json_is_read(tmp_path: Path, encoding: str) -> None:
    data = {
        **WORKFLOW,
        "nodes": [{"id": 1, "type": "Note", "title": "\u00dcn\u00efcode \u65e5\u672c"}],
    }
    path = tmp_path / "a.json"
    path.write_bytes(json.dumps(data, ensure_ascii=False).encode(encoding))
    assert read_workflow(path) == data


@pytest.mark.parametrize("text", ["\ufeff%s", "  \n%s\n", "// mine\n%s"])
def test_the_json_itself_is_taken_in_place_of_a_path(tmp_path: Path, text: str) -> None:
    given = text % json.dumps(WORKFLOW)
    if given.startswith("//"):  # comments are for files
        path = tmp_path / "a.json"
        path.write_text(given, encoding="utf-8")
        assert read_workflow(path) == WORKFLOW
    else:
        assert read_workflow(given) == WORKFLOW


def test_json_text_that_is_broken_says_where() -> None:
    with pytest.raises(WorkflowError, match="given text is not valid JSON.*line 1"):
        read_workflow('{"nodes": [')
