"""Where things stand in the editor: boxes of nodes and groups, and moving a whole graph."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, NamedTuple

from .model import Graph, Node, Workflow

TITLE_HEIGHT = 30.0  # LiteGraph draws a node's title above its `pos`
GROUP_PADDING = 20.0
_DEFAULT_SIZE = (210.0, 100.0)


class Box(NamedTuple):
    """Left, top, right and bottom in the editor's units."""

    left: float
    top: float
    right: float
    bottom: float

    def holds(self, x: float, y: float) -> bool:
        return self.left <= x < self.right and self.top <= y < self.bottom

    def bounding(self, padding: float, title: float) -> list[float]:
        """As a group's `bounding`: `[x, y, width, height]`, with room around and for the title."""
        return [
            self.left - padding,
            self.top - padding - title,
            self.right - self.left + 2 * padding,
            self.bottom - self.top + 2 * padding + title,
        ]


def pair(value: Any, default: tuple[float, float]) -> tuple[float, float]:
    """Both forms of `pos` and `size`: `[x, y]` and `{"0": x, "1": y}`, which old editors saved."""
    if isinstance(value, dict):
        value = [value.get("0"), value.get("1")]
    if isinstance(value, (list, tuple)) and len(value) >= 2:
        first, second = value[0], value[1]
        if _is_number(first) and _is_number(second):
            return float(first), float(second)
    return default


def node_box(node: Node) -> Box:
    """The node with its title bar."""
    x, y = pair(node.data.get("pos"), (0.0, 0.0))
    width, height = pair(node.data.get("size"), _DEFAULT_SIZE)
    return Box(x, y - TITLE_HEIGHT, x + width, y + height)


def group_box(group: Any) -> Box | None:
    """A group's frame, or None if the file has it in no usable form."""
    bounding = group.get("bounding") if isinstance(group, dict) else None
    if (
        isinstance(bounding, (list, tuple))
        and len(bounding) == 4
        and all(map(_is_number, bounding))
    ):
        x, y, width, height = map(float, bounding)
        return Box(x, y, x + width, y + height)
    return None


def around(boxes: Iterable[Box]) -> Box | None:
    found = list(boxes)
    if not found:
        return None
    return Box(
        min(b.left for b in found),
        min(b.top for b in found),
        max(b.right for b in found),
        max(b.bottom for b in found),
    )


def graph_box(graph: Graph) -> Box | None:
    """The box around all nodes and groups of a graph; None if it has neither."""
    groups = [group_box(g) for g in graph.data.get("groups") or []]
    return around([*map(node_box, graph.nodes), *(g for g in groups if g is not None)])


def groups_with_nodes(graph: Graph) -> list[Any]:
    """The groups that hold the centre of at least one node, as the editor decides it."""
    centres = [((b.left + b.right) / 2, (b.top + b.bottom) / 2) for b in map(node_box, graph.nodes)]
    kept = []
    for group in graph.data.get("groups") or []:
        box = group_box(group)
        if box is not None and any(box.holds(x, y) for x, y in centres):
            kept.append(group)
    return kept


def moved(workflow: Workflow, dx: float, dy: float) -> Workflow:
    """The workflow with the nodes, groups and native reroutes of its root moved."""
    if not dx and not dy:
        return workflow
    nodes = []
    for node in workflow.nodes:
        x, y = pair(node.data.get("pos"), (0.0, 0.0))
        nodes.append(replace(node, data={**node.data, "pos": [x + dx, y + dy]}))
    data = dict(workflow.data)
    data["groups"] = [_moved_group(g, dx, dy) for g in data.get("groups") or []]
    extra = data.get("extra")
    if isinstance(extra, dict) and extra.get("reroutes"):
        data["extra"] = {**extra, "reroutes": [_moved_point(r, dx, dy) for r in extra["reroutes"]]}
    if data.get("reroutes"):
        data["reroutes"] = [_moved_point(r, dx, dy) for r in data["reroutes"]]
    return replace(workflow, nodes=nodes, data=data)


def _moved_group(group: Any, dx: float, dy: float) -> Any:
    box = group_box(group)
    if box is None:
        return group
    bounding = [box.left + dx, box.top + dy, box.right - box.left, box.bottom - box.top]
    return {**group, "bounding": bounding}


def _moved_point(item: Any, dx: float, dy: float) -> Any:
    if not isinstance(item, dict):
        return item
    x, y = pair(item.get("pos"), (0.0, 0.0))
    return {**item, "pos": [x + dx, y + dy]}


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
