"""(Prompt, plan) -> Prompt: ports become literals, loaders, savers and grafted recipes.

What is left of the prompt is what its outputs need. Passthru ports vanish: a link through them
leads to what it really comes from.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ...errors import WorkflowError
from ..node_classes.input_specs import MISSING, hidden_kinds
from ..node_classes.widgets import ObjectInfo
from ..ports.connections import PORT_INPUT, Use
from ..ports.find_ports import Port, Ports
from ..ports.literals import in_prompt
from ..ports.plain_values import is_plain_type
from ..prompt import Prompt, PromptNode, Source, link_source, links_of, prune_prompt
from ..workflow.model import PORT_TYPE
from .internal_nodes import LOADER, SAVER
from .recipe import Recipe, make_recipe
from .run_plan import Frozen, Graft, Literal, Load, StepPlan, frozen_binding, wanted_by


@dataclass(frozen=True, slots=True)
class Swapped:
    """A prompt ready to be queued.

    prompt: ports are gone; empty when nothing is to be executed.
    shown: it as its user wrote it, which is what nodes and the files that they save get to see.
    savers: unique_id -> node id of its saver.
    literals: (node id, input name) -> unique_id, to name in an error what a value came from.
    addresses: the names of INPUTs that are no DiscomfortPorts.
    needed: the ids of the nodes that its outputs need; the others are pinned.
    """

    prompt: Prompt
    shown: Prompt = field(default_factory=dict)
    savers: Mapping[str, str] = field(default_factory=dict)
    literals: Mapping[tuple[str, str], str] = field(default_factory=dict)
    needed: frozenset[str] = frozenset()
    addresses: frozenset[str] = frozenset()


def swap_ports(
    prompt: Prompt,
    ports: Ports,
    plan: StepPlan,
    info: ObjectInfo,
    pinned: Iterable[Recipe] = (),
) -> Swapped:
    """Make the prompt that is queued.

    Args:
        pinned: recipes that are put in unconnected, so that ComfyUI's cache keeps what they made
            (an entry whose node is absent from a prompt is dropped; execution.py, caching.py).
    """
    swap = _Swapper(prompt, ports, plan, info, names_reference=True)
    nodes = swap.nodes()
    savers = {unique_id: ports.outputs[unique_id].node_id for unique_id in plan.saves}
    for unique_id, node_id in savers.items():
        nodes[node_id] = swap.saver(unique_id, node_id)
    nodes.update(swap.added)
    targets = [n for n, node in nodes.items() if n in savers.values() or _is_output(node, info)]
    queued = prune_prompt(nodes, targets)
    needed = frozenset(queued)
    if queued:
        for recipe in pinned:
            for node_id, node in recipe.nodes.items():
                queued.setdefault(node_id, node)
    literals = {at: unique_id for at, unique_id in swap.literals.items() if at[0] in queued}
    addresses = frozenset(uid for uid, group in ports.inputs.items() if group[0].place is not None)
    shown = _as_written(prompt, ports, nodes)
    return Swapped(queued, shown, savers, literals, needed, addresses)


def _as_written(prompt: Prompt, ports: Ports, nodes: Prompt) -> Prompt:
    """The prompt as its user would write it: with what a call gave in place of the ports that it
    alone has, as far as it can be typed in.
    """
    made = {port.node_id for port in ports.all() if port.place is not None}
    if not made:
        return prompt
    kept = {p.node_id for p in ports.outputs.values() if p.node_id in made} ^ made
    shown: Prompt = {}
    loaded: set[str] = set()
    for node_id, node in prompt.items():
        typed = {}
        for name, source in links_of(node):
            if source.node_id in kept and node_id in nodes:
                value = nodes[node_id]["inputs"].get(name, MISSING)
                link = link_source(value)
                if link is None or (link.node_id in prompt and link.node_id not in made):
                    typed[name] = value
                else:
                    loaded.add(source.node_id)
        inputs = {k: v for k, v in {**node["inputs"], **typed}.items() if v is not MISSING}
        shown[node_id] = {**node, "inputs": inputs} if typed else node
    return {n: node for n, node in shown.items() if n not in made or n in loaded}


def resolve_output(
    prompt: Prompt, ports: Ports, plan: StepPlan, info: ObjectInfo, unique_id: str
) -> tuple[Prompt, Source | None]:
    """The prompt without ports, and the output in it that gives an OUTPUT port its value.

    Returns:
        prompt, source (None when the value is a literal).
    """
    swap = _Swapper(prompt, ports, plan, info)
    nodes = swap.nodes()
    value = swap.value_at(Source(ports.outputs[unique_id].node_id, 0), {})
    nodes.update(swap.added)
    return nodes, link_source(value)


def recipe_of_output(
    prompt: Prompt, ports: Ports, plan: StepPlan, info: ObjectInfo, unique_id: str
) -> Recipe:
    """What rebuilds the value of an OUTPUT.

    Raises:
        WorkflowError: no node makes it.
    """
    nodes, source = resolve_output(prompt, ports, plan, info, unique_id)
    if source is None:
        raise WorkflowError(
            "A reference can't be made:",
            [ports.outputs[unique_id].problem("its value is a literal, not made by a node")],
        )
    return make_recipe(nodes, source)


def run_data(
    swapped: Swapped,
    save_order: Mapping[str, Any],
    frozen: Mapping[str, str],
    optional: Iterable[str] = (),
) -> dict[str, Any]:
    """What goes with the prompt, beside it: all that this run alone knows, as JSON.

    The prompt that nodes get to see is given by its difference to the one that is queued.

    Args:
        save_order: for the savers; its `run_dir` is where loaders find their values.
        frozen: content -> version there, of frozen values.
        optional: the unique_ids whose savers may leave out what can't be saved.
    """
    queued, shown = swapped.prompt, swapped.shown
    return {
        "order": save_order,
        "frozen": frozen,
        "optional": list(optional),
        "hidden": [node_id for node_id in queued if node_id not in shown],
        "shown": {n: node for n, node in shown.items() if queued.get(n) is not node},
    }


def shows_workflow(prompt: Prompt, info: ObjectInfo) -> bool:
    """Whether a node writes the workflow into its files, as SaveImage does (ComfyUI nodes.py)."""
    classes = {node["class_type"] for node in prompt.values()}
    return any("EXTRA_PNGINFO" in hidden_kinds(info.raw.get(kind)) for kind in classes)


def _is_output(node: PromptNode, info: ObjectInfo) -> bool:
    return node["class_type"] in info and info.is_output_node(node["class_type"])


def _titled(recipe: Recipe, unique_id: str) -> Prompt:
    """The recipe's nodes with titles that say, in an error, where a node comes from."""
    return {
        node_id: {**node, "_meta": {"title": f"{_title(node)}, in the reference {unique_id!r}"}}
        for node_id, node in recipe.nodes.items()
    }


