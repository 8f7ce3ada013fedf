"""What a workflow has that an address can name: nodes, subgraph instances, PrimitiveNodes, with
their inputs and outputs. Of an API prompt, its nodes.

Looked up by `find.py`; listed by whoever shows what could be addressed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ...errors import Problem, WorkflowError
from ..convert.flatten import FlatGraph, flatten
from ..convert.follow_link import DeadEnd, Scope, follow_output, inputs_on_way
from ..convert.primitives import primitive_of
from ..node_classes.core_nodes import PRIMITIVE, VIRTUAL
from ..node_classes.object_info import ObjectInfo
from ..ports.connections import Use
from ..prompt import Prompt, Source, link_source
from ..workflow.model import PORT_TYPE, Mode, Workflow


@dataclass(frozen=True, slots=True)
class NamedNode:
    """Something with inputs and outputs that an address can name.

    Attributes:
        id: as in the prompt, "57:27" inside a subgraph; of an instance "57".
        class_type: of an instance the name of its subgraph.
        idle: "" where it runs, else "muted" or "bypassed".
        inputs: name -> the inputs in the prompt that it stands for.
        labels: what else an input is called -> its name.
        outputs: (names, where the value comes from), in the order of the slots.
        is_node: whether the prompt has it, so that other inputs than the listed may be there.
    """

    id: str
    title: str
    class_type: str
    idle: str = ""
    inputs: Mapping[str, tuple[Use, ...]] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    outputs: tuple[tuple[tuple[str, ...], Source], ...] = ()
    is_node: bool = False

    def problem(self, reason: str) -> Problem:
        return Problem(reason, self.id, self.class_type, self.title)


@dataclass(frozen=True, slots=True)
class Directory:
    """All that can be named in one workflow or prompt."""

    nodes: tuple[NamedNode, ...]
    prompt: Prompt
    info: ObjectInfo

    def uses(self, node: NamedNode, name: str) -> tuple[Use, ...]:
        """The inputs in the prompt that one of that name, or label, stands for; () for none."""
        for known in (name, node.labels.get(name, name)):
            if known in node.inputs:
                return node.inputs[known]
            if node.is_node and self.info.input_spec(node.class_type, known) is not None:
                return (Use(node.id, known),)
        return ()

    def sources(self, node: NamedNode, name: str) -> tuple[Source, ...]:
        """The outputs of that name; of none, the output of that number, else what is linked to the
        input of that name.
        """
        found = tuple(dict.fromkeys(s for names, s in node.outputs if name in names))
        if found:
            return found
        if name.isdecimal() and len(name) < 5 and int(name) < len(node.outputs):
            return (node.outputs[int(name)][1],)
        links = (link_source(self.value(use)) for use in self.uses(node, name))
        return tuple(dict.fromkeys(link for link in links if link is not None))

    def value(self, use: Use) -> Any:
        """What an input has in the prompt; None for nothing."""
        return self.prompt[use.node_id]["inputs"].get(use.input_name)

    def is_output_node(self, node: NamedNode) -> bool:
        return node.is_node and self.info.is_output_node(node.class_type)


def directory_of(prompt: Prompt, info: ObjectInfo, workflow: Workflow | None = None) -> Directory:
    """What can be named.

    Args:
        prompt: the workflow as a prompt, with its ports.
        workflow: what it was made of; None: it was given as a prompt.
    """
    flat = None if workflow is None else flatten(workflow, info)
    nodes = [_of_prompt(node_id, prompt, info, flat) for node_id in prompt]
    nodes = [node for node in nodes if node.class_type != PORT_TYPE]
    if flat is not None:
        nodes += _instances(flat, prompt)
        nodes += _primitives(flat, prompt)
        nodes += _idle(flat)
    return Directory(tuple(nodes), prompt, info)


def _of_prompt(node_id: str, prompt: Prompt, info: ObjectInfo, flat: FlatGraph | None) -> NamedNode:
    node = prompt[node_id]
    class_type = node["class_type"]
    spec = info.spec(class_type)
    names = dict.fromkeys([*node["inputs"], *(spec.inputs if spec is not None else ())])
    item = flat.nodes.get(node_id) if flat is not None else None
    slots, outs = (item.node.inputs, item.node.outputs) if item is not None else ([], [])
    outputs = tuple(
        (_output_names(info, class_type, slot, outs), Source(node_id, slot))
        for slot in range(len(info.output_types(class_type)))
    )
    return NamedNode(
        node_id,
        title_of(prompt, node_id),
        class_type,
        inputs={name: (Use(node_id, name),) for name in names},
        labels=_labels(slots),
        outputs=outputs,
        is_node=True,
    )


def title_of(prompt: Prompt, node_id: str) -> str:
    """A node's title, else its class."""
    node = prompt[node_id]
    meta = node.get("_meta")
    title = meta.get("title") if isinstance(meta, Mapping) else None
    return title if isinstance(title, str) and title else node["class_type"]


def _labels(slots: list[dict[str, Any]]) -> dict[str, str]:
    """What slots are called beside their names."""
    found: dict[str, str] = {}
    for slot in slots:
        for label in (slot.get("label"), slot.get("localized_name")):
            if isinstance(label, str) and isinstance(slot.get("name"), str):
                found.setdefault(label, slot["name"])
    return found


