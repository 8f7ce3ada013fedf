"""Which outputs of a prompt are ComfyUI lists, also when there is one item in them, or none.

The saver asks, in the worker, where the classes are: `/object_info` of 0.3.64 does not say which
nodes take a list whole.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from ..prompt import Source, link_source, links_of


class Lists(NamedTuple):
    """What a class does with lists: `INPUT_IS_LIST` and `OUTPUT_IS_LIST` of ComfyUI."""

    takes_whole: bool
    gives: Sequence[bool]


def is_list(
    prompt: Mapping[str, Any],
    value: Any,
    lists_of: Callable[[str, Mapping[str, Any]], Lists],
) -> bool:
    """Whether what an input gets is a ComfyUI list.

    A node gives one if its class says so; or else if it runs once for each item of a list that it
    gets, and not once for the list as a whole (execution.py `_async_map_node_over_list`).

    Args:
        value: of the input, as it stands in the prompt.
        lists_of: of a class, and the inputs of the node.
    """
    seen: set[str] = set()
    source = link_source(value)
    stack = [source] if source is not None else []
    while stack:
        node_id, slot = stack.pop()
        node = prompt.get(node_id)
        if node is None:
            continue
        takes_whole, gives = lists_of(str(node.get("class_type")), node["inputs"])
        if slot < len(gives) and gives[slot]:
            return True
        if not takes_whole and node_id not in seen:
            seen.add(node_id)
            stack.extend(Source(*link) for _, link in links_of(node))
    return False