def _title(node: PromptNode) -> str:
    return (node.get("_meta") or {}).get("title") or node["class_type"]


class _Swapper:
    """One pass over a prompt. `added` collects the loaders and the recipes' nodes."""

    def __init__(
        self,
        prompt: Prompt,
        ports: Ports,
        plan: StepPlan,
        info: ObjectInfo,
        names_reference: bool = False,
    ):
        self.prompt, self.plan, self.info = prompt, plan, info
        self.names_reference = names_reference
        self.prompt_ports = ports
        self.ports = {port.node_id: port for port in ports.all()}
        self.added: Prompt = {}
        self.literals: dict[tuple[str, str], str] = {}
        self._loaders: dict[tuple[str, str], str] = {}

    def nodes(self) -> Prompt:
        """All nodes that are no ports, with what really feeds their inputs."""
        return {
            node_id: self._node(node_id, node)
            for node_id, node in self.prompt.items()
            if node["class_type"] != PORT_TYPE
        }

    def _node(self, node_id: str, node: PromptNode) -> PromptNode:
        inputs: dict[str, Any] = {}
        for name, value in node["inputs"].items():
            link = link_source(value)
            if link is None or link.node_id not in self.ports:
                continue
            unique_id = self._origin(link)
            if unique_id is not None and unique_id in self.plan.defaults:
                default = self.prompt_ports.default(unique_id)
                assert default is not None
                inputs[name] = default.under[Use(node_id, name)]
                if self.ports[link.node_id].place is not None:
                    continue  # a marker that is given nothing: as if it were not there
            else:
                wanted = wanted_by(self.info.input_spec(node["class_type"], name))
                inputs[name] = self.value_at(link, wanted)
            if unique_id is not None and link_source(inputs[name]) is None:
                self.literals[node_id, name] = unique_id
        if not inputs:
            return node
        made = {**node["inputs"], **inputs}
        return {**node, "inputs": {k: v for k, v in made.items() if v is not MISSING}}

    def saver(self, unique_id: str, node_id: str) -> PromptNode:
        """What takes the place of an OUTPUT port."""
        return {
            "class_type": SAVER,
            "inputs": {
                "unique_id": unique_id,
                PORT_INPUT: self.value_at(Source(node_id, 0), {}),
            },
            "_meta": {"title": f"output port {unique_id!r}"},
        }

    def value_at(self, link: Source, wanted: dict[str, Any]) -> Any:
        """What an input gets that is linked to `link`: a link to a real node, or a literal."""
        seen = []
        while link.node_id in self.ports:
            port = self.ports[link.node_id]
            if port.node_id in seen:
                raise WorkflowError(
                    "The ports form a cycle:", [self.ports[p].problem("in the cycle") for p in seen]
                )
            seen.append(port.node_id)
            if port.source is None:
                return self._bound(port, wanted)
            link = port.source
        return [link.node_id, link.slot]

    def _origin(self, link: Source) -> str | None:
        """The unique_id of the INPUT port that the link comes from, if it comes from one."""
        seen: set[str] = set()
        while link.node_id in self.ports and link.node_id not in seen:
            seen.add(link.node_id)
            port = self.ports[link.node_id]
            if port.source is None:
                return port.unique_id
            link = port.source
        return None

    def _bound(self, port: Port, wanted: dict[str, Any]) -> Any:
        """What the binding of an INPUT port puts into the inputs that it feeds."""
        is_frozen = port.frozen is not None
        binding = frozen_binding(port) if is_frozen else self.plan.bindings[port.unique_id]
        if isinstance(binding, Literal):
            if binding.given is None or is_plain_type(str(wanted.get("type"))):
                return in_prompt(binding.value)
            binding = binding.given
        if isinstance(binding, Graft):
            recipe = binding.recipe
            titled = _titled(recipe, port.unique_id) if self.names_reference else recipe.nodes
            self.added.update(titled)
            return [recipe.source.node_id, recipe.source.slot]
        return [self._loader(port, binding, wanted), 0]

    def _loader(self, port: Port, binding: Load | Frozen, wanted: dict[str, Any]) -> str:
        """The id of the loader that reads the value; ports of one value share it."""
        text = json.dumps(wanted, sort_keys=True)
        is_frozen = isinstance(binding, Frozen)
        version = binding.content if is_frozen else binding.version
        key = (version, text)
        if key not in self._loaders:
            name = port.node_id
            while name in self.added or (name != port.node_id and name in self.prompt):
                name += "+"
            self._loaders[key] = name
            self.added[name] = {
                "class_type": LOADER,
                "inputs": {
                    "unique_id": "" if is_frozen else binding.key,
                    "version": version,
                    "wanted": text,
                },
                "_meta": {"title": f"input port {port.unique_id!r}"},
            }
        return self._loaders[key]
