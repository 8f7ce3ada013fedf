"""Putting workflows beside each other in one file: ids, frames, and what the file says besides.

Nothing is joined here; `stitch` does that.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ...errors import WorkflowError
from ..convert.group_nodes import group_name
from ..workflow.edit import highest, stable_uuid
from ..workflow.layout import GROUP_PADDING, TITLE_HEIGHT, graph_box, moved
from ..workflow.model import Node, NodeId, Workflow
from ..workflow.native_reroutes import (
    NativeReroutes,
    read_reroutes,
    renumber_reroutes,
    with_reroutes,
)
from ..workflow.subgraph_definitions import share_definitions

PART_GAP = 120.0  # between the frames of two parts
_FRAME_COLORS = ("#3f789e", "#8A8", "#b58b2a", "#a1309b", "#88A")


@dataclass(slots=True)
class _Numbers:
    """The last number that was given out, of each kind of id."""

    node: int
    link: int
    group: int
    reroute: int
    floating: int


@dataclass(frozen=True, slots=True)
class _Part:
    """A workflow whose ids are those of the result, with the map from its own."""

    workflow: Workflow
    native: NativeReroutes
    node_map: dict[NodeId, NodeId]


def merge(
    workflows: Sequence[Workflow], titles: Sequence[str] = ()
) -> tuple[Workflow, list[dict[NodeId, NodeId]]]:
    """One workflow with all parts side by side, each in a labelled group if there are several.

    Args:
        workflows: at least one; their links are tidy.
        titles: what the groups say, for each part; an empty one, or none: the file's own name
            for itself, else its number.

    Returns:
        The workflow, and for each part which id each node of its root has now. The first
        keeps its ids.
    """
    _check_group_nodes(workflows)
    workflows = _side_by_side(share_definitions(workflows))
    first = workflows[0]
    numbers = _numbers_of(first)
    parts = [_Part(first, read_reroutes(first.data), {n.id: n.id for n in first.nodes})]
    parts += [_renumbered(w, numbers) for w in workflows[1:]]
    is_new = all(w.data.get("version") == 1 for w in workflows)
    data = _merged_data(workflows, 1 if is_new else 0.4)
    given = [*titles, *[""] * (len(parts) - len(titles))]
    labels = [given[i] or part_title(w, i) for i, w in enumerate(workflows)]
    data["groups"] = _groups([p.workflow for p in parts], labels, numbers)
    data = with_reroutes(
        data,
        NativeReroutes(
            [r for p in parts for r in p.native.reroutes],
            [x for p in parts for x in p.native.parents],
            [f for p in parts for f in p.native.floating],
        ),
    )
    nodes, order = [], 0
    for part in parts:
        nodes += [_in_order(n, order) for n in part.workflow.nodes]
        order += len(part.workflow.nodes)
    links = {k: v for p in parts for k, v in p.workflow.links.items()}
    subgraphs = {k: s for p in parts for k, s in p.workflow.subgraphs.items()}
    return with_last_ids(Workflow(nodes, links, data, subgraphs)), [p.node_map for p in parts]


def with_last_ids(workflow: Workflow) -> Workflow:
    """The workflow whose counters are past every id in it, where its schema version keeps them."""
    last_node = highest(n.id for g in workflow.graphs() for n in g.nodes)
    last_link = highest(i for g in workflow.graphs() for i in g.links)
    data = dict(workflow.data)
    if data.get("version") == 1:
        state = dict(data["state"]) if isinstance(data.get("state"), dict) else {}
        for key, value in (
            ("lastNodeId", last_node),
            ("lastLinkId", last_link),
            ("lastGroupId", highest(_ids(data.get("groups")))),
            ("lastRerouteId", highest(_ids(data.get("reroutes")))),
        ):
            state[key] = max(highest([state.get(key)]), value)
        data["state"] = state
    else:
        data["last_node_id"] = max(highest([data.get("last_node_id")]), last_node)
        data["last_link_id"] = max(highest([data.get("last_link_id")]), last_link)
    return replace(workflow, data=data)


def part_title(part: Workflow, index: int) -> str:
    """What the frame of a part says: the file's own name for itself, else its number."""
    holders = [h for h in (part.data.get("extra"), part.data) if isinstance(h, dict)]
    for name in (holder.get(key) for holder in holders for key in ("name", "title")):
        if isinstance(name, str) and name.strip():
            return name.strip()
    return f"Part {index + 1}"


def _numbers_of(workflow: Workflow) -> _Numbers:
    data = with_last_ids(workflow).data
    state = data.get("state") or {}
    native = read_reroutes(workflow.data)
    return _Numbers(
        node=highest([data.get("last_node_id"), state.get("lastNodeId")]),
        link=highest([data.get("last_link_id"), state.get("lastLinkId")]),
        group=highest(_ids(data.get("groups"))),
        reroute=highest(_ids(native.reroutes)),
        floating=highest(_ids(native.floating)),
    )


