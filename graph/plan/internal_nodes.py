"""The nodes that Discomfort itself writes into prompts, refused where anybody else gives them.

In a workflow or prompt from outside they would read and write where it says. One decision, for all
that is given to `run`, `plan`, `stitch`, `import_reference`, the connector and the runner nodes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ...errors import Problem, WorkflowError

LOADER = "DiscomfortContextLoader"
SAVER = "DiscomfortContextSaver"
FREE = "DiscomfortFree"
AS_LIST = "DiscomfortAsList"
INTERNAL = frozenset({LOADER, SAVER, FREE, AS_LIST})

_CONTENT = re.compile(r"[0-9a-f]{64}")
_REASON = (
    "only Discomfort itself writes this node, and not into files. It may come from a picture or a "
    "prompt that a run has left: take the workflow with its ports, or put a DiscomfortPort here"
)


def refuse_internal(data: Any, name: str) -> None:
    """See that a workflow or prompt has none of our internal nodes, in whatever part of it.

    Values that a reference froze in are named by their content alone, and no place: the loaders of
    an exported prompt that do so may stay.

    Raises:
        WorkflowError: names the nodes.
    """
    problems = find_internal(data)
    if problems:
        raise WorkflowError(f"{name} can't be used:", problems)


def find_internal(data: Any) -> list[Problem]:
    """A problem for each internal node in the JSON of a workflow or prompt."""
    return [
        Problem(_REASON, node_id, kind, _title_of(node))
        for node_id, kind, node in _nodes_in(data)
        if not (kind == LOADER and is_frozen_loader(node))
    ]


def is_frozen_loader(node: Mapping[str, Any]) -> bool:
    """Whether a node of a prompt is a loader that names a value by its content, and no place."""
    inputs = node.get("inputs")
    if not isinstance(inputs, Mapping):
        return False
    # `run_dir` is in files of old.
    if not inputs.keys() <= {"unique_id", "run_dir", "version", "wanted"}:
        return False
    version, wanted = inputs.get("version"), inputs.get("wanted", "{}")
    is_content = isinstance(version, str) and _CONTENT.fullmatch(version) is not None
    is_placeless = inputs.get("unique_id", "") == "" and inputs.get("run_dir", "") == ""
    return is_content and is_placeless and isinstance(wanted, str)


def _nodes_in(data: Any) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """(id, class, node) of each internal node: at any depth, since a workflow has nodes in
    subgraphs, in group nodes, and in what other extensions keep beside them.
    """
    stack: list[tuple[str, Any]] = [("", data)]
    seen: set[int] = set()
    while stack:
        key, item = stack.pop()
        if id(item) in seen:
            continue
        seen.add(id(item))
        if isinstance(item, Mapping):
            for word in ("class_type", "type"):
                kind = item.get(word)
                if isinstance(kind, str) and kind in INTERNAL:
                    yield str(item.get("id", key)), kind, item
                    break
            stack.extend((str(k), v) for k, v in item.items() if isinstance(v, (Mapping, list)))
        elif isinstance(item, (list, tuple)):
            stack.extend((key, v) for v in item if isinstance(v, (Mapping, list, tuple)))


def _title_of(node: Mapping[str, Any]) -> str | None:
    meta = node.get("_meta")
    title = meta.get("title") if isinstance(meta, Mapping) else node.get("title")
    return title if isinstance(title, str) else None