def _output_names(
    info: ObjectInfo, class_type: str, slot: int, outs: list[dict[str, Any]]
) -> tuple[str, ...]:
    """Name, type and label of an output, as far as they are texts."""
    definition = info.raw.get(class_type)
    names = definition.get("output_name") if isinstance(definition, Mapping) else None
    found = [names[slot]] if isinstance(names, list) and slot < len(names) else []
    found.append(info.output_types(class_type)[slot])
    if slot < len(outs):
        found += [outs[slot].get("name"), outs[slot].get("label")]
    return tuple(dict.fromkeys(name for name in found if isinstance(name, str) and name))


def _scopes(scope: Scope) -> Iterator[Scope]:
    yield scope
    for inside in scope.children.values():
        yield from _scopes(inside)


def _instances(flat: FlatGraph, prompt: Prompt) -> Iterator[NamedNode]:
    """Instances of subgraphs. What their inputs stand for is found from the inside."""
    uses: dict[str, dict[str, list[Use]]] = {}
    for node_id, item in flat.nodes.items():
        if node_id not in prompt:
            continue
        for name in item.state.links:
            for scope, state, passed in _way(item.scope, item.state, name):
                if state.definition is not None:
                    by_name = uses.setdefault(scope.prefix + state.prompt_id, {})
                    by_name.setdefault(passed, []).append(Use(node_id, name))
    for inside in _scopes(flat.root):
        if inside.instance is None or inside.parent is None:
            continue
        instance = inside.instance
        assert instance.definition is not None
        found = uses.get(inside.prefix[:-1], {})
        slots = instance.definition.inputs
        declared = instance.definition.graph.data.get("inputs")
        labels = _labels([*(declared if isinstance(declared, list) else []), *instance.node.inputs])
        for slot, all_uses in found.items():  # as the page shows a promoted widget: as inside
            inner = flat.nodes[all_uses[0].node_id].node.inputs
            for label, at in _labels(inner).items():
                if at == all_uses[0].input_name and label not in found:
                    labels.setdefault(label, slot)
        name = getattr(instance.definition.graph, "name", "") or instance.node.type
        title = instance.node.data.get("title")
        yield NamedNode(
            inside.prefix[:-1],
            title if isinstance(title, str) and title else name,
            name,
            inputs={s.name: tuple(found[s.name]) for s in slots if s.name in found},
            labels=labels,
            outputs=tuple(_instance_outputs(inside.parent, inside, prompt)),
        )


def _way(scope: Scope, state: Any, name: str) -> Iterator[Any]:
    try:
        yield from inputs_on_way(scope, state, name)
    except DeadEnd:  # reported where the node is converted
        return


def _instance_outputs(
    outside: Scope, inside: Scope, prompt: Prompt
) -> Iterator[tuple[tuple[str, ...], Source]]:
    assert inside.instance is not None
    for slot, declared in enumerate(inside.graph.outputs):
        try:
            source = follow_output(outside, inside.instance, slot)
        except (DeadEnd, WorkflowError):
            continue
        if not isinstance(source, Source) or source.node_id not in prompt:
            continue
        outs = inside.instance.node.outputs
        own = outs[slot] if slot < len(outs) else {}
        names = [declared.get("name"), declared.get("label"), own.get("label"), own.get("name")]
        yield tuple(dict.fromkeys(n for n in names if isinstance(n, str) and n)), source


def _primitives(flat: FlatGraph, prompt: Prompt) -> Iterator[NamedNode]:
    """PrimitiveNodes, which the prompt does not have: their value is that of what they feed."""
    fed: dict[str, list[Use]] = {}
    nodes: dict[str, Any] = {}
    for node_id, item in flat.nodes.items():
        if node_id not in prompt:
            continue
        for name in item.state.links:
            primitive = primitive_of(item.scope.graph, item.state, name)
            if primitive is not None and name in prompt[node_id]["inputs"]:
                key = item.scope.prefix + primitive.prompt_id
                nodes[key] = primitive.node
                fed.setdefault(key, []).append(Use(node_id, name))
    for key, node in nodes.items():
        uses = tuple(fed[key])
        inputs = dict.fromkeys(["value", *(use.input_name for use in uses)], uses)
        yield NamedNode(key, node.title, PRIMITIVE, inputs=inputs)


def _idle(flat: FlatGraph) -> Iterator[NamedNode]:
    """The nodes that a muted or bypassed mode keeps from running."""
    names = {Mode.MUTED: "muted", Mode.BYPASSED: "bypassed"}
    for scope in _scopes(flat.root):
        for state in scope.graph.nodes.values():
            node = state.node
            if node.mode in names and node.type not in VIRTUAL and node.type != PORT_TYPE:
                title = node.data.get("title") or (state.spec and state.spec.display_name)
                yield NamedNode(
                    scope.prefix + state.prompt_id,
                    title if isinstance(title, str) and title else node.type,
                    node.type,
                    idle=names[Mode(node.mode)],
                )
