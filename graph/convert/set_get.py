"""Set and Get nodes of packs, which carry a value by its name: replaced by ordinary links.

A Get gives what feeds the Set of that name, also where that Set is muted or bypassed. Source:
behaviour of KJNodes and Easy-Use in the browser (front end 1.49.6): a Set of the Get's own graph
comes first, then one of the root.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

from ...errors import Problem, WorkflowError
from ..node_classes.object_info import ObjectInfo
from ..packs.known_packs import KNOWN
from ..workflow.edit import highest
from ..workflow.model import SUBGRAPH_INPUT, Graph, Link, Mode, Node, NodeId, Workflow

_LONGEST = 100  # names that one value may pass
_INACTIVE = (Mode.MUTED, Mode.BYPASSED)


class _Origin(NamedTuple):
    """Where a value comes from in its graph; `name`: from the root's Set of that name instead."""

    node_id: NodeId
    slot: int
    name: str | None = None


def join_set_get(workflow: Workflow, info: ObjectInfo | None = None) -> Workflow:
    """The workflow without its Set and Get nodes that run; what they carried is linked.

    The same object where there is none.

    Raises:
        WorkflowError: names that are set twice, out of reach or in a circle: all of them at once.
    """
    joiner = _Joiner(workflow, info)
    return joiner.workflow() if joiner.has_names else workflow


def _role(kind: str, info: ObjectInfo | None) -> str:
    """ "set", "get" or "" for other nodes, and for classes that the server has."""
    rules = info.rules(kind) if info is not None else KNOWN.of(kind)
    if rules is None or not (rules.set_name or rules.get_name):
        return ""
    if info is not None and kind in info:
        return ""
    return "set" if rules.set_name else "get"


class _Names:
    """The Set and Get nodes of one graph."""

    def __init__(self, graph: Graph, info: ObjectInfo | None):
        self.graph = graph
        self.nodes = {str(n.id): n for n in graph.nodes}
        self.roles = {str(n.id): role for n in graph.nodes if (role := _role(n.type, info))}
        self.sets: dict[str, list[Node]] = {}
        for node_id, role in self.roles.items():
            name = _name(self.nodes[node_id])
            if role == "set" and name is not None:
                self.sets.setdefault(name, []).append(self.nodes[node_id])

    def feed(self, node: Node) -> Link | None:
        """The link into a Set."""
        links = (self.graph.links.get(s["link"]) for s in node.inputs if s.get("link") is not None)
        return next((link for link in links if link is not None), None)


def _name(node: Node) -> str | None:
    values = node.widgets_values
    if isinstance(values, list) and values and isinstance(values[0], str):
        return values[0] or None
    return None


