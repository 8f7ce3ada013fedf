"""What the editor expects of a workflow file, checked independently of the code under test."""

from __future__ import annotations

from collections import Counter
from typing import Any


def find_inconsistencies(workflow: dict[str, Any]) -> list[str]:
    """Everything that is told in two places and not told the same; empty for a sound file."""
    definitions = (workflow.get("definitions") or {}).get("subgraphs") or []
    by_id = {d["id"]: d for d in definitions}
    found = [
        f"definition {i} twice" for i, n in Counter(d["id"] for d in definitions).items() if n > 1
    ]
    used: set[str] = set()
    for graph in (workflow, *definitions):
        where = graph.get("name") or "root"
        found += [f"{where}: {p}" for p in _check_graph(graph, is_root=graph is workflow)]
        for node in graph["nodes"]:
            if node["type"] in by_id:
                used.add(node["type"])
                found += [f"{where}: {p}" for p in _check_instance(node, by_id[node["type"]])]
    found += [f"definition {i} is not used" for i in by_id if i not in used]
    return found + _check_counters(workflow) + _check_wires(workflow)


def _links(graph: dict[str, Any]) -> list[tuple[Any, Any, int, Any, int]]:
    out = []
    for link in graph["links"]:
        if isinstance(link, dict):
            keys = ("id", "origin_id", "origin_slot", "target_id", "target_slot")
            out.append(tuple(link[k] for k in keys))
        else:
            out.append(tuple(link[:5]))
    return out


def _check_graph(graph: dict[str, Any], is_root: bool) -> list[str]:
    found = []
    for kind in ("nodes", "groups"):
        counts = Counter(item["id"] for item in graph.get(kind) or [] if "id" in item)
        found += [f"{kind} with the id {i}: {n}" for i, n in counts.items() if n > 1]
    nodes = {n["id"]: n for n in graph["nodes"]}
    links = _links(graph)
    by_id = {link[0]: link for link in links}
    if len(by_id) < len(links):
        found.append("two links with one id")
    is_v1 = not is_root or graph.get("version") == 1
    if any(isinstance(link, dict) != is_v1 for link in graph["links"]):
        found.append("links in the wrong form for the version")
    for link_id, origin, origin_slot, target, target_slot in links:
        if not is_root and origin == -10:
            slots = graph["inputs"]
            if not (
                origin_slot < len(slots) and link_id in (slots[origin_slot].get("linkIds") or [])
            ):
                found.append(f"link {link_id} is not at the subgraph's input {origin_slot}")
        elif origin not in nodes:
            found.append(f"link {link_id} comes from node {origin}, which is absent")
        else:
            slots = nodes[origin].get("outputs") or []
            if not (
                0 <= origin_slot < len(slots) and link_id in (slots[origin_slot].get("links") or [])
            ):
                found.append(f"link {link_id} is not at output {origin_slot} of node {origin}")
        if not is_root and target == -20:
            slots = graph["outputs"]
            if not (
                target_slot < len(slots) and link_id in (slots[target_slot].get("linkIds") or [])
            ):
                found.append(f"link {link_id} is not at the subgraph's output {target_slot}")
        elif target not in nodes:
            found.append(f"link {link_id} goes to node {target}, which is absent")
        else:
            slots = nodes[target].get("inputs") or []
            if not (0 <= target_slot < len(slots) and slots[target_slot].get("link") == link_id):
                found.append(f"link {link_id} is not at input {target_slot} of node {target}")
    found += _check_slots(graph, nodes, by_id, is_root)
    return found


def _check_slots(
    graph: dict[str, Any], nodes: dict[Any, Any], links: dict[Any, Any], is_root: bool
) -> list[str]:
    """Every link that a slot names exists and says the same; each is named once at each end."""
    found = []
    said_from: Counter[Any] = Counter()
    said_to: Counter[Any] = Counter()
    for node_id, node in nodes.items():
        for i, slot in enumerate(node.get("inputs") or []):
            link = slot.get("link")
            if link is not None:
                said_to[link] += 1
                if link not in links or links[link][3:] != (node_id, i):
                    found.append(f"input {i} of node {node_id} names link {link}")
        for i, slot in enumerate(node.get("outputs") or []):
            for link in slot.get("links") or []:
                said_from[link] += 1
                if link not in links or links[link][1:3] != (node_id, i):
                    found.append(f"output {i} of node {node_id} names link {link}")
    if not is_root:
        for side, said in (("inputs", said_from), ("outputs", said_to)):
            for slot in graph[side]:
                said.update(slot.get("linkIds") or [])
    for said in (said_from, said_to):
        found += [f"link {i} is named {n} times at one end" for i, n in said.items() if n > 1]
        found += [f"link {i} is named by nobody at one end" for i in links if i not in said]
        found += [f"link {i} is named, but absent" for i in said if i not in links]
    return found


def _check_instance(node: dict[str, Any], definition: dict[str, Any]) -> list[str]:
    names = [s["name"] for s in definition["inputs"]]
    found = [
        f"instance {node['id']} has an input {s.get('name')!r} that its definition has not"
        for s in node.get("inputs") or []
        if s.get("link") is not None and s.get("name") not in names
    ]
    for i, slot in enumerate(node.get("outputs") or []):
        if slot.get("links") and i >= len(definition["outputs"]):
            found.append(f"instance {node['id']} has an output {i} that its definition has not")
    return found


def _check_counters(workflow: dict[str, Any]) -> list[str]:
    if workflow.get("version") == 1:
        state = workflow["state"]
        counters = state["lastNodeId"], state["lastLinkId"]
    else:
        counters = workflow["last_node_id"], workflow["last_link_id"]
    definitions = (workflow.get("definitions") or {}).get("subgraphs") or []
    graphs = [workflow, *definitions]
    node_ids = [n["id"] for g in graphs for n in g["nodes"] if isinstance(n["id"], int)]
    link_ids = [link[0] for g in graphs for link in _links(g) if isinstance(link[0], int)]
    found = []
    for name, counter, ids in (("node", counters[0], node_ids), ("link", counters[1], link_ids)):
        if counter < max(ids, default=0):
            found.append(f"the last {name} id is {counter}, but there is {max(ids)}")
    return found


def _check_wires(workflow: dict[str, Any]) -> list[str]:
    extra = workflow.get("extra") or {}
    holder = workflow if workflow.get("version") == 1 else extra
    reroutes = holder.get("reroutes") or []
    ids = [r["id"] for r in reroutes]
    links = {link[0] for link in _links(workflow)}
    found = [f"reroute {i} twice" for i, n in Counter(ids).items() if n > 1]
    for reroute in reroutes:
        if reroute.get("parentId") is not None and reroute["parentId"] not in ids:
            found.append(f"reroute {reroute['id']} has the absent parent {reroute['parentId']}")
        if not set(reroute.get("linkIds") or []) <= links:
            found.append(f"reroute {reroute['id']} names absent links")
    for extension in extra.get("linkExtensions") or []:
        if extension["id"] not in links or extension.get("parentId") not in ids:
            found.append(f"link extension {extension} names what is absent")
    return found
