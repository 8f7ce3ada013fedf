"""How the value of an INPUT gets into a prompt: as a literal, from the context, or rebuilt.

Used by a run, which looks at what is stored, and by a plan, which also looks at what would be.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from ..graph.compose.frozen_payload import is_reference
from ..graph.plan.recipe import Recipe
from ..graph.plan.run_plan import Binding, Graft, Held, Load
from ..graph.ports.plain_values import is_plain_type
from ..graph.ports.port_types import ANY
from ..graph.ports.value_types import kind_of

if TYPE_CHECKING:
    from ..workflow_context import WorkflowContext

# A value larger than this in the store is no literal: it is not even looked at.
_LITERAL_BYTES = 2 << 20


def binding_of(
    context: WorkflowContext, unique_id: str, kind: str, recipe: Callable[[str], Recipe]
) -> Binding | Held:
    """How a stored value gets into a prompt.

    Args:
        kind: the type of the port that takes it.
        recipe: asked for what rebuilds a reference.
    """
    receipt = context.internal.get_receipt(unique_id)
    if receipt.pass_by == "ref":
        return Graft(recipe(unique_id))
    load = Load(unique_id, receipt.version)
    if receipt.size_bytes > _LITERAL_BYTES or not (receipt.is_safe or is_plain_type(kind)):
        return load
    value = stored_value(context, unique_id)
    return load if value is UNSEEN else Held(value, load)


class Unseen:
    """What `stored_value` gives for what is not looked at; None is a value itself."""


UNSEEN = Unseen()


def stored_value(context: WorkflowContext, unique_id: str) -> Any:
    """A stored value, to look at; UNSEEN for what can't be opened here, and for a list of
    ComfyUI's, which is many values.
    """
    receipt = context.internal.get_receipt(unique_id)
    if receipt.is_list:
        return UNSEEN
    if receipt.is_safe:
        return context.load(unique_id)
    if receipt.size_bytes <= _LITERAL_BYTES:
        # Of a class of the script's, as an Enum; or of the worker's alone.
        with contextlib.suppress(Exception):
            return context.load(unique_id)
    return UNSEEN


def binding_of_given(unique_id: str, value: Any, size_bytes: int, version: str) -> Held | Load:
    """How a value would get into a prompt once it is stored under that version."""
    load = Load(unique_id, version)
    return load if size_bytes > _LITERAL_BYTES else Held(value, load)


def is_given_by_reference(value: Any, kinds: Iterable[str], rules: Mapping[str, str]) -> bool:
    """Whether an input is a reference, from the value and the types of the ports that take it."""
    return is_reference(value) and any(rules.get(kind) == "ref" for kind in kinds)


def kind_of_stored(context: WorkflowContext, unique_id: str, type_of: Callable[[str], str]) -> str:
    """The ComfyUI type of a stored value; ANY if it is not known or can't be read.

    Args:
        type_of: asked for the type of a reference.
    """
    with contextlib.suppress(Exception):  # it serves a hint in a message, which must come anyway
        if context.internal.get_receipt(unique_id).pass_by == "ref":
            return type_of(unique_id)
        return kind_of(context.load(unique_id))
    return ANY