class _Joiner:
    def __init__(self, workflow: Workflow, info: ObjectInfo | None):
        self.source = workflow
        self.root = _Names(workflow, info)
        self.inner = {key: _Names(s, info) for key, s in workflow.subgraphs.items()}
        self.has_names = any(names.roles for names in (self.root, *self.inner.values()))
        self.problems: list[Problem] = []
        self.known: dict[int, _Origin | None] = {}
        # What definitions need from the root: (definition, name) -> the type of the value.
        self.needed: dict[tuple[str, str], Any] = {}
        self.slots: dict[tuple[str, str], int] = {}
        self.given = {key: [dict(s) for s in d.inputs] for key, d in workflow.subgraphs.items()}

    def workflow(self) -> Workflow:
        links = {key: self._links(names, key) for key, names in self.inner.items()}
        root_links = self._links(self.root, None)
        if self.problems:
            raise WorkflowError("Values can't be followed by their names:", self.problems)
        self._need_around()
        sources = {name: self._follow(self.root, name) for _, name in self.needed}
        subgraphs = {}
        for key, names in self.inner.items():
            definition = self.source.subgraphs[key]
            made, nodes = self._with_values(names, links[key], sources, key)
            subgraphs[key] = replace(definition, nodes=nodes, links=made, inputs=self.given[key])
        made, nodes = self._with_values(self.root, root_links, sources, None)
        return replace(self.source, nodes=nodes, links=made, subgraphs=subgraphs)

    def _links(self, names: _Names, key: str | None) -> dict[NodeId, tuple[Link, str | None]]:
        """A graph's links with their true origins; with a name, those from a Set of the root."""
        found: dict[NodeId, tuple[Link, str | None]] = {}
        for link in names.graph.links.values():
            if names.roles.get(str(link.target_id)) and self._runs(names, link.target_id):
                continue
            origin = self._origin(names, link, [])
            if origin is None:
                continue
            if origin.name is not None and key is not None:
                self.needed.setdefault((key, origin.name), link.type)
            moved = link._replace(origin_id=origin.node_id, origin_slot=origin.slot)
            found[link.id] = (moved, origin.name)
        return found

    def _runs(self, names: _Names, node_id: NodeId) -> bool:
        return names.nodes[str(node_id)].mode not in _INACTIVE

    def _origin(self, names: _Names, link: Link, passed: list[NodeId]) -> _Origin | None:
        """Where a link really comes from; None: nowhere."""
        role = names.roles.get(str(link.origin_id))
        if not role or not self._runs(names, link.origin_id):
            return _Origin(link.origin_id, link.origin_slot)
        node = names.nodes[str(link.origin_id)]
        if role == "set":
            return self._through(names, node, passed)
        name = _name(node)
        if name is None:
            return None
        if name in names.sets:
            return self._from_sets(names, names.sets[name], node, passed)
        if name in self.root.sets:
            return _Origin(SUBGRAPH_INPUT, 0, name)
        if any(name in other.sets for other in self.inner.values()):
            self.problems.append(
                node.problem(
                    f"the value {name!r} that it gets is set in another subgraph, and whether the "
                    "browser finds it there is not known. Set it in this graph or in the root, or "
                    "draw the link"
                )
            )
        return None

    def _from_sets(
        self, names: _Names, sets: list[Node], asking: Node, passed: list[NodeId]
    ) -> _Origin | None:
        found = {self._through(names, node, passed) for node in sets}
        if len(found) > 1:
            listed = ", ".join(str(n.id) for n in sets)
            self.problems.append(
                asking.problem(
                    f"the value {_name(asking)!r} that it gets is set by several nodes ({listed}); "
                    "give them different names"
                )
            )
        return found.pop()

    def _through(self, names: _Names, node: Node, passed: list[NodeId]) -> _Origin | None:
        """What feeds a Set."""
        if node.id in passed or len(passed) > _LONGEST:
            self.problems.append(
                node.problem(
                    "the value that it sets comes from itself, or through too many other names"
                )
            )
            return None
        if id(node) not in self.known:  # many nodes may get one name
            link = names.feed(node)
            origin = None if link is None else self._origin(names, link, [*passed, node.id])
            self.known[id(node)] = origin
        return self.known[id(node)]

    def _follow(self, names: _Names, name: str) -> _Origin | None:
        return self._through(names, names.sets[name][0], [])

    def _need_around(self) -> None:
        """Let the graphs around an instance hand on what its definition needs."""
        queue = list(self.needed)
        for key, name in queue:  # which grows by what is found
            for outer, names in self.inner.items():
                if (outer, name) not in self.needed and any(
                    n.type == key for n in names.graph.nodes
                ):
                    self.needed[outer, name] = self.needed[key, name]
                    queue.append((outer, name))
        for key, name in queue:
            taken = {s["name"] for s in self.given[key]}
            label = f"get {name}"
            while label in taken:
                label += "_"
            self.slots[key, name] = len(self.given[key])
            self.given[key].append({"name": label, "type": self.needed[key, name]})

    def _with_values(
        self,
        names: _Names,
        found: dict[NodeId, tuple[Link, str | None]],
        sources: dict[str, _Origin | None],
        key: str | None,
    ) -> tuple[dict[NodeId, Link], list[Node]]:
        """The links and nodes of a graph, with values of the root's Sets handed in and on."""
        links: dict[NodeId, Link] = {}
        for link_id, (link, name) in found.items():
            if name is None:
                links[link_id] = link
            elif key is not None and sources[name] is not None:
                links[link_id] = link._replace(origin_slot=self.slots[key, name])
        nodes = [
            n
            for n in names.graph.nodes
            if not names.roles.get(str(n.id)) or not self._runs(names, n.id)
        ]
        last = highest([*names.graph.links, names.graph.data.get("last_link_id")])
        for i, node in enumerate(nodes):
            inputs = [
                {**s, "link": None}
                if s.get("link") in names.graph.links and s["link"] not in links
                else s
                for s in node.inputs
            ]
            for inner, name in self.needed:
                source = sources[name]
                if inner != node.type or source is None:
                    continue
                last += 1
                origin = (
                    (source.node_id, source.slot)
                    if key is None
                    else (SUBGRAPH_INPUT, self.slots[key, name])
                )
                kind = self.needed[inner, name]
                links[last] = Link(last, *origin, node.id, len(inputs), kind)
                label = self.given[inner][self.slots[inner, name]]["name"]
                inputs.append({"name": label, "type": kind, "link": last})
            nodes[i] = replace(node, inputs=inputs) if inputs != node.inputs else node
        return links, nodes