def _renumbered(workflow: Workflow, numbers: _Numbers) -> _Part:
    """The part with ids behind those given out. Ids inside subgraphs stay: they are scoped."""
    node_map: dict[NodeId, NodeId] = {
        n.id: numbers.node + i for i, n in enumerate(workflow.nodes, 1)
    }
    link_map: dict[NodeId, NodeId] = {k: numbers.link + i for i, k in enumerate(workflow.links, 1)}
    own = read_reroutes(workflow.data)
    native = renumber_reroutes(own, node_map, link_map, numbers.reroute + 1, numbers.floating + 1)
    groups = [g for g in workflow.data.get("groups") or [] if isinstance(g, dict)]
    groups = [{**g, "id": numbers.group + i} for i, g in enumerate(groups, 1)]
    numbers.node += len(node_map)
    numbers.link += len(link_map)
    numbers.group += len(groups)
    numbers.reroute += len(native.reroutes)
    numbers.floating += len(native.floating)
    links = {}
    for link in workflow.links.values():
        new_id = link_map[link.id]
        links[new_id] = link._replace(
            id=new_id, origin_id=node_map[link.origin_id], target_id=node_map[link.target_id]
        )
    nodes = [_with_ids(n, node_map, link_map) for n in workflow.nodes]
    data = {**workflow.data, "groups": groups}
    return _Part(replace(workflow, nodes=nodes, links=links, data=data), native, node_map)


def _with_ids(
    node: Node, node_map: Mapping[NodeId, NodeId], link_map: Mapping[NodeId, NodeId]
) -> Node:
    inputs = [
        {**s, "link": link_map[s["link"]]} if s.get("link") is not None else s for s in node.inputs
    ]
    outputs = [
        {**s, "links": [link_map[i] for i in s["links"]]} if s.get("links") else s
        for s in node.outputs
    ]
    return replace(node, id=node_map[node.id], inputs=inputs, outputs=outputs)


def _in_order(node: Node, before: int) -> Node:
    """The node with its place in the editor's order counted from the first part's nodes on."""
    order = node.data.get("order")
    if not before or not isinstance(order, int):
        return node
    return replace(node, data={**node.data, "order": order + before})


def _side_by_side(workflows: Sequence[Workflow]) -> list[Workflow]:
    """The parts moved into one row, their tops on one line."""
    placed: list[Workflow] = []
    right: float | None = None
    top = 0.0
    for workflow in workflows:
        box = graph_box(workflow)
        if box is not None:
            if right is None:
                right, top = box.right, box.top
            else:
                left = right + 2 * GROUP_PADDING + PART_GAP
                workflow = moved(workflow, left - box.left, top - box.top)
                right = left + box.right - box.left
        placed.append(workflow)
    return placed


def _groups(parts: Sequence[Workflow], labels: Sequence[str], numbers: _Numbers) -> list[Any]:
    """The frames around the parts, then the parts' own groups, which are drawn above them."""
    frames = []
    for index, part in enumerate(parts):
        box = graph_box(part)
        if box is None or len(parts) == 1:
            continue
        numbers.group += 1
        frames.append(
            {
                "id": numbers.group,
                "title": labels[index],
                "bounding": box.bounding(GROUP_PADDING, TITLE_HEIGHT),
                "color": _FRAME_COLORS[index % len(_FRAME_COLORS)],
                "font_size": 24,
                "flags": {},
            }
        )
    return [*frames, *(g for p in parts for g in p.data.get("groups") or [])]


def _merged_data(workflows: Sequence[Workflow], version: Any) -> dict[str, Any]:
    """The first file's own keys; of the others only what is not about their nodes or their view."""
    first = workflows[0].data
    data = {k: v for k, v in first.items() if k not in ("nodes", "links")}
    data["version"] = version
    if version != 1:
        data.pop("state", None)
    definitions = data.get("definitions")
    if isinstance(definitions, dict):
        data["definitions"] = {**definitions, "subgraphs": []}
    if len(workflows) > 1 and isinstance(first.get("id"), str):
        data["id"] = stable_uuid("workflow", *(str(w.data.get("id")) for w in workflows))
    extra = dict(data["extra"]) if isinstance(data.get("extra"), dict) else {}
    extras = [w.data["extra"] for w in workflows if isinstance(w.data.get("extra"), dict)]
    for key in ("groupNodes", "node_versions"):
        found = [e[key] for e in reversed(extras) if isinstance(e.get(key), dict)]
        if found:
            extra[key] = {k: v for part in found for k, v in part.items()}
    ours = [e["discomfort"] for e in extras if isinstance(e.get("discomfort"), dict)]
    values = [o["values"] for o in ours if isinstance(o.get("values"), dict)]
    if values:  # of references: what they have frozen in
        merged = {k: v for part in values for k, v in part.items()}
        extra["discomfort"] = {**(extra.get("discomfort") or {}), "values": merged}
    data["extra"] = extra
    models = [m for w in workflows for m in w.data.get("models") or []]
    if models:
        data["models"] = [m for i, m in enumerate(models) if m not in models[:i]]
    return data


def _check_group_nodes(workflows: Sequence[Workflow]) -> None:
    """Legacy group nodes go by name alone, so different ones of one name can't be kept apart."""
    seen: dict[str, Any] = {}
    problems = []
    for workflow in workflows:
        extra = workflow.data.get("extra")
        found = extra.get("groupNodes") if isinstance(extra, dict) else None
        for node in workflow.nodes:
            content = (found if isinstance(found, dict) else {}).get(group_name(node.type))
            if content is not None and seen.setdefault(node.type, content) != content:
                how = "another group node of that name differs; make it a subgraph in the editor"
                problems.append(node.problem(how))
    if problems:
        raise WorkflowError("These workflows can't be stitched:", problems)


def _ids(items: Iterable[Any] | None) -> list[Any]:
    return [item.get("id") for item in items or [] if isinstance(item, dict)]
