"""What one run of one workflow does: all decisions, no effects.

From the ports, what the context holds and the pass-by rules follows how each INPUT gets its value
(a literal, a loader, a reference's recipe) and what becomes of each OUTPUT (saved, or kept as a
reference).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from ...errors import WorkflowError
from ..ports.find_ports import Port, Ports
from ..ports.literals import NOT_LITERAL, NotLiteral, as_literal
from ..ports.plain_values import is_builtin, is_plain_type, plain_value
from ..ports.port_types import ANY
from ..prompt import Prompt
from .check_literals import check_literals
from .recipe import Recipe, frozen_in

_MADE_OF_LISTS = {"SIGMAS"}  # the loader makes them of lists of numbers


@dataclass(frozen=True, slots=True)
class Literal:
    """The value is written into the prompt: ComfyUI validates and caches it as if typed in.

    given: how the object that it stands for is loaded, for inputs of other than plain types; None:
        the literal itself is what was given.
    """

    value: Any
    given: Load | None = None


@dataclass(frozen=True, slots=True)
class Load:
    """The value is read from the context by a loader. `key` is where it is stored there."""

    key: str
    version: str


@dataclass(frozen=True, slots=True)
class Held:
    """The value is at hand, and small. Literal or loaded: that depends on the port's type."""

    value: Any
    load: Load


@dataclass(frozen=True, slots=True)
class Frozen:
    """The value is read by a loader, too, but known by its content's hash.

    A reference keeps it in whatever context the reference is stored.
    """

    content: str


@dataclass(frozen=True, slots=True)
class Graft:
    """The value is rebuilt: the recipe's nodes become a part of the prompt."""

    recipe: Recipe


Binding: TypeAlias = "Literal | Load | Frozen | Graft"


@dataclass(frozen=True, slots=True)
class StepPlan:
    """The decisions for one run.

    bindings: how each INPUT's unique_id is met.
    saves: unique_ids of the OUTPUTs whose value is stored.
    references: unique_ids of the OUTPUTs that are kept as the workflow that makes them.
    defaults: unique_ids of the INPUTs that are given nothing, and have what the file has.
    """

    bindings: Mapping[str, Binding]
    saves: tuple[str, ...]
    references: tuple[str, ...]
    defaults: frozenset[str] = frozenset()


def plan_run(
    ports: Ports,
    look_up: Callable[[str, str], Binding | Held],
    rules: Mapping[str, str],
    unmet: Collection[str] = (),
) -> StepPlan:
    """Decide what one run does.

    Args:
        look_up: how a stored unique_id is met at a port of a type: (unique_id, type).
        rules: ComfyUI type -> "val" or "ref"; what is not listed is "val".
        unmet: the INPUTs that have no value but their default.

    Raises:
        WorkflowError: values that the types of their ports do not allow: text for a picture, None.
    """
    saves, references = [], []
    for unique_id, port in ports.outputs.items():
        by_reference = rules.get(port.type, "val") == "ref"
        (references if by_reference else saves).append(unique_id)
    bindings = {}
    for unique_id in ports.inputs:
        if unique_id not in unmet:
            kind = ports.input_type(unique_id)
            bindings[unique_id] = settle(look_up(unique_id, kind), kind)
    literals = {uid: b.value for uid, b in bindings.items() if isinstance(b, Literal)}
    check_literals(ports, literals, rules)
    bindings |= default_bindings(ports, unmet)
    return StepPlan(bindings, tuple(saves), tuple(references), frozenset(unmet))


def default_bindings(ports: Ports, unmet: Iterable[str]) -> dict[str, Binding]:
    """How INPUTs get their defaults: as if nothing was linked to the widgets."""
    found = {uid: ports.default(uid) for uid in unmet}
    return {uid: Literal(default.value) for uid, default in found.items() if default is not None}


def settle(binding: Binding | Held, kind: str) -> Binding:
    """How a value gets into the prompt at a port of a type: what is at hand is written down there
    as the builtin that it stands for, or loaded.
    """
    if not isinstance(binding, Held):
        return binding
    literal = settle_value(binding.value, kind)
    if isinstance(literal, NotLiteral):
        return binding.load
    return Literal(literal, None if is_builtin(binding.value) else binding.load)


def settle_value(value: Any, kind: str) -> Any:
    """What a value is written down as at a port of a type; NOT_LITERAL: it is loaded there."""
    if isinstance(value, list) and kind in _MADE_OF_LISTS:
        return NOT_LITERAL
    return as_literal(plain_value(value, kind) if is_plain_type(kind) else value)


def versions_to_load(plan: StepPlan) -> dict[str, str]:
    """key -> version of all that a run's loaders may read from under its own key."""
    loads = [b.given if isinstance(b, Literal) else b for b in plan.bindings.values()]
    return {load.key: load.version for load in loads if isinstance(load, Load)}


def contents_to_load(plan: StepPlan, prompt: Prompt, ports: Ports) -> set[str]:
    """The frozen values that a run's loaders read: of references, and of a file that is one."""
    contents = frozen_in(prompt)
    for binding in (*plan.bindings.values(), *(frozen_binding(port) for port in ports.frozen)):
        if isinstance(binding, Frozen):
            contents.add(binding.content)
        elif isinstance(binding, Graft):
            contents |= binding.recipe.frozen
    return contents


def frozen_binding(port: Port) -> Literal | Frozen:
    """What a reference froze into a port.

    Its JSON is `{"value": literal}`, or `{"content": hash}` for a larger value.
    """
    held = port.frozen
    if isinstance(held, Mapping) and "value" in held:
        return Literal(held["value"])
    if isinstance(held, Mapping) and isinstance(held.get("content"), str):
        return Frozen(held["content"])
    raise WorkflowError(
        "A reference is damaged:",
        [port.problem(f"the frozen value of the port can't be read: {held!r}")],
    )


def wanted_by(type_spec: tuple[Any, Mapping[str, Any]] | None) -> dict[str, Any]:
    """What a loader must make sure of for the input that it feeds, from that input's /object_info.

    Links skip ComfyUI's own checks of type, range and options (execution.py `validate_inputs`).
    """
    if type_spec is None:
        return {}
    kind, options = type_spec
    if isinstance(kind, (list, tuple)):
        return {"type": "COMBO", "options": list(kind)}
    wanted = {} if kind in ("*", ANY) else {"type": str(kind)}
    if kind in ("INT", "FLOAT"):
        wanted.update({k: options[k] for k in ("min", "max") if options.get(k) is not None})
    if (
        kind == "COMBO"
        and isinstance(options.get("options"), list)
        and not options.get("multiselect")
    ):
        wanted["options"] = options["options"]
    return wanted
