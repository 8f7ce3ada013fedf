"""How the value of an INPUT gets into a prompt: as a literal, from the context, or rebuilt.

Used by a run, which looks at what is stored, and by a plan, which also looks at what would be.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from ..graph.compose.frozen_payload import is_reference
from ..graph.plan.recipe import Recipe
from ..graph.plan.run_plan import Binding, Graft, Literal, Load
from ..graph.ports.literals import NOT_LITERAL, as_literal
from ..graph.ports.port_types import ANY
from ..graph.ports.value_types import kind_of

if TYPE_CHECKING:
    from ..workflow_context import WorkflowContext

# A value larger than this in the store is no literal: it is not even looked at.
_LITERAL_BYTES = 2 << 20


def binding_of(
    context: WorkflowContext, unique_id: str, recipe: Callable[[str], Recipe]
) -> Binding:
    """How a stored value gets into a prompt. `recipe` is asked for what rebuilds a reference."""
    receipt = context.internal.get_receipt(unique_id)
    if receipt.pass_by == "ref":
        return Graft(recipe(unique_id))
    # A list of ComfyUI's is many values, not one; and what needs code may be the worker's alone.
    is_small = receipt.size_bytes <= _LITERAL_BYTES
    if is_small and receipt.is_safe and not receipt.is_list:
        literal = as_literal(context.load(unique_id))
        if literal is not NOT_LITERAL:
            return Literal(literal)
    return Load(unique_id, receipt.version)


def binding_of_given(unique_id: str, value: Any, size_bytes: int, version: str) -> Binding:
    """How a value would get into a prompt once it is stored under that version."""
    literal = as_literal(value) if size_bytes <= _LITERAL_BYTES else NOT_LITERAL
    return Load(unique_id, version) if literal is NOT_LITERAL else Literal(literal)


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
