"""Plans: what a run would do, found out by looking only. Every decision is taken in `graph/`.

A `DryRun` looks at the context, the inputs and what was sent before; `RunPlan` is what
`Discomfort.plan` gives.
"""

from __future__ import annotations

import asyncio
import html
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..graph.explain.svg import draw_plan
from ..graph.explain.text import describe_plan
from ..graph.explain.workflow_plan import GIVEN, Offer, Surroundings, WorkflowPlan, explain_workflow
from ..graph.plan.expected_cache import Sent, expect_cached
from ..graph.plan.recipe import Recipe, type_of
from ..graph.plan.run_plan import Frozen, Graft, Load
from ..graph.ports.missing_inputs import find_missing
from ..graph.ports.plain_values import is_plain_type
from ..graph.ports.port_types import ANY
from ..graph.ports.value_types import kind_of
from ..references.registry import recipe_of
from ..system.login import VARIABLE
from ..workflows.prepare import Prepared
from .addresses import could_be_asked, nothing_back, odd_names, with_call_ports
from .bindings import binding_of, binding_of_given, is_given_by_reference, kind_of_stored
from .environment import Environment
from .given_values import all_kinds, check_values, opened, with_saved_paths
from .refuse_api_nodes import refuse_before

if TYPE_CHECKING:
    from ..workflow_context import WorkflowContext
    from ..workflows.sources import Source


@dataclass(frozen=True, slots=True)
class RunPlan:
    """What a run would do in its first iteration. Print it, or let a notebook show it.

    Attributes:
        workflows: one plan for each workflow, in order: ports, prompt, nodes that run.
        given_bytes: unique_id -> size of the inputs that would be saved to the context first.
        notes: what is odd: inputs that nobody takes, a workflow with nothing to run.
    """

    workflows: tuple[WorkflowPlan, ...]
    given_bytes: Mapping[str, int]
    notes: tuple[str, ...] = ()

    @property
    def missing(self) -> tuple[str, ...]:
        """The unique_ids of the INPUTs that nothing meets; a run would raise."""
        return tuple(dict.fromkeys(p.unique_id for w in self.workflows for p in w.missing))

    def __str__(self) -> str:
        return describe_plan(self.workflows, self.given_bytes, self.notes)

    def svg(self) -> str:
        """The picture: every workflow with its ports, references, and what is cached."""
        return draw_plan(self.workflows)

    def save(self, path: str | Path) -> Path:
        """Write the picture to an .svg file, which needs nothing else to be shown.

        Raises:
            ValueError: the name does not end in .svg.
        """
        target = Path(path).expanduser()
        if target.suffix.lower() != ".svg":
            raise ValueError(f"A plan is saved as a picture: the name must end in .svg: {path}")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(self.svg(), encoding="utf-8")
        return target

    def _repr_svg_(self) -> str:
        return self.svg()

    def _repr_html_(self) -> str:
        return f"<div>{self.svg()}<pre>{html.escape(str(self))}</pre></div>"


