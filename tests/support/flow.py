"""Building workflow files in tests as the editor saves them, and running them without ComfyUI.

The interpreter's values are terms: what a node makes is its type, its widgets and the terms of
its inputs. Two workflows that make the same terms do the same.
"""

from __future__ import annotations

import random
from typing import Any

from custom_nodes.discomfort.graph.convert.flatten import FlatGraph, flatten
from custom_nodes.discomfort.graph.node_classes.widgets import index_object_info
from custom_nodes.discomfort.graph.workflow.model import Workflow
from custom_nodes.discomfort.graph.workflow.parse import parse_workflow

PORT = "DiscomfortPort"
SUBGRAPH_INPUT = -10  # as the origin of a link: the input side of a subgraph

# Two classes: one with widgets, and one that takes anything.
INFO = index_object_info(
    {
        "Sample": {
            "input": {
                "required": {
                    "steps": ["INT", {"default": 1}],
                    "name": ["STRING", {"default": ""}],
                    "model": ["MODEL", {}],
                }
            },
            "input_order": {"required": ["steps", "name", "model"]},
            "output": ["T"],
            "output_name": ["T"],
            "name": "Sample",
        },
        "Show": {
            "input": {"required": {"any": ["*", {}]}},
            "input_order": {"required": ["any"]},
            "output": ["T"],
            "output_name": ["T"],
            "name": "Show",
        },
    }
)


class Flow:
    """A graph under construction: the root of a workflow, or the inside of a subgraph."""

    def __init__(self, **extra: Any):
        self.nodes: list[dict[str, Any]] = []
        self.links: list[list[Any]] = []
        self.inputs: list[dict[str, Any]] = []
        self.outputs: list[dict[str, Any]] = []
        self.definitions: dict[str, dict[str, Any]] = {}
        self.groups: list[dict[str, Any]] = []
        self.extra = extra
        self.first_id = 1

    def node(
        self,
        type_: str,
        *sources: Any,
        outputs: int = 1,
        widgets: Any = None,
        mode: int = 0,
        title: str | None = None,
        names: tuple[str, ...] = (),
        node_id: Any = None,
    ) -> int:
        """Add a node whose inputs come from `(node id, slot)`, or a node id for its first slot,
        or None.
        """
        node_id = node_id if node_id is not None else self.first_id + len(self.nodes)
        node: dict[str, Any] = {
            "id": node_id,
            "type": type_,
            "pos": [250 * len(self.nodes), 40],
            "size": [200, 80],
            "flags": {},
            "order": len(self.nodes),
            "mode": mode,
            "inputs": [],
            "outputs": [{"name": f"out{i}", "type": "T", "links": []} for i in range(outputs)],
            "properties": {},
            "widgets_values": list(widgets or []),
        }
        if title:
            node["title"] = title
        self.nodes.append(node)
        for i, source in enumerate(sources):
            name = names[i] if i < len(names) else f"in{i}"
            node["inputs"].append({"name": name, "type": "T", "link": None})
            if source is not None:
                self.link(source, node_id, i)
        return node_id

    def port(self, unique_id: str, source: Any = None, tags: str = "", **more: Any) -> int:
        """Add a port; `source` feeds its input."""
        return self.node(
            PORT,
            source,
            widgets=[unique_id, tags],
            names=("input_data",),
            title=f"port {unique_id}",
            **more,
        )

    def link(self, source: Any, target: Any, slot: int, kind: str = "T") -> int:
        origin, origin_slot = source if isinstance(source, tuple) else (source, 0)
        link_id = len(self.links) + 1
        self.links.append([link_id, origin, origin_slot, target, slot, kind])
        if origin == SUBGRAPH_INPUT:
            self.inputs[origin_slot]["linkIds"].append(link_id)
        else:
            self.at(origin)["outputs"][origin_slot]["links"].append(link_id)
        if target == -20:
            self.outputs[slot]["linkIds"].append(link_id)
        else:
            self.at(target)["inputs"][slot]["link"] = link_id
        return link_id

    def at(self, node_id: Any) -> dict[str, Any]:
        return next(n for n in self.nodes if n["id"] == node_id)

    def subgraph_input(self, name: str) -> tuple[int, int]:
        """Add an input to this subgraph; the result is a source for its nodes."""
        self.inputs.append({"id": f"i-{name}", "name": name, "type": "T", "linkIds": []})
        return SUBGRAPH_INPUT, len(self.inputs) - 1

    def subgraph_output(self, name: str, source: Any) -> None:
        self.outputs.append({"id": f"o-{name}", "name": name, "type": "T", "linkIds": []})
        self.link(source, -20, len(self.outputs) - 1)

    def define(self, key: str, inner: Flow) -> str:
        """Make a definition of `inner`; nested ones come along."""
        links = [
            dict(
                zip(
                    ("id", "origin_id", "origin_slot", "target_id", "target_slot", "type"),
                    link,
                    strict=True,
                )
            )
            for link in inner.links
        ]
        self.definitions.update(inner.definitions)
        self.definitions[key] = {
            "id": key,
            "version": 1,
            "revision": 0,
            "name": f"subgraph {key}",
            "config": {},
            "state": {"lastNodeId": 0, "lastLinkId": 0, "lastGroupId": 0, "lastRerouteId": 0},
            "inputNode": {"id": -10, "bounding": [0, 0, 100, 60]},
            "outputNode": {"id": -20, "bounding": [900, 0, 100, 60]},
            "inputs": inner.inputs,
            "outputs": inner.outputs,
            "widgets": [],
            "nodes": inner.nodes,
            "groups": inner.groups,
            "links": links,
            "extra": {},
        }
        return key

    def instance(self, key: str, *sources: Any, **more: Any) -> int:
        definition = self.definitions[key]
        names = tuple(s["name"] for s in definition["inputs"])
        padded = [*sources, *[None] * (len(names) - len(sources))]
        return self.node(key, *padded, names=names, outputs=len(definition["outputs"]), **more)

    def json(self) -> dict[str, Any]:
        inner = [n for d in self.definitions.values() for n in d["nodes"]]
        ids = [n["id"] for n in (*self.nodes, *inner) if isinstance(n["id"], int)]
        data: dict[str, Any] = {
            "id": "11111111-2222-3333-4444-555555555555",
            "revision": 0,
            "last_node_id": max(ids, default=0),
            "last_link_id": len(self.links),
            "nodes": self.nodes,
            "links": self.links,
            "groups": self.groups,
            "config": {},
            "extra": self.extra,
            "version": 0.4,
        }
        if self.definitions:
            data["definitions"] = {"subgraphs": list(self.definitions.values())}
        return data

    def workflow(self) -> Workflow:
        return parse_workflow(self.json())


