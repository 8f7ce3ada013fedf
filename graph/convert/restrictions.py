"""Which nodes a broadcast of Use Everywhere may go to by groups and colours: yes, no, or not known.

Source: cg-use-everywhere 7.8 (a3952a4), js/use_everywhere_ui.js. Whether a node is in a group is
asked of the page, where nodes may have another size than in the file; so one that is partly inside
is not known. Asked by `use_everywhere.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..workflow.layout import TITLE_HEIGHT, Box, group_box, node_box
from ..workflow.model import Graph, Node, NodeId, Subgraph

_SAME, _OTHER = 1, 2  # of `group_restricted` and `color_restricted`


@dataclass(frozen=True, slots=True)
class Reach:
    """The nodes of one graph that one sender may reach; without `known`, all of them."""

    known: Mapping[NodeId, bool | None] | None = None

    def of(self, node_id: NodeId) -> bool | None:
        """None: it can't be known."""
        return True if self.known is None else self.known.get(node_id, False)


def reach_of(graph: Graph, sender: Node, settings: Mapping[str, Any]) -> Reach:
    """What a sender's settings leave."""
    by_group, by_color = settings.get("group_restricted"), settings.get("color_restricted")
    pattern = settings.get("group_regex")
    if not by_group and not by_color and not pattern:
        return Reach()
    groups = _groups(graph)
    # The page measures nodes when it draws them, and that is the root.
    is_root = not isinstance(graph, Subgraph)
    known: dict[NodeId, bool | None] = {node.id: True for node in graph.nodes}
    if by_group:
        mine = {n.id: _share_group(groups, sender, n) for n in graph.nodes}
        known = _and(known, _restricted(mine, by_group, is_root))
    if by_color:
        mine = {n.id: n.data.get("color") == sender.data.get("color") for n in graph.nodes}
        # In a subgraph the pack looks for other colours in the graph that is open.
        known = _and(known, _restricted(mine, by_color, is_root or by_color == _SAME))
    if isinstance(pattern, str) and pattern and pattern != ".*":
        is_inverted = bool(settings.get("group_regex_invert"))
        named = [g for g in groups if bool(re.search(pattern, g.title)) != is_inverted]
        found = {n.id: _any(_inside(g.box, n) for g in named) for n in graph.nodes}
        known = _and(known, _restricted(found, _SAME, is_root))
    return Reach(known)


@dataclass(frozen=True, slots=True)
class _Group:
    title: str
    box: Box | None


def _groups(graph: Graph) -> list[_Group]:
    found = graph.data.get("groups")
    return [
        _Group(str(g.get("title") or ""), group_box(g))
        for g in (found if isinstance(found, list) else ())
        if isinstance(g, Mapping)
    ]


def _share_group(groups: Iterable[_Group], sender: Node, node: Node) -> bool | None:
    return _any(_both(_inside(g.box, sender), _inside(g.box, node)) for g in groups)


def _inside(box: Box | None, node: Node) -> bool | None:
    """Whether the middle of a node is in a frame, however the page has drawn it."""
    if box is None:
        return None
    left, top, right, bottom = node_box(node)
    if _is_collapsed(node):
        bottom = top + TITLE_HEIGHT
    # The middle of any node from no size to twice its size is where the saved node is.
    is_in = box.left < left and box.top < top and right < box.right and bottom < box.bottom
    is_out = right < box.left or box.right < left or bottom < box.top or box.bottom < top
    return True if is_in else False if is_out else None


def _is_collapsed(node: Node) -> bool:
    flags = node.data.get("flags")
    return isinstance(flags, Mapping) and bool(flags.get("collapsed"))


def _restricted(
    mine: Mapping[NodeId, bool | None], rule: Any, is_sure: bool
) -> dict[NodeId, bool | None]:
    """The nodes that a rule lets through: those that are mine, or the others."""
    if rule not in (_SAME, _OTHER) or not is_sure:
        return dict.fromkeys(mine, None)
    if rule == _SAME:
        return dict(mine)
    return {node_id: None if found is None else not found for node_id, found in mine.items()}


def _and(
    a: Mapping[NodeId, bool | None], b: Mapping[NodeId, bool | None]
) -> dict[NodeId, bool | None]:
    return {node_id: _both(found, b[node_id]) for node_id, found in a.items()}


def _both(a: bool | None, b: bool | None) -> bool | None:
    if a is False or b is False:
        return False
    return None if a is None or b is None else True


def _any(found: Iterable[bool | None]) -> bool | None:
    is_unsure = False
    for each in found:
        if each:
            return True
        is_unsure = is_unsure or each is None
    return None if is_unsure else False
