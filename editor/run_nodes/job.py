"""One job of a node: workflows, what goes in, how often, and what is collected."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...context.frozen_values import frozen_key
from ...errors import WorkflowError
from ...graph.compose.closure import close_prompt
from ...graph.plan.recipe import Recipe
from ...run.options import Options
from ...run.stop_condition import Condition
from ...system.login import Login
from ...workflow_context import WorkflowContext

if TYPE_CHECKING:
    from ...discomfort import Discomfort

_START = "__start__/"  # keys of the values that each iteration begins with
COLLECT = ("last", "list", "batch")


@dataclass(frozen=True, slots=True)
class Job:
    """What is to be run.

    values, references: what goes in, by unique_id.
    addresses: what is given to inputs of nodes.
    iterations: None: until the condition is met.
    carried: unique_ids whose value goes on into the next iteration; None: all.
    collect: "last", "list" (one item an iteration) or "batch" (joined along the first dimension).
    login: of who asked, for API nodes; never this machine's own, which others would pay with.
    """

    workflows: tuple[Path, ...]
    values: Mapping[str, Any]
    references: Mapping[str, Recipe] = field(default_factory=dict)
    addresses: Mapping[str, Any] = field(default_factory=dict)
    outputs: tuple[str, ...] = ()
    iterations: int | None = 1
    condition: Condition | None = None
    carried: frozenset[str] | None = None
    collect: str = "last"
    randomize_seeds: bool = False
    is_recorded: bool = False
    login: Login = Login()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came out: the items of each val output (a ComfyUI list), the recipe of each reference.
    An output that a node before it blocked is in neither.

    versions: content -> where the context has it, of the values that are frozen into the recipes.
    iterations: how many were done.
    """

    items: Mapping[str, list[Any]]
    recipes: Mapping[str, Recipe]
    versions: Mapping[str, str]
    iterations: int


def fill(context: WorkflowContext, job: Job, holders: Iterable[WorkflowContext] = ()) -> None:
    """Put what goes in into the context. In the node's thread: pictures may be large.

    Args:
        holders: have the values that are frozen into the references.
    """
    sources = [holder.internal for holder in holders]
    for unique_id, value in job.values.items():
        context.save(unique_id, value)
    for unique_id, recipe in job.references.items():
        context.internal.bring_reference(unique_id, close_prompt(recipe, unique_id), sources)
    if job.carried is not None:
        for unique_id in (*job.values, *job.references):
            if unique_id not in job.carried:
                context.internal.copy_key(unique_id, _START + unique_id)


async def run_job(
    discomfort: Discomfort, context: WorkflowContext, job: Job, emit: Callable[[Any], None]
) -> Outcome:
    """Run it on the worker, on the session's loop. The context was filled before.

    Raises:
        What `Discomfort.run` raises; WorkflowError for a condition or a batch that can't be made.
    """
    loop = _Loop(job, context)
    options = Options(
        iterations=job.iterations,
        until=loop.is_over,
        on_event=emit,
        progress=False,
        randomize_seeds=job.randomize_seeds,
        record=", ".join(path.stem for path in job.workflows) if job.is_recorded else False,
        keeps_results=True,
        login=job.login,
    )
    results = await discomfort._engine.run(job.workflows, job.addresses, options, context)
    made = [unique_id for unique_id in job.outputs if unique_id in results]
    by_reference = [unique_id for unique_id in made if not _is_value(context, unique_id)]
    recipes = await _recipes(context, by_reference, discomfort.Worker) if by_reference else {}
    items = {unique_id: loop.items(unique_id) for unique_id in made if unique_id not in recipes}
    contents = {content for recipe in recipes.values() for content in recipe.frozen}
    versions = {content: context.internal.version(frozen_key(content)) for content in contents}
    return Outcome(items, recipes, versions, loop.iterations)


class _Loop:
    """What is done between iterations."""

    def __init__(self, job: Job, context: WorkflowContext):
        self._job, self._context = job, context
        self.iterations = 0
        self._collected: dict[str, list[list[Any]]] = {}

    def is_over(self, context: WorkflowContext) -> bool:
        self.iterations += 1
        if self._job.collect != "last":
            for unique_id in self._job.outputs:
                if _is_value(context, unique_id):
                    items = _items(context, unique_id)
                    self._collected.setdefault(unique_id, []).append(items)
        condition = self._job.condition
        if condition is not None and condition.is_met(self.iterations, context.load):
            return True
        if self.iterations != self._job.iterations:
            self._begin_anew()
        return False

    def _begin_anew(self) -> None:
        """What is not carried has its first value again."""
        carried = self._job.carried
        if carried is not None:
            for unique_id in (*self._job.values, *self._job.references):
                if unique_id not in carried:
                    self._context.internal.copy_key(_START + unique_id, unique_id)

    def items(self, unique_id: str) -> list[Any]:
        """What is collected of an output."""
        if self._job.collect == "last":
            return _items(self._context, unique_id)
        items = [item for group in self._collected[unique_id] for item in group]
        return join(unique_id, items) if self._job.collect == "batch" else items


def _is_value(context: WorkflowContext, unique_id: str) -> bool:
    info = context.get_storage_info(unique_id)
    return info is not None and info["pass_by"] == "val"


def _items(context: WorkflowContext, unique_id: str) -> list[Any]:
    """A stored value as a ComfyUI list."""
    value = context.load(unique_id)
    return list(value) if context.internal.get_receipt(unique_id).is_list else [value]


def join(unique_id: str, items: list[Any]) -> list[Any]:
    """Pictures, masks and latents as one batch; what is none of these stays a list.

    Raises:
        WorkflowError: they have several sizes.
    """
    import torch

    tensors: list[Any] = [i.get("samples") if isinstance(i, dict) else i for i in items]
    if len(items) < 2 or not all(isinstance(t, torch.Tensor) and t.ndim >= 3 for t in tensors):
        return items
    sizes = {tuple(t.shape[1:]) for t in tensors}
    if len(sizes) > 1:
        shown = ", ".join("x".join(map(str, size)) for size in sorted(sizes))
        raise WorkflowError(
            f"{unique_id!r} can't be one batch: it changed its size in the loop ({shown}). Collect "
            "it as a list."
        )
    batch = torch.cat(tensors)
    return [{**items[-1], "samples": batch} if isinstance(items[-1], dict) else batch]


async def _recipes(
    context: WorkflowContext, unique_ids: Iterable[str], worker: Any
) -> dict[str, Recipe]:
    from ...references.registry import References
    from ...workflows.prepare import Preparer

    references = References()
    preparer = Preparer(await worker.object_info_index(), worker.node_replacements)
    return await preparer.decide(
        lambda: {uid: references.recipe(context, uid, preparer) for uid in unique_ids}
    )
