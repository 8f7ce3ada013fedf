"""Reads workflows and prompts from wherever they are: files, what ComfyUI saved, dicts, JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import WorkflowError
from ..system.config import parse_json, read_text
from ..values.metadata import MEDIA, PICTURES, read_workflow_metadata
from .envelopes import unwrap


class WorkflowFile(NamedTuple):
    """What is in a file: a workflow or prompt, as JSON and as the text of it."""

    data: dict[str, Any]
    text: str


def read_workflow(source: str | Path | Mapping[str, Any]) -> dict[str, Any]:
    """The JSON of a workflow or prompt: from a file, from a picture that ComfyUI saved, or as it
    is given.

    Raises:
        FileNotFoundError: there is no such file.
        WorkflowError: not JSON, or neither a workflow nor a prompt.
        TypeError: neither a path nor a dict.
    """
    if isinstance(source, Mapping):
        return unwrap(source, "The given dict")
    if is_json_text(source):
        return unwrap(_parse(str(source), "the given text"), "The given text")
    if isinstance(source, (str, Path)):
        return read_workflow_file(source).data
    raise TypeError(
        f"A workflow is a path, a workflow dict, an API prompt dict or the JSON of one, not "
        f"{type(source).__name__}."
    )


def read_workflow_file(source: str | Path) -> WorkflowFile:
    """What is in a file, a picture, or a pipe, which is read to its end. Raises as `read_workflow`
    does."""
    path = Path(source).expanduser()
    if not str(source).strip():
        raise FileNotFoundError("The path of the workflow is empty.")
    if path.is_dir():
        raise FileNotFoundError(f"{path} is a folder. Name a workflow file in it.")
    if not path.exists():
        raise FileNotFoundError(f"There is no workflow file {path}. Check the path.")
    try:
        if path.suffix.lower() in PICTURES | MEDIA:
            data: Any = read_workflow_metadata(path)
            text = json.dumps(data)
        else:
            text = read_text(path)
            data = parse_json(text, path)
    except ValueError as e:  # of JSON, of text that is none, or of a picture without one
        raise WorkflowError(f"This is no workflow: {e}") from e
    return WorkflowFile(unwrap(data, str(path)), text)


def is_json_text(source: Any) -> bool:
    """Whether a workflow is given as the JSON itself, in place of a path."""
    return isinstance(source, str) and source.lstrip("\ufeff \t\r\n").startswith("{")


def _parse(text: str, name: str) -> Any:
    try:
        return parse_json(text.lstrip("\ufeff"), name)
    except ValueError as e:
        raise WorkflowError(f"This is no workflow: {e}") from e
