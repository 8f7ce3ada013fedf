"""References: values that are kept as the smallest workflow that makes them.

Making one (a closure over what the workflow read from its INPUT ports), finding the recipe of a
stored one, and keeping what ComfyUI made of recent ones alive in its cache.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from ..context.frozen_values import frozen_key
from ..context.handoff import Loan
from ..errors import Problem, UnknownKeyError, WorkflowError
from ..graph.compose.closure import close_prompt, close_workflow
from ..graph.compose.frozen_payload import contents_named
from ..graph.plan.api_nodes import api_nodes
from ..graph.plan.recipe import Recipe, make_recipe
from ..graph.plan.run_plan import Binding, Frozen, Graft, Load, StepPlan, default_bindings
from ..graph.plan.swap_ports import recipe_of_output, resolve_output
from ..graph.workflow.model import is_workflow
from ..graph.workflow.parse import parse_workflow
from ..store.receipt import Receipt
from ..workflow_context import WorkflowContext
from ..workflows.prepare import Prepared, Preparer
from .kept_models import CachePins

log = logging.getLogger("discomfort.references")

_KNOWN = 256  # versions whose recipe or content is remembered


class Reference(NamedTuple):
    """One reference that was made. `workflow` is None if the same is stored already.

    `kept`: content -> the value that is frozen in, which is lent to the run that made it.
    """

    unique_id: str
    recipe: Recipe
    workflow: dict[str, Any] | None
    kept: Mapping[str, Receipt]


class References:
    """All that one `Discomfort` knows of references. Values are in the contexts, not here."""

    def __init__(self) -> None:
        self.pins = CachePins()
        self._by_version: OrderedDict[str, Recipe] = OrderedDict()
        self._contents: OrderedDict[str, str] = OrderedDict()

    def pinned(self) -> list[Recipe]:
        """What is put into every prompt, so that ComfyUI keeps it."""
        return self.pins.recipes()

    def forget(self) -> None:
        self.pins.clear()
        self._by_version.clear()

    def recipe(self, context: WorkflowContext, unique_id: str, preparer: Preparer) -> Recipe:
        """The recipe of a stored reference.

        Raises:
            WorkflowError: it is no closure: an INPUT port in it has no frozen value.
        """
        receipt = context.internal.get_receipt(unique_id)
        recipe = self._by_version.get(receipt.version)
        if recipe is None:
            name = f"the reference {unique_id!r}"
            stored = preparer.prepare(context.internal.load_reference(unique_id), name)
            recipe = recipe_of(stored, unique_id, preparer)
            if (receipt.meta or {}).get("recipe") != recipe.id:
                context.internal.note_recipe(unique_id, receipt.version, recipe.id)
        self._remember(receipt.version, recipe, unique_id)
        _check_frozen(context, unique_id, recipe)
        return recipe

    def make(
        self,
        context: WorkflowContext,
        made: Prepared,
        plan: StepPlan,
        preparer: Preparer,
        loan: Loan,
    ) -> list[Reference]:
        """The OUTPUTs of a plan that are kept as references; `store` saves them.

        To be called before the run: what it saves may replace the references that these are built
        on.

        Args:
            loan: what the plan loads, lent until `store` is done.
        """
        maker = _Maker(self, context, made, plan, preparer, loan)
        return [maker.make(unique_id) for unique_id in plan.references]

    def content_of(self, context: WorkflowContext, receipt: Receipt) -> str:
        """The content of a value that is lent; hashed once for each version."""
        content = self._contents.get(receipt.version)
        if content is None:
            content = self._contents[receipt.version] = context.internal.content_of(receipt)
            _trim(self._contents)
        return content

    def store(self, context: WorkflowContext, references: list[Reference]) -> None:
        """Save them to the context, but for those that are stored already."""
        for unique_id, recipe, workflow, kept in references:
            if workflow is not None:
                context.internal.keep_reference(unique_id, workflow, recipe.id, kept)
                log.info("%r is a reference now, recipe %s.", unique_id, recipe.id)
            self._remember(context.internal.version(unique_id), recipe, unique_id)

    def _remember(self, version: str, recipe: Recipe, unique_id: str) -> None:
        self.pins.use(recipe, unique_id)
        self._by_version[version] = recipe
        self._by_version.move_to_end(version)
        _trim(self._by_version)


def _trim(known: OrderedDict[str, Any]) -> None:
    while len(known) > _KNOWN:
        known.popitem(last=False)


class _Maker:
    """Makes the references of one run."""

    def __init__(
        self,
        references: References,
        context: WorkflowContext,
        made: Prepared,
        plan: StepPlan,
        preparer: Preparer,
        loan: Loan,
    ):
        self._references, self._context = references, context
        self._made, self._plan, self._preparer = made, plan, preparer
        self._lent = loan.receipts
        self._kept: dict[str, Receipt] = {}

    def make(self, unique_id: str) -> Reference:
        recipe = self._resolve(unique_id, self._plan)
        if recipe.loads:
            recipe = self._resolve(unique_id, self._with_frozen(recipe.loads))
        is_result_only = unique_id in self._made.call.outputs
        if not is_result_only and _is_stored(self._context, unique_id, recipe):
            return Reference(unique_id, recipe, None, {})
        workflow = self._closure(unique_id, recipe)
        self._say_what_is_paid(unique_id, recipe)
        return Reference(unique_id, recipe, workflow, self._kept_in(workflow))

    def _say_what_is_paid(self, unique_id: str, recipe: Recipe) -> None:
        paid = api_nodes(recipe.nodes, self._preparer.info)
        if paid:
            log.warning(
                "The reference %r is made by API nodes (%s): whenever ComfyUI does not have their "
                "result any more, the next use of it pays for them again. To pay once, keep its "
                'type by value: "val" in pass_by_rules.json.',
                unique_id,
                ", ".join(dict.fromkeys(node.class_type for node in paid)),
            )

    def _resolve(self, unique_id: str, plan: StepPlan) -> Recipe:
        made = self._made
        return recipe_of_output(made.prompt, made.ports, plan, self._preparer.info, unique_id)

    def _with_frozen(self, keys: Collection[str]) -> StepPlan:
        """What the recipe loads by its content, which no later save changes."""
        bindings: dict[str, Binding] = {
            uid: self._freeze(binding)
            if isinstance(binding, Load) and binding.key in keys
            else binding
            for uid, binding in self._plan.bindings.items()
        }
        return replace(self._plan, bindings=bindings)

    def _freeze(self, load: Load) -> Frozen:
        receipt = self._lent[load.key]
        content = self._references.content_of(self._context, receipt)
        self._kept[content] = receipt
        return Frozen(content)

    def _closure(self, unique_id: str, recipe: Recipe) -> dict[str, Any]:
        """What is stored: a workflow where all its parts are workflows, else a prompt."""
        made, info = self._made, self._preparer.info
        references = {
            uid: self._context.internal.load_reference(uid)
            for uid, binding in self._plan.bindings.items()
            if isinstance(binding, Graft)
        }
        marked = made.markers.call
        given = {*made.call.inputs, *marked.inputs} - self._plan.defaults
        is_in_file = not given and unique_id not in {*made.call.outputs, *marked.outputs}
        are_workflows = all(is_workflow(data) for data in references.values())
        if made.workflow is None or not is_in_file or not are_workflows:
            return close_prompt(recipe, unique_id)
        parts = {uid: parse_workflow(data) for uid, data in references.items()}
        bindings = {
            uid: binding
            for uid, binding in self._plan.bindings.items()
            if not isinstance(binding, Graft)
        }
        return close_workflow(
            made.workflow, unique_id, bindings, parts, info, self._freeze
        ).to_json()

    def _kept_in(self, workflow: dict[str, Any]) -> dict[str, Receipt]:
        """The values frozen in: from here, and those of the references that it is built on."""
        lent = {**self._kept}
        for content in contents_named(workflow):
            if content not in lent:
                lent[content] = self._lent[frozen_key(content)]
        return {content: lent[content] for content in contents_named(workflow)}


def _is_stored(context: WorkflowContext, unique_id: str, recipe: Recipe) -> bool:
    try:
        receipt = context.internal.get_receipt(unique_id)
    except UnknownKeyError:
        return False
    return receipt.pass_by == "ref" and (receipt.meta or {}).get("recipe") == recipe.id


def _check_frozen(context: WorkflowContext, unique_id: str, recipe: Recipe) -> None:
    if recipe.frozen and context.internal.missing_contents(recipe.frozen):
        raise WorkflowError(
            f"The reference {unique_id!r} was made over a value (a picture, a latent ...) that "
            "this context does not have. Take the whole reference, as context.load() or "
            "context.export_reference() gives it, or make it again in this context."
        )


def recipe_of(stored: Prepared, unique_id: str, preparer: Preparer) -> Recipe:
    """The recipe of a stored workflow that makes one value.

    Raises:
        WorkflowError: it has no OUTPUT, several, or INPUTs without a frozen value.
    """
    ports = stored.ports
    name = unique_id if unique_id in ports.outputs else next(iter(ports.outputs), None)
    if name is None or (name != unique_id and len(ports.outputs) > 1):
        raise WorkflowError(
            f"The reference {unique_id!r} can't be used:",
            [Problem(f"it must have one OUTPUT port; it has {sorted(ports.outputs)}")],
        )
    needed = {uid: group for uid, group in ports.inputs.items() if ports.default(uid) is None}
    if needed:
        raise WorkflowError(
            f"The reference {unique_id!r} can't be used:",
            [
                port.problem(f"its INPUT port {uid!r} has no value frozen into it")
                for uid, group in needed.items()
                for port in group
            ],
        )
    unmet = frozenset(ports.inputs)
    plan = StepPlan(default_bindings(ports, unmet), (), (name,), unmet)
    prompt, source = resolve_output(stored.prompt, ports, plan, preparer.info, name)
    if source is None:
        raise WorkflowError(
            f"The reference {unique_id!r} can't be used:",
            [ports.outputs[name].problem("its value is a literal, not made by a node")],
        )
    return make_recipe(prompt, source)
