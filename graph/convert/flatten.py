"""A workflow flattened: the nodes that really run, and what really feeds each input.

Subgraphs are expanded ("57:8" is node 8 in instance 57); muted, bypassed and editor-only nodes
are gone, and links go through them as the front end resolves them. Works without /object_info
too: then the slots in the file count.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ...errors import Problem, WorkflowError
from ..node_classes.core_nodes import GROUP_NODE_PREFIXES, UUID, VIRTUAL
from ..node_classes.object_info import ObjectInfo
from ..packs.known_packs import KNOWN
from ..prompt import Source
from ..workflow.model import Graph, Mode, Node, Workflow
from .bypass import output_type
from .editor_state import NodeState
from .follow_link import Cut, DeadEnd, Origin, Scope, follow_link, input_type
from .load_graphs import load_graphs
from .plain_workflow import plain_workflow

_INACTIVE = (Mode.MUTED, Mode.BYPASSED)


@dataclass(slots=True)
class FlatNode:
    """A node that runs: its id in the prompt, and the instances around it, outermost first."""

    id: str
    node: Node
    scope: Scope
    state: NodeState

    @property
    def instances(self) -> tuple[Node, ...]:
        return self.scope.instances

    @property
    def graph(self) -> Graph:
        """The graph it lives in: the workflow, or a subgraph definition."""
        return self.scope.graph.graph

    def problem(self, reason: str) -> Problem:
        return Problem(reason, self.id, self.node.type, self.node.title)


class FlatGraph:
    """The result of `flatten`. `nodes` are exactly those of the prompt, in its order.

    Nodes that the server lacks are among them only if a prompt without them could be another one.
    """

    __slots__ = ("nodes", "root")

    def __init__(self, nodes: dict[str, FlatNode], root: Scope):
        self.nodes = nodes
        self.root = root

    def source(self, node_id: str, input_name: str) -> Source | None:
        """What feeds the input in the end. None: nothing does (not linked, or the source is muted).

        Raises:
            WorkflowError: a link that leads nowhere, or in a circle.
        """
        found = self.resolve(self.nodes[node_id], input_name)
        return found if isinstance(found, Source) else None

    def cut(self, node_id: str, input_name: str) -> Cut | None:
        """The node because of which nothing feeds an input, though a link is drawn to it."""
        found = self.resolve(self.nodes[node_id], input_name)
        return found if isinstance(found, Cut) else None

    def links(self) -> Iterator[tuple[Source, str, str]]:
        """`(source, node_id, input_name)` of every input that a node feeds."""
        for flat in self.nodes.values():
            for name in flat.state.links:
                found = self.resolve(flat, name)
                if isinstance(found, Source):
                    yield found, flat.id, name

    def input_type(self, node_id: str, input_name: str) -> str:
        """The type of an input, as the definition says, else as the file says."""
        flat = self.nodes[node_id]
        return input_type(flat.scope.graph, flat.state, input_name)

    def output_type(self, node_id: str, slot: int) -> str:
        """The type of an output, as the definition says, else as the file says."""
        flat = self.nodes[node_id]
        return output_type(flat.state, slot, flat.scope.graph)

    def resolve(self, flat: FlatNode, input_name: str) -> Origin:
        """What the link of an input leads to: a promoted value and a cut included."""
        try:
            return follow_link(flat.scope, flat.state, input_name)
        except DeadEnd as e:
            raise WorkflowError(
                "A link can't be followed:", [flat.problem(f"input {input_name!r}: {e}")]
            ) from e


def flatten(workflow: Workflow, info: ObjectInfo | None = None) -> FlatGraph:
    """Expand the subgraphs of a workflow and find the nodes that run.

    Args:
        workflow: is not changed.
        info: the indexed /object_info. Without it, inputs and types are those in the file.

    Raises:
        WorkflowError: a subgraph contains itself, nesting too deep, or two nodes with one id.
    """
    workflow = plain_workflow(workflow, info, keep_senders=True)
    root = Scope(load_graphs(workflow, info), None, None)
    nodes: dict[str, FlatNode] = {}
    problems: list[Problem] = []
    stack: list[tuple[Scope, Iterator[NodeState]]] = [(root, iter(root.graph.nodes.values()))]
    while stack:
        inside = _add_nodes(*stack[-1], nodes, problems)
        if inside is None:
            stack.pop()
        else:
            stack.append((inside, iter(inside.graph.nodes.values())))
    if problems:
        raise WorkflowError("Node ids are not unique:", problems)
    flat = FlatGraph(nodes, root)
    idle = {i for i, n in nodes.items() if n.state.spec is None and _is_idle(n.node, info)}
    for i in idle - _sources(flat, idle) if idle else ():
        del nodes[i]
    return flat


def _is_idle(node: Node, info: ObjectInfo | None) -> bool:
    """Whether a node that the server lacks does nothing as long as nothing is linked to it.

    Known nodes of the page, and what gets nothing and can't be an output node: those have no
    outputs, and the editor notes which nodes came from a server.
    """
    rules = info.rules(node.type) if info is not None else KNOWN.of(node.type)
    if rules is not None and rules.page_only:
        return True
    if info is None or node.type.startswith(GROUP_NODE_PREFIXES) or UUID.fullmatch(node.type):
        return False  # what a missing definition holds is not known
    if any(s.get("link") is not None for s in node.inputs):
        return False
    return bool(node.outputs) or "Node name for S&R" not in node.properties


def _sources(flat: FlatGraph, idle: set[str]) -> set[str]:
    """The nodes from which any node but these gets a value."""
    found = set()
    for node_id, node in flat.nodes.items():
        if node_id in idle:
            continue
        for name in node.state.links:
            try:
                source = flat.source(node_id, name)
            except WorkflowError:  # reported when the node itself is converted
                continue
            if source is not None:
                found.add(source.node_id)
    return found


def _add_nodes(
    scope: Scope, states: Iterator[NodeState], nodes: dict[str, FlatNode], problems: list[Problem]
) -> Scope | None:
    """Add the nodes that run, up to the next subgraph: its scope. None: there is no further one."""
    for state in states:
        node = state.node
        if state.definition is not None:
            # In the root, nothing in an inactive instance runs. Inside subgraphs its nodes are
            # sent all the same.
            if node.mode in _INACTIVE and scope.parent is None:
                continue
            inside = scope.children[str(node.id)] = Scope(state.definition, state, scope)
            return inside
        if node.mode in _INACTIVE or node.type in VIRTUAL:
            continue
        flat = FlatNode(scope.prefix + state.prompt_id, node, scope, state)
        if flat.id in nodes:
            problems.append(flat.problem("two nodes would have this id in the prompt"))
        nodes[flat.id] = flat
    return None
