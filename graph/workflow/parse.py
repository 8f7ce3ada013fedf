"""Reads the editor's workflow JSON, and checks its shape: all problems are reported at once."""

from __future__ import annotations

from typing import Any, TypeGuard, cast

from ...errors import Problem, WorkflowError
from .model import Link, Node, NodeId, Subgraph, Workflow


def parse_workflow(data: Any) -> Workflow:
    """Read the editor's JSON.

    Raises:
        WorkflowError: with every problem of shape that was found, each with its place.
    """
    problems: list[Problem] = []
    if not isinstance(data, dict):
        raise WorkflowError(f"A workflow must be a JSON object, not {_kind(data)}.")
    if not isinstance(data.get("nodes"), list):
        raise WorkflowError('This is not a workflow: it has no list "nodes".')
    nodes, links = _parse_graph(data, "workflow", problems)
    subgraphs: dict[str, Subgraph] = {}
    for definition in _definitions(data, problems):
        subgraph = _parse_subgraph(definition, problems)
        if subgraph is not None:
            subgraphs[subgraph.id] = subgraph
    if problems:
        raise WorkflowError("The workflow is malformed:", problems)
    return Workflow(nodes, links, data, subgraphs)


def _definitions(data: dict[str, Any], problems: list[Problem]) -> list[Any]:
    definitions = data.get("definitions")
    if definitions is None:
        return []
    if not isinstance(definitions, dict):
        problems.append(Problem(f'"definitions" must be an object, not {_kind(definitions)}'))
        return []
    subgraphs = definitions.get("subgraphs") or []
    if not isinstance(subgraphs, list):
        problems.append(Problem(f'"definitions.subgraphs" must be a list, not {_kind(subgraphs)}'))
        return []
    return subgraphs


def _parse_subgraph(data: Any, problems: list[Problem]) -> Subgraph | None:
    if not isinstance(data, dict) or not isinstance(data.get("id"), str):
        problems.append(Problem("a subgraph definition must be an object with a string id"))
        return None
    name = data.get("name")
    name = name if isinstance(name, str) else ""
    where = f"subgraph {name or data['id']!r}"
    nodes, links = _parse_graph(data, where, problems)
    slots = []
    for side in ("inputs", "outputs"):
        found = _list(data, side, where, problems)
        for i, slot in enumerate(found):
            if not isinstance(slot, dict) or not isinstance(slot.get("name"), str):
                problems.append(Problem(f"{where}: {side}[{i}] must be an object with a name"))
        slots.append(found)
    return Subgraph(nodes, links, data, data["id"], name, *slots)


def _parse_graph(
    data: dict[str, Any], where: str, problems: list[Problem]
) -> tuple[list[Node], dict[NodeId, Link]]:
    nodes = []
    seen: set[str] = set()  # the prompt's ids are text: 1 and "1" are the same there
    for i, item in enumerate(_list(data, "nodes", where, problems)):
        node = _parse_node(item, where, i, problems)
        if node is None:
            continue
        shown = str(node.id)
        if shown in seen:
            problems.append(node.problem(f"{where}: two nodes have this id"))
        seen.add(shown)
        nodes.append(node)
    links: dict[NodeId, Link] = {}
    for i, item in enumerate(_list(data, "links", where, problems)):
        link = _quick_link(item) or _parse_link(item, f"{where}: links[{i}]", problems)
        if link is not None:
            links[link.id] = link
    return nodes, links


def _list(data: dict[str, Any], key: str, where: str, problems: list[Problem]) -> list[Any]:
    value = data.get(key)
    if value is None:
        return []
    if not isinstance(value, list):
        problems.append(Problem(f"{where}: {key!r} must be a list, not {_kind(value)}"))
        return []
    return value


