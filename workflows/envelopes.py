"""Finds the workflow or prompt in JSON that holds it with something around it.

As other programs write them: the body of `POST /prompt`, what the editor's `graphToPrompt` gives,
jobs for hosted ComfyUIs, the metadata of a file, a prompt with comments beside its nodes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from ..errors import WorkflowError
from ..graph.prompt import is_prompt
from ..graph.workflow.model import is_workflow

_DEPTH = 4  # of what stands around it; {"input": {"workflow": {...}}} has two
_FORMS = 'a workflow (a list "nodes") or an API prompt (nodes with a class_type)'
# What ran goes before what it was made of: the body of a request and the editor's export have both.
_FIRST = ("prompt", "output")


class Found(NamedTuple):
    """A workflow or prompt, and the keys that lead to it."""

    keys: tuple[str, ...]
    data: dict[str, Any]


def unwrap(data: Any, name: str) -> dict[str, Any]:
    """The workflow or prompt in some JSON.

    Raises:
        WorkflowError: there is none, or several among which the choice is the caller's.
    """
    whole = _as_it_is(data)
    if whole is not None:
        return whole
    level: list[tuple[tuple[str, ...], Any]] = [((), data)]
    for _ in range(_DEPTH):
        level = [(keys + key, item) for keys, part in level for key, item in _parts(part)]
        found = [Found(keys, w) for keys, item in level if (w := _as_it_is(item)) is not None]
        if found:
            return _choose(found, name)
    hint = f" Its keys are {_listed(data)}." if isinstance(data, Mapping) and data else ""
    raise WorkflowError(f"{name} is neither {_FORMS.replace(' or an', ' nor an')}.{hint}")


def _as_it_is(data: Any) -> dict[str, Any] | None:
    """The data itself if it is a workflow or a prompt; a prompt without what stands beside its
    nodes, as "_comment" or "version".
    """
    if not isinstance(data, Mapping):
        return None
    if is_workflow(data) or is_prompt(data):
        return dict(data)
    nodes = {key: item for key, item in data.items() if _is_node(key, item)}
    return nodes if is_prompt(nodes) else None


def _is_node(key: Any, item: Any) -> bool:
    """Whether it is meant as a node: a broken one is no comment, and is named later on."""
    if isinstance(item, Mapping):
        return "class_type" in item or ("inputs" in item and "nodes" not in item)
    return str(key).isdecimal()


def _parts(data: Any) -> Iterator[tuple[tuple[str, ...], Any]]:
    """What an envelope may hold: its values, JSON in texts, the prompt of a history entry."""
    if isinstance(data, Mapping):
        for key, item in data.items():
            yield (str(key),), _from_text(item)
    elif isinstance(data, list):
        for number, item in enumerate(data[:8]):
            yield (str(number),), _from_text(item)


def _from_text(item: Any) -> Any:
    if isinstance(item, str) and item.lstrip().startswith("{"):
        try:
            return json.loads(item)
        except (ValueError, RecursionError):
            return None
    return item


def _choose(found: list[Found], name: str) -> dict[str, Any]:
    if len(found) == 1:
        return found[0].data
    for key in _FIRST:
        of_key = [f for f in found if f.keys[-1] == key]
        if len(of_key) == 1 and {f.keys[-1] for f in found} <= {*_FIRST, "workflow"}:
            return of_key[0].data
    places = ", ".join("data" + "".join(f"[{_shown(key)}]" for key in f.keys) for f in found)
    raise WorkflowError(f"{name} holds several workflows. Give one of them: {places}.")


def _shown(key: str) -> str:
    return key if key.isdecimal() else json.dumps(key)


def _listed(data: Mapping[str, Any]) -> str:
    keys = [json.dumps(str(key))[:40] for key in data]
    return ", ".join(keys[:8]) + (", ..." if len(keys) > 8 else "")
