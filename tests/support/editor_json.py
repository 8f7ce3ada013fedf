"""Files as the editor saves them, written slot by slot: for tests that look at types, widgets and
promoted values. `flow.py` is shorter where these do not matter.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from custom_nodes.discomfort.graph.node_classes.object_info import index_object_info

INFO = index_object_info(
    {
        "Make": {
            "input": {"required": {"seed": ["INT", {"default": 1}], "name": ["STRING"]}},
            "output": ["IMAGE"],
        },
        "Use": {
            "input": {"required": {"image": ["IMAGE"], "seed": ["INT", {"forceInput": True}]}},
            "output": ["IMAGE"],
            "output_node": True,
        },
    }
)


def node(
    node_id: Any,
    kind: str,
    values: Any = None,
    inputs: Sequence[Any] = (),
    links_out: Sequence[Any] = (),
    **more: Any,
) -> dict[str, Any]:
    """A node; `inputs` are `(name, type, link, further keys)`. Its one output is an IMAGE."""
    return {
        "id": node_id,
        "type": kind,
        "widgets_values": values,
        "inputs": [{"name": n, "type": t, "link": link, **w} for n, t, link, w in inputs],
        "outputs": [{"name": "o", "type": "IMAGE", "links": list(links_out)}],
        **more,
    }


def definition(
    key: str,
    nodes: list[dict[str, Any]],
    links: Sequence[Any],
    inputs: Sequence[Any] = (),
    outputs: Sequence[Any] = (),
) -> dict[str, Any]:
    """A subgraph; links are `(id, origin, slot, target, slot)`, slots `(name, type, link ids)`."""
    names = ("id", "origin_id", "origin_slot", "target_id", "target_slot", "type")
    return {
        "id": key,
        "name": key,
        "nodes": nodes,
        "links": [dict(zip(names, (*li, "*"), strict=True)) for li in links],
        "inputs": [{"name": n, "type": t, "linkIds": ids} for n, t, ids in inputs],
        "outputs": [{"name": n, "type": t, "linkIds": ids} for n, t, ids in outputs],
    }


def workflow(
    nodes: list[dict[str, Any]],
    links: Sequence[Any] = (),
    definitions: Sequence[dict[str, Any]] = (),
    **more: Any,
) -> dict[str, Any]:
    return {
        "nodes": nodes,
        "links": [[*li, "*"] for li in links],
        "definitions": {"subgraphs": list(definitions)},
        **more,
    }


# The input of a "Make" whose seed hangs on link 1.
SEED = ("seed", "INT", 1, {"widget": {"name": "seed"}})


def maker(key: str = "S") -> dict[str, Any]:
    """A subgraph with a promoted seed, which also feeds a bare socket."""
    return definition(
        key,
        [
            node(5, "Make", [10, "fixed", "inner"], [SEED]),
            node(6, "Use", [], [("image", "IMAGE", 2, {}), ("seed", "INT", 3, {})]),
        ],
        [(1, -10, 0, 5, 0), (3, -10, 0, 6, 1), (2, 5, 0, 6, 0), (4, 6, 0, -20, 0)],
        [("seed", "INT", [1, 3])],
        [("o", "IMAGE", [4])],
    )
