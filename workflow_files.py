"""Reads workflows and prompts from wherever they are: files, pictures that ComfyUI saved, dicts."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .config import read_json
from .errors import ConfigError, WorkflowError
from .graph.model import is_workflow
from .graph.prompt import is_prompt
from .images import read_workflow_metadata

_PICTURES = {".png", ".webp", ".jpg", ".jpeg"}


def read_workflow(source: str | Path | Mapping[str, Any]) -> dict[str, Any]:
    """The JSON of a workflow or prompt: from a file, from a picture that ComfyUI saved, or as it
    is given.

    Raises:
        FileNotFoundError: there is no such file.
        WorkflowError: not JSON, or neither a workflow nor a prompt.
        TypeError: neither a path nor a dict.
    """
    if isinstance(source, Mapping):
        data, name = dict(source), "The given dict"
    elif isinstance(source, (str, Path)):
        path = Path(source).expanduser()
        if not str(source).strip():
            raise FileNotFoundError("The path of the workflow is empty.")
        if path.is_dir():
            raise FileNotFoundError(f"{path} is a folder. Name a workflow file in it.")
        if not path.is_file():
            raise FileNotFoundError(f"There is no workflow file {path}. Check the path.")
        name = str(path)
        try:
            is_picture = path.suffix.lower() in _PICTURES
            data = read_workflow_metadata(path) if is_picture else read_json(path)
        except ConfigError as e:
            raise WorkflowError(f"This is no workflow: {e}") from e
    else:
        raise TypeError(
            f"A workflow is a path, a workflow dict or an API prompt dict, not "
            f"{type(source).__name__}."
        )
    if is_workflow(data) or is_prompt(data):
        return data
    raise WorkflowError(
        f'{name} is neither a workflow (a list "nodes") nor an API prompt (nodes with a '
        "class_type)."
    )
