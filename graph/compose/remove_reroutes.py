"""Reroute nodes taken out of a graph, on the editor's raw JSON.

Conversion does not need this (links are followed through reroutes); it is for people who edit
workflows.
"""

from __future__ import annotations

from typing import Any

from ...errors import Problem, WorkflowError
from ..node_classes.core_nodes import REROUTES
from ..workflow.model import Mode

_FIELDS = ("id", "origin_id", "origin_slot", "target_id", "target_slot", "type")


def remove_reroute_nodes(
    nodes: list[dict[str, Any]], links: list[Any]
) -> tuple[list[dict[str, Any]], list[Any], dict[Any, Any]]:
    """Join what is linked through Reroute nodes directly.

    A link that ends at another node keeps its id and gets the origin behind the reroutes. Links
    of reroutes that nothing feeds, or that are muted, go away, and so do links that end in a
    reroute.

    Args:
        nodes: the `nodes` of a workflow or of a subgraph definition; not changed.
        links: its `links`, as lists or as objects; not changed.

    Returns:
        The nodes, the links, and which link carries now what an old one carried: `{old id: new
        id}`. The first one, where a reroute fans out; ids of links that lead nowhere are absent.

    Raises:
        WorkflowError: reroutes that feed each other in a circle.
    """
    reroutes = {n["id"]: n for n in nodes if n.get("type") in REROUTES}
    by_id = {_field(link, "id"): link for link in links if link is not None}
    new_links: list[Any] = []
    carried: dict[Any, Any] = {}
    origins: dict[Any, list[tuple[Any, int]]] = {}
    for link in by_id.values():
        if _field(link, "target_id") in reroutes:
            continue
        link_id = _field(link, "id")
        way = _way_back(link, by_id, reroutes)
        if way is None:
            continue
        for passed in way:
            carried.setdefault(_field(passed, "id"), link_id)
        first = way[-1]
        new_links.append(link if first is link else _with_origin(link, first))
        origin = (_field(first, "origin_id"), _field(first, "origin_slot"))
        origins.setdefault(origin[0], []).append((link_id, origin[1]))
    kept = {_field(link, "id") for link in new_links}
    new_nodes = [
        _relinked(n, by_id, kept, origins.get(n["id"], []))
        for n in nodes
        if n["id"] not in reroutes
    ]
    return new_nodes, new_links, carried


def _way_back(link: Any, by_id: dict[Any, Any], reroutes: dict[Any, Any]) -> list[Any] | None:
    """The links from this one back to the first, through reroutes. None: nothing feeds it."""
    way = [link]
    passed = set()
    while (node_id := _field(way[-1], "origin_id")) in reroutes:
        node = reroutes[node_id]
        if node_id in passed:
            raise WorkflowError(
                "Reroutes feed each other in a circle:",
                [Problem("it is a part of the circle", str(i), "Reroute") for i in passed],
            )
        passed.add(node_id)
        inputs = node.get("inputs") or []
        link_id = inputs[0].get("link") if inputs else None
        if node.get("mode") == Mode.MUTED or link_id not in by_id:
            return None
        way.append(by_id[link_id])
    return way


def _field(link: Any, name: str) -> Any:
    return link[name] if isinstance(link, dict) else link[_FIELDS.index(name)]


def _with_origin(link: Any, first: Any) -> Any:
    origin_id, origin_slot = _field(first, "origin_id"), _field(first, "origin_slot")
    if isinstance(link, dict):
        kind = link.get("type")
        new = {**link, "origin_id": origin_id, "origin_slot": origin_slot}
        new["type"] = _field(first, "type") if kind in (None, "*") else kind
        return new
    kind = link[5] if len(link) > 5 else "*"
    if kind in (None, "*") and len(first) > 5:
        kind = _field(first, "type")
    return [link[0], origin_id, origin_slot, link[3], link[4], kind, *link[6:]]


def _relinked(
    node: dict[str, Any], by_id: dict[Any, Any], kept: set[Any], leaving: list[tuple[Any, int]]
) -> dict[str, Any]:
    """The node with the links that it has now; the same object when nothing changed."""
    new = dict(node)
    inputs = node.get("inputs") or []
    if any(i.get("link") in by_id and i["link"] not in kept for i in inputs):
        new["inputs"] = [
            {**i, "link": None} if i.get("link") in by_id and i["link"] not in kept else i
            for i in inputs
        ]
    outputs = node.get("outputs") or []
    lists = [[k for k, slot in leaving if slot == i] for i in range(len(outputs))]
    if any(_differ(o.get("links"), now) for o, now in zip(outputs, lists, strict=True)):
        new["outputs"] = [{**o, "links": now} for o, now in zip(outputs, lists, strict=True)]
    return new if new.keys() != node.keys() or any(new[k] is not node[k] for k in new) else node


def _differ(old: Any, now: list[Any]) -> bool:
    return set(old or ()) != set(now)
