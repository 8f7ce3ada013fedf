"""The one canonical form of the nodes of a prompt: each is named for its class, its inputs, and the
names of what feeds it.

What a name is made of beside that, its callers say: `recipe.py` for references and for ComfyUI's
cache, `graph/step_key/` for the key of a step.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

from ...errors import Problem, WorkflowError
from ..prompt import Prompt, PromptNode, link_source, links_of

# (node id, node, its inputs with the names of nodes in the links) -> the name of the node.
GiveName: TypeAlias = "Callable[[str, PromptNode, dict[str, Any]], str]"


def canonical_text(value: Any, default: Callable[[Any], Any] | None = None) -> str:
    """JSON with sorted keys, in ASCII: equal for what ComfyUI gets as equal JSON, and for that only
    (1, 1.0, true and "1" differ, and -0.0 from 0.0).

    Args:
        default: what stands for a value that JSON does not know.

    Raises:
        TypeError, ValueError, RecursionError: it can't be written as JSON, or not read again.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), default=default)


def name_nodes(
    prompt: Prompt, node_ids: Iterable[str], give_name: GiveName, message: str
) -> dict[str, str]:
    """Name these nodes and all that they depend on, what feeds a node before the node.

    Args:
        message: how an error begins.

    Returns:
        node id -> name.

    Raises:
        WorkflowError: a cycle, or a link to a node that is not there; names the node.
    """
    names: dict[str, str] = {}
    entered: set[str] = set()
    stack = list(node_ids)
    while stack:
        node_id = stack[-1]
        node = prompt.get(node_id)
        if node is None:
            raise WorkflowError(
                message, [Problem("a link leads to a node that is absent", node_id)]
            )
        waiting = [s.node_id for _, s in links_of(node) if s.node_id not in names]
        if node_id in names or not waiting:
            stack.pop()
            if node_id not in names:
                names[node_id] = give_name(node_id, node, _with_names(node, names))
            continue
        if node_id in entered:
            raise WorkflowError(
                message, [Problem("it is a part of a cycle", node_id, node["class_type"])]
            )
        entered.add(node_id)
        stack.extend(waiting)
    return names


def _with_names(node: PromptNode, names: dict[str, str]) -> dict[str, Any]:
    inputs: dict[str, Any] = {}
    for name, value in node["inputs"].items():
        link = link_source(value)
        inputs[name] = [names[link.node_id], link.slot] if link else value
    return inputs