class Interpreter:
    """Runs a workflow over a context. `at` gives the term that each flat node makes."""

    def __init__(self, workflow: Workflow, context: dict[str, Any] | None = None):
        self.flat: FlatGraph = flatten(workflow)
        self.context = context or {}
        self.at: dict[str, Any] = {}
        self.inputs: dict[str, list[tuple[str, str, int]]] = {i: [] for i in self.flat.nodes}
        for source, node_id, name in self.flat.links():
            self.inputs[node_id].append((name, source.node_id, source.slot))
        self.used = {origin for found in self.inputs.values() for _, origin, _ in found}
        for node_id in self.flat.nodes:
            self._make(node_id)

    def _make(self, node_id: str) -> Any:
        if node_id not in self.at:
            node = self.flat.nodes[node_id].node
            terms = {n: (self._make(o), s) for n, o, s in self.inputs[node_id]}
            if node.type != PORT:
                term = node.type, tuple(node.widgets_values or ()), tuple(sorted(terms.items()))
            elif terms:
                (made, slot) = terms["input_data"]
                term = made if self._is_port(node_id) else ("slot", made, slot)
            else:
                frozen = node.properties.get("discomfort_frozen")
                unique_id = node.widgets_values[0]
                term = (
                    frozen["value"] if frozen else self.context.get(unique_id, ("unmet", unique_id))
                )
            self.at[node_id] = term
        return self.at[node_id]

    def _is_port(self, node_id: str) -> bool:
        ((_, origin, _),) = self.inputs[node_id]
        return self.flat.nodes[origin].node.type == PORT

    def outputs(self) -> dict[str, Any]:
        """What the OUTPUT ports hand out."""
        return {
            flat.node.widgets_values[0]: self.at[i]
            for i, flat in self.flat.nodes.items()
            if flat.node.type == PORT and self.inputs[i] and i not in self.used
        }

    def port_terms(self, unique_id: str) -> list[Any]:
        """What comes through the ports of that unique_id."""
        return [
            self.at[i]
            for i, flat in self.flat.nodes.items()
            if flat.node.type == PORT and flat.node.widgets_values[0] == unique_id
        ]

    def work(self) -> list[Any]:
        """What all other nodes make, sorted."""
        return sorted(
            (self.at[i] for i, flat in self.flat.nodes.items() if flat.node.type != PORT), key=repr
        )


