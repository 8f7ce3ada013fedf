"""Reads workflows and prompts from wherever they are: files, pictures that ComfyUI saved, dicts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import WorkflowError
from ..graph.prompt import is_prompt
from ..graph.workflow.model import is_workflow
from ..system.config import parse_json, read_text
from ..values.images import read_workflow_metadata

_PICTURES = {".png", ".webp", ".jpg", ".jpeg"}


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
        return _checked(dict(source), "The given dict")
    if isinstance(source, (str, Path)):
        return read_workflow_file(source).data
    raise TypeError(
        f"A workflow is a path, a workflow dict or an API prompt dict, not {type(source).__name__}."
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
        if path.suffix.lower() in _PICTURES:
            data = read_workflow_metadata(path)
            text = json.dumps(data)
        else:
            text = read_text(path)
            data = parse_json(text, path)
    except ValueError as e:  # of JSON, of text that is none, or of a picture without one
        raise WorkflowError(f"This is no workflow: {e}") from e
    return WorkflowFile(_checked(data, str(path)), text)


def _checked(data: Any, name: str) -> dict[str, Any]:
    if is_workflow(data) or is_prompt(data):
        return data
    raise WorkflowError(
        f'{name} is neither a workflow (a list "nodes") nor an API prompt (nodes with a '
        "class_type)."
    )
