"""`api_nodes=False`: no workflow of a call, and no reference that it reads, has an API node."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ..graph.plan.api_nodes import refuse_api_nodes
from ..graph.plan.swap_ports import Swapped
from ..graph.prompt import Prompt
from ..workflows.prepare import Prepared
from .bindings import is_given_by_reference
from .environment import Environment
from .given_values import all_kinds

if TYPE_CHECKING:
    from ..workflow_context import WorkflowContext


def refuse_before(
    environment: Environment,
    context: WorkflowContext,
    prepared: list[Prepared],
    inputs: Mapping[str, Any],
) -> None:
    """See to it before anything is saved or queued; to be called in `Preparer.decide`.

    Raises:
        WorkflowError: names the nodes.
    """
    for name, prompt in _prompts(environment, context, prepared, inputs):
        refuse_api_nodes(name, prompt, environment.preparer.info)


def refuse_in_step(environment: Environment, name: str, swapped: Swapped) -> None:
    """See to it for one prompt: another run may have saved a reference meanwhile."""
    needed = {node_id: swapped.prompt[node_id] for node_id in swapped.needed}
    refuse_api_nodes(name, needed, environment.preparer.info)


def _prompts(
    environment: Environment,
    context: WorkflowContext,
    prepared: list[Prepared],
    inputs: Mapping[str, Any],
) -> Iterator[tuple[str, Prompt]]:
    prepare, stored = environment.preparer.prepare, set(context.list_keys())
    for workflow in prepared:
        yield workflow.name, workflow.prompt
    for unique_id in dict.fromkeys(uid for p in prepared for uid in p.ports.inputs):
        name = f"the reference {unique_id!r}"
        if unique_id in inputs:
            kinds = all_kinds(unique_id, (p.ports for p in prepared))
            if is_given_by_reference(inputs[unique_id], kinds, environment.rules):
                yield name, prepare(inputs[unique_id], name).prompt
        elif unique_id in stored and context.internal.get_receipt(unique_id).pass_by == "ref":
            yield name, prepare(context.internal.load_reference(unique_id), name).prompt