class DryRun:
    """Looks at what a run would use. It saves nothing and touches no order of use."""

    def __init__(
        self,
        environment: Environment,
        context: WorkflowContext,
        outputs: Sequence[str] | None = None,
    ):
        self._outputs = outputs
        self._environment = environment
        self._context, self._references = context, environment.references
        self._rules, self._preparer = environment.rules, environment.preparer
        self._sent = environment.sent

    async def plan(
        self,
        workflows: list[Source],
        given: Mapping[str, Any],
        api_nodes: bool | None = None,
    ) -> RunPlan:
        read = [await self._preparer.prepare_aside(source) for source in workflows]
        prepared = with_call_ports(read, given, self._outputs, self._preparer, self._rules)
        ports = [p.ports for p in prepared]
        given = with_saved_paths(given, ports, self._context.internal.given_paths())
        files = await asyncio.to_thread(opened, given, ports)
        given = files.values
        check_values(given, ports, self._rules)
        if api_nodes is False:
            await self._preparer.decide(
                lambda: refuse_before(self._environment, self._context, prepared, given)
            )
        sizes = {
            uid: await asyncio.to_thread(self._context.measure, files.to_store(uid))
            for uid in given
        }
        notes = odd_names(read, prepared, given, self._context.list_keys(), self._preparer)
        if self._outputs is None and (text := nothing_back(prepared, self._preparer)):
            notes.append(text)
        return await self._preparer.decide(lambda: self._decide(prepared, given, sizes, notes))

    def _decide(
        self,
        prepared: list[Prepared],
        given: Mapping[str, Any],
        sizes: dict[str, int],
        notes: list[str],
    ) -> RunPlan:
        named = [(p.name, p.ports) for p in prepared]
        stored = [uid for uid in self._context.list_keys() if uid not in given]
        wanted = {uid for _, ports in named for uid in ports.inputs}
        offers = {uid: self._offer_stored(uid, prepared) for uid in stored if uid in wanted}
        for uid, value in given.items():
            offers[uid] = self._offer_given(uid, value, sizes[uid], prepared)
        kinds = {}
        if any(find_missing(named, [*stored, *given])):
            kinds = {uid: self._kind_of(uid, given) for uid in (*stored, *given)}
        plans = self._explain(prepared, offers, kinds)
        at_addresses = {name for p in prepared for name in p.call.inputs}
        saved = {uid: size for uid, size in sizes.items() if uid not in at_addresses}
        paid = _find_unpaid(plans, self._environment.worker.has_login)
        return RunPlan(plans, saved, (*notes, *self._find_idle(prepared, plans), *paid))

    def _explain(
        self, prepared: list[Prepared], offers: dict[str, Offer], kinds: dict[str, str]
    ) -> tuple[WorkflowPlan, ...]:
        info, sent, plans = self._preparer.info, list(self._sent), []
        pinned = {recipe.id: recipe for recipe in self._references.pinned()}
        for workflow in prepared:
            around = Surroundings(
                self._rules,
                info,
                kinds,
                frozenset(expect_cached(sent)),
                tuple(pinned.values()),
                self._freeze,
            )
            plan, offers = explain_workflow(
                workflow.name, workflow.prompt, workflow.ports, offers, around
            )
            if plan.prompt:
                sent.append(Sent(plan.prompt, frozenset((*plan.runs, *plan.cached)), True))
            used = [
                offers[p.unique_id].binding
                for p in plan.ports
                if p.how in ("keep", "reference") and p.unique_id in offers
            ]
            pinned |= {f.recipe.id: f.recipe for f in used if isinstance(f, Graft)}
            kinds = kinds | {uid: port.type for uid, port in workflow.ports.stored.items()}
            plans.append(plan)
        return tuple(plans)

    def _freeze(self, load: Load) -> Frozen:
        receipt = self._context.internal.get_receipt(load.key)
        return Frozen(self._references.content_of(self._context, receipt))

    def _offer_stored(self, unique_id: str, prepared: list[Prepared]) -> Offer:
        receipt = self._context.internal.get_receipt(unique_id)
        kinds = all_kinds(unique_id, (p.ports for p in prepared))
        kind = next(filter(is_plain_type, kinds), ANY)
        binding = binding_of(self._context, unique_id, kind, self._recipe)
        return Offer(binding, "context", receipt.size_bytes, receipt.storage)

    def _offer_given(
        self, unique_id: str, value: Any, size_bytes: int, prepared: list[Prepared]
    ) -> Offer:
        kinds = all_kinds(unique_id, (p.ports for p in prepared))
        if is_given_by_reference(value, kinds, self._rules):
            stored = self._preparer.prepare(value, f"the input {unique_id!r}")
            recipe = recipe_of(stored, unique_id, self._preparer)
            return Offer(Graft(recipe), "inputs")
        binding = binding_of_given(unique_id, value, size_bytes, GIVEN)
        fits_in_ram = size_bytes <= self._context.get_usage()["ram_capacity_bytes"]
        storage = "ram" if fits_in_ram else "disk"
        return Offer(binding, "inputs", size_bytes, storage)

    def _recipe(self, unique_id: str) -> Recipe:
        name = f"the reference {unique_id!r}"
        stored = self._preparer.prepare(self._context.internal.load_reference(unique_id), name)
        return recipe_of(stored, unique_id, self._preparer)

    def _kind_of(self, unique_id: str, given: Mapping[str, Any]) -> str:
        if unique_id in given:
            return kind_of(given[unique_id])
        return kind_of_stored(
            self._context,
            unique_id,
            lambda uid: type_of(self._recipe(uid), self._preparer.info),
        )

    def _find_idle(self, prepared: list[Prepared], plans: Iterable[WorkflowPlan]) -> list[str]:
        return [
            f"{plan.name} has nothing to run: no OUTPUT port, and no node that shows or saves "
            "something. A run would raise. What could be asked for with outputs=[...]: "
            f"{could_be_asked([workflow], self._preparer)}."
            for workflow, plan in zip(prepared, plans, strict=True)
            if not plan.prompt and not any(port.how == "keep" for port in plan.ports)
        ]


def _find_unpaid(plans: Iterable[WorkflowPlan], has_login: bool) -> list[str]:
    """The workflows whose API nodes would be refused by who runs them."""
    if has_login:
        return []
    return [
        f"{plan.name} has API nodes, and there is no key of a Comfy account for them: set "
        f"{VARIABLE} in the environment or in comfy_serverless.json."
        for plan in plans
        if any(node.gets_key for node in plan.paid)
    ]
