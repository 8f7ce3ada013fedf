"""Group nodes (`workflow>name`), the forerunners of subgraphs, turned into subgraphs.

Their definition stands in `extra.groupNodes`: the inner nodes, with links by index. A group
node's inputs, outputs and widgets are those of its nodes that are not linked inside, in order.
Source: what front ends up to 1.2x saved.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ...errors import Problem, WorkflowError
from ..node_classes.core_nodes import GROUP_NODE_PREFIXES, PRIMITIVE, VIRTUAL
from ..node_classes.node_class import Socket
from ..node_classes.object_info import ObjectInfo
from ..node_classes.widgets import read_widgets, saved_values
from ..workflow.model import SUBGRAPH_INPUT, SUBGRAPH_OUTPUT, Graph, Link, Node, Subgraph, Workflow
from ..workflow.parse import parse_workflow


def expand_group_nodes(workflow: Workflow, info: ObjectInfo | None = None) -> Workflow:
    """The workflow with subgraphs for its group nodes; the same object if there are none.

    Args:
        info: says how many widgets the inner nodes have. Without it, the inner nodes keep the
            values of the definition, which is enough to follow links.

    Raises:
        WorkflowError: definitions that are malformed, with all group nodes that need them.
    """
    extra = workflow.data.get("extra")
    known = extra.get("groupNodes") if isinstance(extra, Mapping) else None
    known = known if isinstance(known, Mapping) else {}
    problems: list[Problem] = []
    subgraphs = dict(workflow.subgraphs)

    def expanded(graph: Graph, where: str) -> list[Node] | None:
        found = None
        for i, node in enumerate(graph.nodes):
            if not node.type.startswith(GROUP_NODE_PREFIXES) or node.type in subgraphs:
                continue
            if group_name(node.type) not in known:
                continue  # an unknown type: an error only if the node runs
            try:
                made = _Expansion(node, known[group_name(node.type)], info).subgraph(where)
            except WorkflowError as e:
                problems.extend(e.problems)
                continue
            found = list(graph.nodes) if found is None else found
            found[i] = made[0]
            subgraphs[made[1].id] = made[1]
        return found

    nodes = expanded(workflow, "")
    for key, definition in workflow.subgraphs.items():
        inner = expanded(definition, key)
        if inner is not None:
            subgraphs[key] = replace(definition, nodes=inner)
    if problems:
        raise WorkflowError("Group nodes can't be expanded:", problems)
    if len(subgraphs) == len(workflow.subgraphs):
        return workflow
    return replace(workflow, nodes=nodes or workflow.nodes, subgraphs=subgraphs)


def has_group_nodes(workflow: Workflow) -> bool:
    extra = workflow.data.get("extra")
    return (
        isinstance(extra, Mapping)
        and bool(extra.get("groupNodes"))
        and any(n.type.startswith(GROUP_NODE_PREFIXES) for g in workflow.graphs() for n in g.nodes)
    )


def group_name(node_type: str) -> str:
    """The name in `extra.groupNodes`."""
    for prefix in GROUP_NODE_PREFIXES:
        node_type = node_type.removeprefix(prefix)
    return node_type


@dataclass(slots=True)
class _Inner:
    """One inner node on its way into the subgraph."""

    node: Node
    names: dict[str, str] = field(default_factory=dict)  # its input -> the group node's input
    values: list[Any] | None = None


class _Expansion:
    """Makes the subgraph of one group node: each has its own, since values differ."""

    def __init__(self, group_node: Node, data: Any, info: ObjectInfo | None):
        if not isinstance(data, Mapping) or not isinstance(data.get("nodes"), list):
            raise WorkflowError(
                "",
                [
                    group_node.problem(
                        f"the definition of this group node, {group_name(group_node.type)!r} in "
                        "extra.groupNodes, must be an object with a list of nodes"
                    )
                ],
            )
        self.group_node = group_node
        self.info = info
        numbered = [
            {**n, "id": n.get("index", i)} if isinstance(n, Mapping) else n
            for i, n in enumerate(data["nodes"])
        ]
        try:
            parsed = parse_workflow({"nodes": numbered})
        except WorkflowError as e:
            raise WorkflowError(
                "",
                [group_node.problem(f"the definition of this group node: {p}") for p in e.problems],
            ) from e
        self.inner = {n.id: _Inner(n) for n in parsed.nodes}
        links = data.get("links")
        links = links if isinstance(links, list) else []
        self.inner_links = [w for w in links if self._is_inner_link(w)]
        # Some front ends wrote the whole node into a row instead of its index; such a row has no
        # effect there.
        rows = data.get("external")
        self.external = {
            (e[0], e[1])
            for e in (rows if isinstance(rows, list) else [])
            if isinstance(e, list) and len(e) > 1 and all(type(w) is int for w in e[:2])
        }
        config = data.get("config")
        self.config: Mapping[str, Any] = config if isinstance(config, Mapping) else {}

    def _is_inner_link(self, link: Any) -> bool:
        """A link inside: `[origin index, slot, target index, slot, ...]`; others have no origin."""
        return (
            isinstance(link, list)
            and len(link) > 3
            and all(isinstance(w, int) for w in link[:4])
            and link[0] in self.inner
            and link[2] in self.inner
            and 0 <= link[3] < len(self.inner[link[2]].node.inputs)
        )

    def subgraph(self, where: str) -> tuple[Node, Subgraph]:
        """The instance that takes the group node's place, and its definition."""
        self._name_inputs()
        self._share_out_values()
        links: dict[Any, Link] = {}
        fed: dict[tuple[Any, str], Any] = {}
        for i, (origin, slot, target, target_slot, *_) in enumerate(self.inner_links, 1):
            links[i] = Link(i, origin, slot, target, target_slot, "*")
            fed[target, self.inner[target].node.inputs[target_slot].get("name") or ""] = i
        inputs = self._subgraph_inputs(links, fed)
        outputs = self._subgraph_outputs(links)
        nodes = [self._rebuilt(found, fed) for found in self.inner.values()]
        key = f"{self.group_node.type}\0{where}:{self.group_node.id}"
        data = {"id": key, "name": group_name(self.group_node.type)}
        definition = Subgraph(
            nodes, links, data, key, group_name(self.group_node.type), inputs, outputs
        )
        return replace(self.group_node, type=key, widgets_values=None, properties={}), definition

    def _name_inputs(self) -> None:
        """Names of the inputs and widgets: one that is taken gets the node's title in front."""
        seen: dict[str, int] = {}
        for index, found in self.inner.items():
            config = self.config.get(str(index))
            custom = config.get("input") if isinstance(config, Mapping) else None
            for name in self._input_names(found.node):
                own = custom.get(name) if isinstance(custom, Mapping) else None
                own = own.get("name") if isinstance(own, Mapping) else None
                shown = key = own if isinstance(own, str) else name
                titled = found.node.type == PRIMITIVE and found.node.data.get("title")
                if titled or shown in seen:
                    prefix = found.node.title
                    shown = key = f"{prefix} {name}"
                    if key in seen:
                        shown = f"{prefix} {seen[key]} {name}"
                seen[key] = seen.get(key, 1) + 1
                found.names[name] = shown

    def _input_names(self, node: Node) -> list[str]:
        """Inputs that nothing inside feeds: in the class's order, else the file's."""
        linked = {
            self.inner[w[2]].node.inputs[w[3]].get("name")
            for w in self.inner_links
            if w[2] == node.id
        }
        spec = self.info.spec(node.type) if self.info is not None else None
        names = [s.get("name") or "" for s in node.inputs]
        if spec is not None:
            known = [e.name for e in spec.elements if isinstance(e, Socket) or e.is_sent]
            names = known + [n for n in names if n not in known]
        elif node.type == PRIMITIVE:
            names = ["value"]
        return [n for n in names if n not in linked]

    def _share_out_values(self) -> None:
        """Give the inner nodes the group node's widget values, in order."""
        saved = self.group_node.widgets_values
        if not isinstance(saved, list) or self.info is None:
            return
        left = iter(saved)
        for found in self.inner.values():
            spec = self.info.spec(found.node.type)
            converted = {s.get("name") for s in found.node.inputs if s.get("widget")}
            if found.node.type == PRIMITIVE:
                own = found.node.widgets_values
                own = own if isinstance(own, list) else []
                found.values = [next(left, v) for v in own]
            elif spec is not None:
                pairs = list(read_widgets(spec, saved_values(found.node, spec)))
                found.values = [
                    v if w.name.partition("\0")[0] in converted else next(left, v)
                    for w, v in pairs
                    if w.is_saved
                ]

    def _subgraph_inputs(
        self, links: dict[Any, Link], fed: dict[tuple[Any, str], Any]
    ) -> list[Any]:
        inputs = []
        wanted = {s.get("name") for s in self.group_node.inputs if s.get("link") is not None}
        for index, found in self.inner.items():
            for name, shown in found.names.items():
                if shown not in wanted or found.node.type in VIRTUAL - {"Reroute"}:
                    continue
                wanted.discard(shown)
                link_id = f"in {len(inputs)}"
                links[link_id] = Link(link_id, SUBGRAPH_INPUT, len(inputs), index, 0, "*")
                fed[index, name] = link_id
                slots = {s.get("name"): s.get("type") for s in self.group_node.inputs}
                inputs.append({"name": shown, "type": slots[shown], "linkIds": [link_id]})
        if wanted:
            raise WorkflowError(
                "",
                [
                    self.group_node.problem(
                        "this group node has linked inputs that its definition does not: "
                        f"{', '.join(sorted(map(repr, wanted)))}. Convert it to a subgraph in the "
                        "editor and save the file again"
                    )
                ],
            )
        return inputs

    def _subgraph_outputs(self, links: dict[Any, Link]) -> list[Any]:
        used = {(w[0], w[1]) for w in self.inner_links}
        outputs = []
        for index, found in self.inner.items():
            spec = self.info.spec(found.node.type) if self.info is not None else None
            count = max(len(found.node.outputs), len(spec.outputs) if spec else 0)
            for slot in range(count if found.node.type != PRIMITIVE else 0):
                if (index, slot) in used and (index, slot) not in self.external:
                    continue
                link_id = f"out {len(outputs)}"
                links[link_id] = Link(link_id, index, slot, SUBGRAPH_OUTPUT, len(outputs), "*")
                outputs.append({"name": str(len(outputs)), "type": "*", "linkIds": [link_id]})
        return outputs

    def _rebuilt(self, found: _Inner, fed: dict[tuple[Any, str], Any]) -> Node:
        """The inner node with its links by id, and its values."""
        node = found.node
        mine = {name: link for (index, name), link in fed.items() if index == node.id}
        inputs = [
            {
                **{k: v for k, v in s.items() if k != "link"},
                "link": mine.pop(s.get("name") or "", None),
            }
            for s in node.inputs
        ]
        inputs += [{"name": name, "type": "*", "link": link} for name, link in mine.items()]
        values = node.widgets_values if found.values is None else found.values
        return replace(node, inputs=inputs, widgets_values=values)
