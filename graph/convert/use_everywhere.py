"""Links that Use Everywhere draws only while the browser queues a prompt: drawn here.

A broadcast goes to the unlinked inputs of its type, in its own graph. Source: behaviour of
cg-use-everywhere 7 with front end 1.49.6. What is not known of it is refused by the node's name:
nodes that are partly in a group, and rules for names other than equality.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, TypeVar

from ...errors import Problem, WorkflowError
from ..node_classes.core_nodes import NOTES, PRIMITIVE, REROUTES
from ..node_classes.node_class import Socket
from ..node_classes.object_info import ObjectInfo
from ..workflow.edit import highest
from ..workflow.model import SUBGRAPH_INPUT, Graph, Link, Mode, Node, NodeId, Subgraph, Workflow
from .broadcasts import (
    Broadcast,
    Target,
    as_dict,
    choose,
    doubt_of,
    sender_settings,
    settings_of,
    shown_name,
)
from .bypass import type_name
from .restrictions import Reach, reach_of

G = TypeVar("G", bound=Graph)
_INACTIVE = (Mode.MUTED, Mode.BYPASSED)
_PROMPTS = ("positive", "negative")  # what Prompts Everywhere calls its inputs
_OLD_WIDGET = "whether it reaches a widget in a file from before its version 7 is not known"
_HELP = "Draw the links, or export the workflow in the browser (Export (API)) and use that file"


def link_broadcasts(workflow: Workflow, info: ObjectInfo, keep_senders: bool) -> Workflow:
    """The workflow with a link for every broadcast.

    Args:
        keep_senders: leave the broadcasting nodes in, as the browser does. Without them nothing is
            broadcast again when other nodes come in.

    Raises:
        WorkflowError: broadcasts of which it can't be known where they go: all of them at once.
    """
    problems: list[Problem] = []
    drawer = _Drawer(workflow, info, problems)
    subgraphs = {key: drawer.linked(s) for key, s in workflow.subgraphs.items()}
    result = replace(drawer.linked(workflow), subgraphs=subgraphs)
    if problems:
        raise WorkflowError("Broadcasts can't be followed:", problems)
    return result if keep_senders else _without_senders(result, info)


def _without_senders(workflow: Workflow, info: ObjectInfo) -> Workflow:
    def left(graph: G) -> G:
        nodes = [
            replace(n, properties={k: v for k, v in n.properties.items() if k != "ue_convert"})
            if "ue_convert" in n.properties
            else n
            for n in graph.nodes
            if n.type not in info.book.senders or n.outputs
        ]
        kept = {n.id for n in nodes} | {w.target_id for w in graph.links.values()} - {
            n.id for n in graph.nodes
        }
        links = {k: w for k, w in graph.links.items() if w.target_id in kept}
        return replace(graph, nodes=nodes, links=links)

    subgraphs = {key: left(s) for key, s in workflow.subgraphs.items()}
    return replace(left(workflow), subgraphs=subgraphs)


class _Drawer:
    """Draws the links of one workflow's broadcasts, graph by graph."""

    def __init__(self, workflow: Workflow, info: ObjectInfo, problems: list[Problem]):
        self.workflow = workflow
        self.info = info
        self.problems = problems

    def linked(self, graph: G) -> G:
        """The graph with its broadcasts as links."""
        broadcasts = [
            b for n in graph.nodes if n.mode not in _INACTIVE for b in self._broadcasts(graph, n)
        ]
        if not broadcasts:
            return graph
        last = highest([*graph.links, graph.data.get("last_link_id")])
        links = dict(graph.links)
        nodes = []
        doubted: dict[NodeId, Problem] = {}
        for node in graph.nodes:
            new: dict[str, NodeId] = {}
            for target in self._targets(graph, node):
                found = choose(broadcasts, target)
                if found is None:
                    continue
                doubt = found.doubt_at(target) or (_OLD_WIDGET if target.is_old_widget else "")
                if doubt:
                    place = f"input {target.name!r} of node {node.id} ({node.title})"
                    doubted.setdefault(
                        found.sender.id, found.sender.problem(f"{doubt} ({place}). {_HELP}")
                    )
                last += 1
                links[last] = Link(last, found.origin_id, found.origin_slot, node.id, 0, found.type)
                new[target.name] = last
            nodes.append(_with_links(node, graph, new))
        self.problems += doubted.values()
        return replace(graph, nodes=nodes, links=links)

    def _targets(self, graph: Graph, node: Node) -> Iterator[Target]:
        """The unlinked inputs of a node that broadcasts may go to."""
        settings = settings_of(node)
        if (
            node.mode in _INACTIVE
            or node.type in self.info.book.senders
            or node.type in NOTES | REROUTES
            or node.type == PRIMITIVE
            or settings.get("rejects_ue_links")
        ):
            return
        connectable = as_dict(settings.get("widget_ue_connectable"))
        closed = as_dict(settings.get("input_ue_unconnectable"))
        for name, shown, kind, is_widget, is_later in self._inputs(graph, node):
            if is_widget and not connectable.get(name):
                # Before version 7 a widget that was made an input took links by that alone.
                is_old = "version" not in settings and self._is_old_file()
                if is_old and any(s.get("name") == name for s in node.inputs):
                    yield Target(node, name, shown, kind, True, is_later)
                continue
            if not is_widget and closed.get(name):
                continue
            yield Target(node, name, shown, kind, False, is_later)

    def _is_old_file(self) -> bool:
        """From before front end 1.16, which wrote a widget's socket only when it was wanted."""
        version = as_dict(self.workflow.data.get("extra")).get("frontendVersion")
        return not isinstance(version, str)

    def _inputs(self, graph: Graph, node: Node) -> Iterator[tuple[str, str, str, bool, bool]]:
        """`(name, what is shown, type, whether it is a widget's, whether the page gives it its
        type)` of all unlinked inputs.
        """
        spec = self.info.spec(node.type)
        definition = self.workflow.subgraphs.get(node.type)
        types: dict[str, str] = {}
        if definition is not None:
            types = {s["name"]: type_name(s.get("type")) for s in definition.inputs}
        elif spec is not None:
            types = {e.name: e.type for e in spec.elements if isinstance(e, Socket)}
            types |= {w.name: w.slot_type for w in spec.widgets if w.has_socket}
        else:
            return
        seen = set()
        for slot in node.inputs:
            name = slot.get("name") or ""
            seen.add(name)
            if slot.get("link") in graph.links and slot.get("link") is not None:
                continue
            kind = types.get(name, "COMFY_")
            is_later = kind.startswith("COMFY_")
            if kind == "*" or is_later:
                kind = type_name(slot.get("type"))
            is_widget = bool(slot.get("widget")) or (spec is not None and name in spec.by_name)
            yield name, shown_name(slot), kind, is_widget, is_later
        for name, kind in types.items():
            if name not in seen and definition is None and spec is not None:
                yield name, name, kind, name in spec.by_name, kind.startswith("COMFY_")

    def _broadcasts(self, graph: Graph, node: Node) -> Iterator[Broadcast]:
        rules = self.info.rules(node.type)
        role = rules.broadcast if rules is not None else ""
        if not role and not node.properties.get("ue_convert"):
            return
        settings = sender_settings(node, role)
        doubt = doubt_of(node, settings)
        if not doubt and settings.get("send_to_any") and self._has_loose_ends(graph):
            doubt = "what of it goes through nodes that exist in the browser only is not known"
        reach = Reach() if doubt else reach_of(graph, node, settings)
        for broadcast in self._sent(graph, node, role, settings, doubt):
            yield replace(broadcast, reach=reach)

    def _sent(
        self, graph: Graph, node: Node, role: str, settings: dict[str, Any], doubt: str
    ) -> Iterator[Broadcast]:
        if not role:
            yield from self._outputs(node, settings, doubt)
        elif role == "seed":
            doubt = doubt or "which inputs it sends its seed to is not known"
            pattern = re.compile("seed", re.IGNORECASE)
            sent_on = Broadcast(node, node.id, 0, "INT", None, pattern, doubt, settings)
            yield replace(sent_on, is_special=True)
        else:
            yield from self._inputs_sent(graph, node, role, settings, doubt)

    def _has_loose_ends(self, graph: Graph) -> bool:
        """Whether a node that is none of the server's has an unlinked input of any type."""
        return any(
            node.mode not in _INACTIVE
            and node.type not in self.info.book.senders
            and node.type not in self.workflow.subgraphs
            and (self.info.spec(node.type) is None or node.type in REROUTES)
            and any(s.get("link") is None and s.get("type") == "*" for s in node.inputs)
            for node in graph.nodes
        )

    def _outputs(self, node: Node, settings: dict[str, Any], doubt: str) -> Iterator[Broadcast]:
        """What an ordinary node sends that was told to broadcast: its outputs."""
        silent = as_dict(settings.get("output_not_broadcasting"))
        sent = [
            (i, s, self._output_type(node, i))
            for i, s in enumerate(node.outputs)
            if not silent.get(s.get("name") or "")
        ]
        counts = Counter(kind for _, _, kind in sent)
        for i, slot, kind in sent:
            name = shown_name(slot) if counts[kind] > 1 else None
            unsure = doubt
            if name is not None and settings.get("repeated_type_rule"):
                name, unsure = None, doubt or "how it tells outputs of one type apart is not known"
            sent_on = Broadcast(node, node.id, i, kind, name, None, unsure, settings)
            yield replace(sent_on, is_repeated=_is_repeated(counts))

    def _inputs_sent(
        self, graph: Graph, node: Node, role: str, settings: dict[str, Any], doubt: str
    ) -> Iterator[Broadcast]:
        """What a broadcasting node sends: what is linked to it."""
        is_prompts = role == "prompts"
        fed = [
            (i, s, graph.links[s["link"]])
            for i, s in enumerate(node.inputs)
            if s.get("link") is not None and s["link"] in graph.links
        ]
        kinds = [self._link_type(graph, link) for _, _, link in fed]
        counts = Counter(kinds)
        for (i, slot, link), kind in zip(fed, kinds, strict=True):
            name, unsure = None, doubt
            if counts[kind] > 1:
                name = _PROMPTS[i] if is_prompts and i < len(_PROMPTS) else shown_name(slot)
                if settings.get("repeated_type_rule") or not (is_prompts or "version" in settings):
                    name = None
                    unsure = doubt or f"how it tells what it gets of type {kind} apart is not known"
            if kind == "*":
                shown = repr(slot.get("name") or "")
                self.problems.append(
                    node.problem(f"the type of what it gets at {shown} is not known. {_HELP}")
                )
            origin = link.origin_id, link.origin_slot
            sent_on = Broadcast(node, *origin, kind, name, None, unsure, settings)
            yield replace(sent_on, is_repeated=_is_repeated(counts), is_special=is_prompts)

    def _link_type(self, graph: Graph, link: Link) -> str:
        """The type of what a link carries: that of its origin, else what the file says."""
        nodes = {str(n.id): n for n in graph.nodes}
        for _ in range(len(nodes) + 1):
            if str(link.origin_id) == str(SUBGRAPH_INPUT) and isinstance(graph, Subgraph):
                slots = graph.inputs
                known = slots[link.origin_slot] if link.origin_slot < len(slots) else {}
                return type_name(known.get("type"))
            origin = nodes.get(str(link.origin_id))
            if origin is None:
                break
            if origin.type not in REROUTES:
                kind = self._output_type(origin, link.origin_slot)
                return type_name(link.type) if kind == "*" else kind
            before = next((s["link"] for s in origin.inputs if s.get("link") is not None), None)
            if before is None or before not in graph.links:
                break
            link = graph.links[before]
        return type_name(link.type)

    def _output_type(self, node: Node, slot: int) -> str:
        kinds = self.info.output_types(node.type)
        definition = self.workflow.subgraphs.get(node.type)
        if definition is not None:
            kinds = tuple(type_name(s.get("type")) for s in definition.outputs)
        known = kinds[slot] if slot < len(kinds) else "*"
        if known != "*" and not known.startswith("COMFY_"):
            return known
        return type_name(node.outputs[slot].get("type")) if slot < len(node.outputs) else "*"


def _is_repeated(counts: Counter[str]) -> bool:
    return any(count > 1 for count in counts.values())


def _with_links(node: Node, graph: Graph, new: dict[str, NodeId]) -> Node:
    """The node with new links at inputs by name; links that the file does not have are gone."""
    inputs = []
    for slot in node.inputs:
        link = new.pop(slot.get("name") or "", slot.get("link"))
        is_known = link is None or link in graph.links or link != slot.get("link")
        inputs.append({**slot, "link": link if is_known else None})
    inputs += [{"name": name, "type": "*", "link": link} for name, link in new.items()]
    return replace(node, inputs=inputs) if inputs != node.inputs else node