KEYS = ("a", "b", "c", "d")


def random_part(rng: random.Random, name: str) -> Workflow:
    """A random workflow with ports: some in subgraphs, some behind reroutes, muted or bypassed
    nodes.
    """
    flow = Flow(name=name)
    flow.first_id = rng.choice((1, 1, 40))
    definitions = []
    for number in range(rng.choice((0, 0, 1, 2))):
        inner = _random_inner(rng, definitions, flow.definitions, allow_output=True)
        flow.define(f"{name if rng.random() < 0.5 else 'shared'}-{number}", inner)
        definitions.append(list(flow.definitions)[-1])
    _fill(rng, flow, definitions, rng.randint(1, 9))
    for key in rng.sample(KEYS, rng.randint(0, 3)):
        sources = _sources(flow)
        if sources and key not in _inner_outputs(flow):
            flow.port(key, rng.choice(sources))
    return flow.workflow()


def _random_inner(
    rng: random.Random, definitions: list[str], known: dict[str, Any], allow_output: bool
) -> Flow:
    inner = Flow()
    inner.first_id = 100
    inner.definitions = dict(known)
    edges = [inner.subgraph_input(f"x{i}") for i in range(rng.randint(0, 2))]
    _fill(rng, inner, definitions, rng.randint(1, 4), edges)
    for i in range(rng.randint(1, 2)):
        sources = [*_sources(inner), *edges]
        if sources:
            inner.subgraph_output(f"y{i}", rng.choice(sources))
    if allow_output and rng.random() < 0.4 and _sources(inner):
        inner.port(f"inner{len(known)}", rng.choice(_sources(inner)))
    return inner


def _fill(
    rng: random.Random, flow: Flow, definitions: list[str], count: int, edges: Any = ()
) -> None:
    for number in range(count):
        sources: list[Any] = [*_sources(flow), *edges, None]
        kind = rng.random()
        mode = rng.choice((0, 0, 0, 0, 0, 0, 2, 4))
        if kind < 0.2:
            flow.port(rng.choice(KEYS), None)
        elif kind < 0.3:
            flow.port(f"middle{rng.randint(0, 2)}", rng.choice(sources))
        elif kind < 0.45:
            flow.node("Reroute", rng.choice(sources), names=("",))
        elif kind < 0.65 and definitions:
            key = definitions[rng.randrange(len(definitions))]
            count_in = len(flow.definitions[key]["inputs"])
            once = any(n["type"] == key for n in flow.nodes) and _holds_port(flow, key)
            if not once:
                flow.instance(key, *(rng.choice(sources) for _ in range(count_in)), mode=mode)
        else:
            picked = [rng.choice(sources) for _ in range(rng.randint(0, 3))]
            flow.node(f"Work{rng.randint(0, 3)}", *picked, widgets=[number], outputs=2, mode=mode)


def _sources(flow: Flow) -> list[tuple[Any, int]]:
    return [(n["id"], i) for n in flow.nodes for i in range(len(n["outputs"]))]


def _inner_outputs(flow: Flow) -> set[str]:
    nodes = [n for d in flow.definitions.values() for n in d["nodes"]]
    return {n["widgets_values"][0] for n in nodes if n["type"] == PORT}


def _holds_port(flow: Flow, key: str) -> bool:
    """Whether a definition has a port inside that may be an OUTPUT: twice, it would be an error."""
    for node in flow.definitions[key]["nodes"]:
        if node["type"] == PORT and node["inputs"][0]["link"] is not None:
            return True
        if node["type"] in flow.definitions and _holds_port(flow, node["type"]):
            return True
    return False
