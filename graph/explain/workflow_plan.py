"""What a run of workflows would do, decided as the run decides it, and kept to be looked at.

`explain_workflow` takes one workflow and what each unique_id holds before it; it gives what would
happen, and what each unique_id holds after it. Nothing here runs, stores or draws anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from ..node_classes.object_info import ObjectInfo
from ..plan.api_nodes import ApiNode, api_nodes
from ..plan.expected_cache import find_cached
from ..plan.recipe import Recipe
from ..plan.run_plan import Binding, Frozen, Graft, Held, Literal, Load, StepPlan, plan_run, settle
from ..plan.swap_ports import recipe_of_output, swap_ports
from ..ports.find_ports import Port, PortMode, Ports
from ..ports.missing_inputs import find_fitting
from ..ports.port_types import ANY
from ..prompt import Prompt, upstream

# In place of the version of a value that is not stored yet.
GIVEN, LATER, MISSING = "given", "later", "missing"
_NOT_STORED = {GIVEN, LATER, MISSING}


@dataclass(frozen=True, slots=True)
class Offer:
    """What a unique_id holds.

    came_from: "inputs", "context", or the name of the workflow that makes it.
    size_bytes, storage: of what is loaded; None where that is not known before the run.
    """

    binding: Binding | Held
    came_from: str
    size_bytes: int | None = None
    storage: str | None = None


Offers: TypeAlias = "Mapping[str, Offer]"


@dataclass(frozen=True, slots=True)
class PortPlan:
    """What becomes of one unique_id.

    how: of an INPUT "literal", "load", "later" (an earlier workflow of this run makes it),
        "reference", "default" (what the widgets in the file have), "missing"; of an OUTPUT "save"
        "keep" (as a reference) or "result" (given back alone); "pass".
    came_from: as in `Offer`. value: of a literal or default. recipe: the hash of a reference.
    fitting: where a value is missing: the keys whose value could be given.
    """

    unique_id: str
    mode: PortMode
    type: str
    tags: tuple[str, ...]
    node_ids: tuple[str, ...]
    how: str
    came_from: str = ""
    value: Any = None
    recipe: str | None = None
    size_bytes: int | None = None
    storage: str | None = None
    fitting: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WorkflowPlan:
    """What one workflow would do in the first iteration.

    Attributes:
        ports: every unique_id with its mode, type, tags, and what becomes of it.
        prompt: what would be queued; empty: nothing. A value that is not stored yet is a loader
            whose version says so.
        runs, cached, pinned: node ids of the prompt: what is run, what ComfyUI is expected to have,
            and what is in it only so that ComfyUI keeps it.
        paid: the API nodes among those that run.
        for_references: nodes of the workflow that only the references it makes are made of.
        drawn, drawn_ports: the workflow as a prompt with its ports, as it is drawn.
        recipes: the stitched references, by the unique_id of their INPUT.
        types: the output types of the node classes in it.
    """

    name: str
    ports: tuple[PortPlan, ...]
    prompt: Prompt
    runs: tuple[str, ...]
    cached: tuple[str, ...]
    pinned: tuple[str, ...]
    paid: tuple[ApiNode, ...]
    for_references: frozenset[str]
    drawn: Prompt = field(repr=False)
    drawn_ports: Ports = field(repr=False)
    recipes: Mapping[str, Recipe] = field(repr=False)
    types: Mapping[str, tuple[str, ...]] = field(repr=False)

    @property
    def missing(self) -> tuple[PortPlan, ...]:
        """The INPUTs that nothing meets."""
        return tuple(port for port in self.ports if port.how == "missing")

    @property
    def loaded_bytes(self) -> int:
        """What the workflow's loaders read, as far as it is known."""
        sizes = {p.unique_id: p.size_bytes for p in self.ports if p.how in ("load", "later")}
        return sum(size or 0 for size in sizes.values())


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What explaining needs to know of the run, beside the workflow.

    kinds: key -> type of all that has a value.
    cached: signatures of what ComfyUI is expected to have.
    pinned: the recipes that every prompt carries.
    freeze: names the content of a stored value that a loader reads, as a reference keeps it.
    """

    rules: Mapping[str, str]
    info: ObjectInfo
    kinds: Mapping[str, str]
    cached: frozenset[str] = frozenset()
    pinned: tuple[Recipe, ...] = ()
    freeze: Callable[[Load], Frozen] | None = None


def explain_workflow(
    name: str, prompt: Prompt, ports: Ports, offers: Offers, around: Surroundings
) -> tuple[WorkflowPlan, dict[str, Offer]]:
    """Say what one workflow would do.

    Args:
        prompt: the workflow as a prompt, with its ports.
        offers: what each unique_id holds before it.

    Returns:
        The plan, and what each unique_id holds after it.

    Raises:
        WorkflowError: what a run would raise too, but for INPUTs without a value.
    """
    bindings = {uid: offer.binding for uid, offer in offers.items()}
    unmet = {uid for uid in ports.inputs if uid not in offers and ports.default(uid) is not None}
    plan = plan_run(
        ports, lambda uid, _: bindings.get(uid) or Load(uid, MISSING), around.rules, unmet
    )
    swapped = swap_ports(prompt, ports, plan, around.info, around.pinned)
    made = {uid: _make(uid, prompt, ports, plan, around) for uid in plan.references}
    lines = [_explain_input(uid, ports, offers, around.kinds) for uid in ports.inputs]
    for uid, port in ports.outputs.items():
        how, recipe = ("keep", _known_id(made[uid])) if uid in made else ("save", None)
        if port.is_for_call and uid not in made:
            how = "result"
        lines.append(replace(_line(uid, (port,), how), recipe=recipe))
    lines += [_line(uid, group, "pass") for uid, group in ports.passthrus.items()]
    needed = swapped.needed
    recipes = {uid: f.recipe for uid, f in plan.bindings.items() if isinstance(f, Graft)}
    nodes = [*prompt.values(), *(n for r in recipes.values() for n in r.nodes.values())]
    cached = find_cached(swapped.prompt, set(around.cached))
    after = dict(offers)
    for uid in ports.stored:
        after[uid] = Offer(Graft(made[uid]) if uid in made else Load(uid, LATER), name)
    runs = tuple(n for n in swapped.prompt if n in needed and n not in cached)
    return (
        WorkflowPlan(
            name,
            tuple(lines),
            swapped.prompt,
            runs,
            tuple(n for n in cached if n in needed),
            tuple(n for n in swapped.prompt if n not in needed),
            api_nodes({n: swapped.prompt[n] for n in runs}, around.info),
            frozenset(_before(prompt, ports, plan.references)) - needed,
            prompt,
            ports,
            recipes,
            {c: around.info.output_types(c) for c in {n["class_type"] for n in nodes}},
        ),
        after,
    )


def _explain_input(uid: str, ports: Ports, offers: Offers, kinds: Mapping[str, str]) -> PortPlan:
    group = ports.inputs[uid]
    offer = offers.get(uid)
    kind = ports.input_type(uid)
    default = ports.default(uid)
    if offer is None and default is not None:
        line = replace(_line(uid, group, "default"), type=kind, value=default.value)
        return replace(line, came_from="the file")
    if offer is None:
        fitting = find_fitting(uid, kind, kinds) if kind != ANY else []
        return replace(_line(uid, group, "missing"), type=kind, fitting=tuple(fitting))
    line = replace(_line(uid, group, "load"), type=kind, came_from=offer.came_from)
    binding = settle(offer.binding, kind)
    if isinstance(binding, Literal):
        return replace(line, how="literal", value=binding.value)
    if isinstance(binding, Graft):
        return replace(line, how="reference", recipe=_known_id(binding.recipe))
    is_later = isinstance(binding, Load) and binding.version == LATER
    how = "later" if is_later else "load"
    return replace(line, how=how, size_bytes=offer.size_bytes, storage=offer.storage)


def _line(uid: str, group: tuple[Port, ...], how: str) -> PortPlan:
    tags = dict.fromkeys(tag for port in group for tag in port.tags)
    ids = tuple(port.node_id for port in group)
    return PortPlan(uid, group[0].mode, group[0].type, tuple(tags), ids, how)


def _make(uid: str, prompt: Prompt, ports: Ports, plan: StepPlan, around: Surroundings) -> Recipe:
    """The recipe of a reference OUTPUT. What it loads is frozen, as far as it is stored."""
    recipe = recipe_of_output(prompt, ports, plan, around.info, uid)
    stored = {k for k, version in recipe.loads.items() if version not in _NOT_STORED}
    if around.freeze is None or not stored:
        return recipe
    bindings = {
        unique_id: around.freeze(binding)
        if isinstance(binding, Load) and binding.key in stored
        else binding
        for unique_id, binding in plan.bindings.items()
    }
    plan = replace(plan, bindings=bindings)
    return recipe_of_output(prompt, ports, plan, around.info, uid)


def _known_id(recipe: Recipe) -> str | None:
    """The recipe hash, unless it is made over a value whose content only the run looks at."""
    return None if recipe.loads else recipe.id


def _before(prompt: Prompt, ports: Ports, unique_ids: Iterable[str]) -> set[str]:
    return upstream(prompt, [ports.outputs[uid].node_id for uid in unique_ids])
