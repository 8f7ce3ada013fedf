"""References: values that are kept as the smallest workflow that makes them.

Making one (a closure over what the workflow read from its INPUT ports), finding the recipe of a
stored one, and keeping what ComfyUI made of recent ones alive in its cache.
"""

from __future__ import annotations

import contextlib
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from .errors import Problem, UnknownKeyError, WorkflowError
from .graph.closure import close_prompt, close_workflow
from .graph.model import is_workflow, parse_workflow
from .graph.plan import Feed, Graft, Load, Plan
from .graph.recipe import Recipe, make_recipe
from .graph.swap import recipe_of_output, resolve_output
from .prepare import Prepared, Preparer
from .workflow_context import FROZEN_PREFIX, WorkflowContext

# How many recipes stay in every prompt so that ComfyUI keeps what they made. Each may hold a model.
WARM_RECIPES = 12


class Reference(NamedTuple):
    """One reference that was made. `workflow` is None if the same is stored already."""

    unique_id: str
    recipe: Recipe
    workflow: dict[str, Any] | None


class References:
    """All that one `Discomfort` knows of references. Values are in the contexts, not here."""

    def __init__(self) -> None:
        self._recipes: OrderedDict[str, Recipe] = OrderedDict()
        self._by_version: OrderedDict[str, str] = OrderedDict()

    def warm(self) -> list[Recipe]:
        """The recipes that were used last."""
        return list(self._recipes.values())[-WARM_RECIPES:]

    def forget(self) -> None:
        self._recipes.clear()
        self._by_version.clear()

    def recipe(self, context: WorkflowContext, unique_id: str, preparer: Preparer) -> Recipe:
        """The recipe of a stored reference.

        Raises:
            WorkflowError: it is no closure: an INPUT port in it has no frozen value.
        """
        version = context.version(unique_id)
        recipe = self._recipes.get(self._by_version.get(version, ""))
        if recipe is None:
            stored = preparer.prepare(context.load(unique_id), f"the reference {unique_id!r}")
            recipe = recipe_of(stored, unique_id, str(context.folder), preparer)
        self._remember(version, recipe)
        _check_loads(context, unique_id, recipe)
        return recipe

    def make(
        self, context: WorkflowContext, made: Prepared, plan: Plan, preparer: Preparer
    ) -> list[Reference]:
        """The OUTPUTs of a plan that are kept as references; `store` saves them.

        To be called before the run: what it saves may replace the values that are frozen in, and
        the references that these are built on.
        """
        return [self._make(context, uid, made, plan, preparer) for uid in plan.references]

    def _make(
        self,
        context: WorkflowContext,
        unique_id: str,
        made: Prepared,
        plan: Plan,
        preparer: Preparer,
    ) -> Reference:
        recipe = _resolve(context, unique_id, made, plan, preparer)
        if _is_stored(context, unique_id, recipe):
            return Reference(unique_id, self.recipe(context, unique_id, preparer), None)
        if recipe.loads:
            plan = replace(plan, feeds=_freeze_loads(context, plan.feeds, recipe))
            recipe = _resolve(context, unique_id, made, plan, preparer)
        return Reference(
            unique_id, recipe, _closure(context, unique_id, made, plan, recipe, preparer)
        )

    def store(self, context: WorkflowContext, references: list[Reference]) -> None:
        """Save them to the context, but for those that are stored already."""
        for unique_id, recipe, workflow in references:
            if workflow is not None:
                meta = {"recipe": recipe.id, "frozen": list(recipe.loads)}
                context.save(unique_id, workflow, pass_by="ref", meta=meta)
            self._remember(context.version(unique_id), recipe)
        if any(workflow is not None for _, _, workflow in references):
            _drop_unused(context)

    def _remember(self, version: str, recipe: Recipe) -> None:
        self._recipes[recipe.id] = recipe
        self._recipes.move_to_end(recipe.id)
        self._by_version[version] = recipe.id
        while len(self._recipes) > 4 * WARM_RECIPES:
            self._recipes.popitem(last=False)
        while len(self._by_version) > 16 * WARM_RECIPES:
            self._by_version.popitem(last=False)


def _is_stored(context: WorkflowContext, unique_id: str, recipe: Recipe) -> bool:
    try:
        receipt = context.get_receipt(unique_id)
    except UnknownKeyError:
        return False
    return receipt.pass_by == "ref" and (receipt.meta or {}).get("recipe") == recipe.id


def _check_loads(context: WorkflowContext, unique_id: str, recipe: Recipe) -> None:
    for key in recipe.loads:
        try:
            context.get_receipt(key)
        except UnknownKeyError:
            raise WorkflowError(
                f"The reference {unique_id!r} was made over a value (a picture, a latent "
                "...) that only the context has in which it was made. Use that context, or make "
                "the reference again in this one."
            ) from None


def recipe_of(stored: Prepared, unique_id: str, run_dir: str, preparer: Preparer) -> Recipe:
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
    if ports.inputs:
        raise WorkflowError(
            f"The reference {unique_id!r} can't be used:",
            [
                port.problem(f"its INPUT port {uid!r} has no value frozen into it")
                for uid, group in ports.inputs.items()
                for port in group
            ],
        )
    prompt, source = resolve_output(
        stored.prompt, ports, Plan({}, (), (name,)), preparer.info, run_dir, name
    )
    if source is None:
        raise WorkflowError(
            f"The reference {unique_id!r} can't be used:",
            [ports.outputs[name].problem("its value is a literal, not made by a node")],
        )
    return make_recipe(prompt, source)


def _resolve(
    context: WorkflowContext, unique_id: str, made: Prepared, plan: Plan, preparer: Preparer
) -> Recipe:
    return recipe_of_output(
        made.prompt, made.ports, plan, preparer.info, str(context.folder), unique_id
    )


def _freeze_loads(
    context: WorkflowContext, feeds: Mapping[str, Feed], recipe: Recipe
) -> dict[str, Feed]:
    """What the recipe loads gets a key of its own, which no later save changes."""
    frozen: dict[str, Feed] = {}
    for unique_id, feed in feeds.items():
        if isinstance(feed, Load) and feed.key in recipe.loads:
            key = FROZEN_PREFIX + feed.version
            copied = context.copy_key(feed.key, key)
            assert copied.version == feed.version, "the value is lent to this run"
            feed = Load(key, feed.version)
        frozen[unique_id] = feed
    return frozen


def _drop_unused(context: WorkflowContext) -> None:
    """Free the values that only references which are gone had frozen."""
    used: set[str] = set()
    for key in context.list_keys():
        with contextlib.suppress(UnknownKeyError):  # another process removed it
            used.update((context.get_receipt(key).meta or {}).get("frozen", ()))
    context.drop_frozen(used)


def _closure(
    context: WorkflowContext,
    unique_id: str,
    made: Prepared,
    plan: Plan,
    recipe: Recipe,
    preparer: Preparer,
) -> dict[str, Any]:
    """What is stored: a workflow where all its parts are workflows, else a prompt."""
    references = {}
    for uid, feed in plan.feeds.items():
        if isinstance(feed, Graft):
            references[uid] = context.load(uid)
    if made.workflow is None or not all(is_workflow(data) for data in references.values()):
        return close_prompt(recipe, unique_id)
    parts = {uid: parse_workflow(data) for uid, data in references.items()}
    feeds = {uid: feed for uid, feed in plan.feeds.items() if not isinstance(feed, Graft)}
    return close_workflow(made.workflow, unique_id, feeds, parts, preparer.info).to_json()