def _parse_node(item: Any, graph: str, index: int, problems: list[Problem]) -> Node | None:
    if not isinstance(item, dict):
        problems.append(Problem(f"{graph}: nodes[{index}] must be an object, not {_kind(item)}"))
        return None
    node_id, kind, mode = item.get("id"), item.get("type"), item.get("mode")
    wrong: list[str] = []
    if not _is_id(node_id):
        wrong.append(f"the id must be a number or text, not {_show(node_id)}")
    if not isinstance(kind, str):
        wrong.append(f"the type must be text, not {_show(kind)}")
    if mode is not None and type(mode) is not int:
        wrong.append(f"the mode must be a number, not {_show(mode)}")
    inputs = _slots(item, "inputs", wrong)
    outputs = _slots(item, "outputs", wrong)
    properties = item.get("properties")
    if wrong:
        shown = str(node_id) if _is_id(node_id) else None
        problems.extend(Problem(f"{graph}: nodes[{index}]: {w}", shown) for w in wrong)
        return None
    return Node(
        cast(NodeId, node_id),
        cast(str, kind),
        mode or 0,
        inputs,
        outputs,
        item.get("widgets_values"),
        properties if isinstance(properties, dict) else {},
        item,
    )


def _slots(item: dict[str, Any], side: str, wrong: list[str]) -> list[dict[str, Any]]:
    slots = item.get(side)
    if slots is None:
        return []
    if not isinstance(slots, list):
        wrong.append(f"{side!r} must be a list, not {_kind(slots)}")
        return []
    for i, slot in enumerate(slots):
        if not isinstance(slot, dict):
            wrong.append(f"{side}[{i}] must be an object, not {_kind(slot)}")
            continue
        name, link = slot.get("name"), slot.get("link")
        if name is not None and not isinstance(name, str):
            wrong.append(f"{side}[{i}].name must be text, not {_show(name)}")
        if link is not None and side == "inputs" and not _is_id(link):
            wrong.append(f"{side}[{i}].link must be a link id, not {_show(link)}")
    return slots


def _quick_link(item: Any) -> Link | None:
    """A link in the form that nearly all of them have; None: look closer."""
    if type(item) is list and len(item) == 6:
        link = Link(*item)
        if type(link.id) is type(link.origin_id) is type(link.target_id) is int:
            slot = link.origin_slot
            if type(slot) is int and slot >= 0:
                return link
    return None


def _parse_link(item: Any, where: str, problems: list[Problem]) -> Link | None:
    """Both forms: `[id, origin_id, origin_slot, target_id, target_slot, type]` and the object."""
    if isinstance(item, list) and len(item) >= 5:
        link = Link(item[0], item[1], item[2], item[3], item[4], item[5] if len(item) > 5 else "*")
    elif isinstance(item, dict):
        missing = [k for k in Link._fields[:5] if k not in item]
        if missing:
            problems.append(Problem(f"{where} has no {', '.join(map(repr, missing))}"))
            return None
        link = Link(
            item["id"],
            item["origin_id"],
            item["origin_slot"],
            item["target_id"],
            item["target_slot"],
            item.get("type", "*"),
        )
    elif item is None:
        return None  # the editor leaves holes in old files
    else:
        problems.append(
            Problem(f"{where} must have the form [id, origin, slot, target, slot, type]")
        )
        return None
    if not (_is_id(link.id) and _is_id(link.origin_id) and _is_id(link.target_id)):
        shown = ", ".join(map(_show, link[:5]))
        problems.append(Problem(f"{where}: ids must be numbers or text, not [{shown}]"))
        return None
    if type(link.origin_slot) is not int or link.origin_slot < 0:
        problems.append(
            Problem(
                f"{where}: the origin slot must be a number from 0, not {_show(link.origin_slot)}"
            )
        )
        return None
    return link


def _is_id(value: Any) -> TypeGuard[NodeId]:
    return type(value) is int or isinstance(value, str)


def _show(value: Any) -> str:
    """A wrong value for a message; of what may be large or deep only the kind."""
    if value is None or isinstance(value, (dict, list, bool)):
        return _kind(value)
    text = repr(value)
    return text if len(text) <= 60 else text[:60] + "..."


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "text", bool: "true or false"}
    return "null" if value is None else names.get(type(value), "a number")
