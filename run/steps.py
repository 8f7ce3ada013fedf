"""The steps of one run: one workflow, once. Decide, lend, submit, take back, store references."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from ..context.frozen_values import frozen_key
from ..errors import WorkerDied, WorkerStartError, WorkflowError
from ..events import SeedsChanged
from ..graph.plan.recipe import Recipe
from ..graph.plan.run_plan import (
    Binding,
    Held,
    Load,
    StepPlan,
    contents_to_load,
    plan_run,
    versions_to_load,
)
from ..graph.plan.swap_ports import Swapped, shows_workflow, swap_ports
from ..graph.prompt import Prompt
from ..references.missing_files import warn_of_missing_files
from ..workflows.prepare import Prepared
from .addresses import could_be_asked
from .bindings import UNSEEN, binding_of, stored_value
from .call_inputs import CallInputs
from .environment import Environment
from .given_values import check_values, is_checked
from .made import Made
from .options import Options
from .refuse_api_nodes import refuse_in_step
from .seeds import DrawnSeeds
from .submit import OnEvent, Submission, Submitter

if TYPE_CHECKING:
    from ..context.handoff import Collected, Loan
    from ..references.registry import Reference
    from ..workflow_context import WorkflowContext
    from .recording import Track

log = logging.getLogger("discomfort.run")

_TRIES = 20


class Steps:
    """The steps of one run.

    Args:
        call_inputs: what is given at addresses.
        made: gets what the steps make.

    Attributes:
        track: hears of each step; None: nobody does.
        known_to_fit: the versions of stored values that need no look any more.
    """

    def __init__(
        self,
        environment: Environment,
        context: WorkflowContext,
        options: Options,
        call_inputs: CallInputs,
        made: Made,
    ):
        self._environment = environment
        self._worker, self._context = environment.worker, context
        self._references, self._rules = environment.references, environment.rules
        self._preparer, self._options = environment.preparer, options
        self._call_inputs, self._made = call_inputs, made
        self._submitter = Submitter(environment, options.timeout, options.login)
        self._seeds = DrawnSeeds(options, self._preparer.info)
        self.track: Track | None = None
        self.known_to_fit: set[str] = set()

    async def take(self, prepared: Prepared, on_event: OnEvent) -> None:
        """One workflow, once; again when the worker died and retries are left."""
        for left in range(self._options.retries, -1, -1):
            try:
                return await self._run_once(prepared, on_event)
            except (WorkerDied, WorkerStartError) as e:
                # One that was killed while it started died too; any other start fails again.
                is_death = isinstance(e, WorkerDied) or e.was_killed
                if not left or not is_death:
                    raise
                log.warning(
                    "The worker died; %s is run again (%d tries left).", prepared.name, left
                )
        return None

    async def _run_once(self, prepared: Prepared, on_event: OnEvent) -> None:
        unmet = self._unmet(prepared)
        prompt, seeds = self._seeds.draw(prepared, unmet)
        if seeds and on_event is not None:
            on_event(SeedsChanged(prepared.name, seeds))
        plan, swapped, loan = await self._preparer.decide(
            lambda: self._plan(prepared, prompt, unmet)
        )
        result = None
        try:
            if self._options.api_nodes is False:
                refuse_in_step(self._environment, prepared.name, swapped)
            if self.track is not None:
                self.track.planned(prepared, plan, self._seeds.of(prepared))
            references = self._references.make(self._context, prepared, plan, self._preparer, loan)
            await warn_of_missing_files(references, self._preparer.info, self._worker)
            if swapped.prompt:
                client_data = self._client_data(prepared, swapped)
                unasked = tuple(self._made.unasked(prepared))
                submission = Submission(
                    prepared.name, swapped, loan, client_data, on_event, unasked
                )
                result = await self._submitter.submit(submission)
            self._keep_references(prepared, references)
        except BaseException as e:
            self._collect_after(e, prepared, loan)
            raise
        collected = self._collect(prepared, loan)
        self.known_to_fit |= {receipt.version for receipt in collected.values()}
        self._made.note(prepared, swapped, collected, result)
        if self.track is not None:
            cached = swapped.needed.intersection(result.cached if result is not None else ())
            self.track.end_step(prepared, plan, collected, len(swapped.needed), len(cached))

    def _keep_references(self, prepared: Prepared, references: list[Reference]) -> None:
        """Store the references that were made; those that are results only are given out."""
        only = prepared.call.outputs
        self._references.store(self._context, [r for r in references if r.unique_id not in only])
        for reference in references:
            unique_id = reference.unique_id
            if unique_id in only:
                given = self._context.internal.with_lent(reference.workflow, reference.kept)
                self._made.values[unique_id] = lambda workflow=given: workflow
            else:
                self._made.values[unique_id] = lambda uid=unique_id: self._context.load(uid)

    def _unmet(self, prepared: Prepared) -> frozenset[str]:
        """The INPUTs that have their default in this step: nothing is stored under their name."""
        inputs = prepared.ports.inputs
        with_default = [uid for uid in inputs if prepared.ports.default(uid) is not None]
        stored = set(self._context.list_keys()) if with_default else ()
        return frozenset(uid for uid in with_default if uid not in stored)

    def _plan(
        self, prepared: Prepared, prompt: Prompt, unmet: frozenset[str]
    ) -> tuple[StepPlan, Swapped, Loan]:
        """Decide, and lend what is to be loaded; again, if a value was saved in between."""
        for _ in range(_TRIES):
            plan = plan_run(prepared.ports, self._look_up, self._rules, unmet)
            self._check_loads(prepared, plan)
            swapped = swap_ports(
                prompt,
                prepared.ports,
                plan,
                self._preparer.info,
                self._references.pinned(),
            )
            if not swapped.prompt and not plan.references:
                raise WorkflowError(
                    f"{prepared.name} has nothing to run: no OUTPUT port, and no node that "
                    "shows or saves something. Connect an OUTPUT port to what you want to have, or "
                    f"ask for it with outputs=[...]: {could_be_asked([prepared], self._preparer)}."
                )
            loads = versions_to_load(plan)
            frozen = [frozen_key(c) for c in contents_to_load(plan, prompt, prepared.ports)]
            loan = self._context.internal.lend(
                [*loads, *frozen], self._options.use_ram, self._call_inputs.receipts
            )
            if all(loan.versions[key] == version for key, version in loads.items()):
                return plan, swapped, loan
            self._context.internal.collect(loan)
        raise WorkflowError(
            f"The values that {prepared.name} reads are saved anew faster than it can start. Give "
            "runs that go on at the same time a context each."
        )

    def _look_up(self, unique_id: str, kind: str) -> Binding | Held:
        given = self._call_inputs.get(unique_id)
        if given is not None:
            return given
        return binding_of(self._context, unique_id, kind, self.recipe)

    def _check_loads(self, prepared: Prepared, plan: StepPlan) -> None:
        """See that what was stored by hand can be what its ports ask for; once for each version.

        Raises:
            WorkflowError: names the ports.
        """
        for unique_id, binding in plan.bindings.items():
            if not isinstance(binding, Load) or binding.version in self.known_to_fit:
                continue
            self.known_to_fit.add(binding.version)
            if not is_checked(prepared.ports.input_type(unique_id)):
                continue
            value = stored_value(self._context, unique_id)
            if value is not UNSEEN:
                check_values({unique_id: value}, [prepared.ports], self._rules)

    def recipe(self, unique_id: str) -> Recipe:
        """What rebuilds a stored reference."""
        return self._references.recipe(self._context, unique_id, self._preparer)

    def _collect(self, prepared: Prepared, loan: Loan) -> Collected:
        """What the savers saved; what is a result only gets no key."""
        only = () if self._options.keeps_results else prepared.call.outputs
        return self._context.internal.collect(loan, lambda uid: uid not in only)

    def _collect_after(self, error: BaseException, prepared: Prepared, loan: Loan) -> None:
        """What was saved before the run failed is kept. The first error is what is raised."""
        try:
            self._collect(prepared, loan)
        except Exception:
            log.exception("The values of a run that ended with %r were not taken back.", error)

    def _client_data(self, prepared: Prepared, swapped: Swapped) -> dict[str, Any] | None:
        """What the editor sends beside a prompt: the workflow, for nodes that put it into files."""
        if prepared.workflow is None or not shows_workflow(swapped.prompt, self._preparer.info):
            return None
        return {"extra_pnginfo": {"workflow": prepared.workflow.data}}
