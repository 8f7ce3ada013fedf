"""One call of `run()`: the effects, in order. Every decision is taken in `graph/`.

A `Run` prepares the workflows, saves the inputs, and then takes the steps: for each iteration, for
each workflow, plan, swap, lend, submit, collect, store references.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..context.frozen_values import frozen_key
from ..errors import WorkerDied, WorkerStartError, WorkflowError
from ..events import SeedsChanged, WorkflowStarted
from ..graph.plan.recipe import Recipe, type_of
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
from ..graph.ports.literals import NOT_LITERAL, as_literal
from ..graph.ports.missing_inputs import check_inputs
from ..graph.ports.value_types import kind_of
from ..graph.prompt import Prompt
from ..references.missing_files import warn_of_missing_files
from ..references.registry import recipe_of
from ..values.images import names_files
from ..workflows.prepare import Prepared
from ..workflows.sources import source_of
from .addresses import could_be_asked, names_in, odd_names, with_call_ports
from .bindings import UNSEEN, binding_of, is_given_by_reference, kind_of_stored, stored_value
from .call_inputs import CallInputs
from .environment import Environment
from .given_values import all_kinds, check_values, is_checked, open_pictures, with_saved_paths
from .made import Made
from .options import Options
from .progress_bar import ProgressBar, is_shown
from .recording import Track
from .refuse_api_nodes import refuse_before, refuse_in_step
from .seeds import DrawnSeeds
from .submit import OnEvent, Submission, Submitter

if TYPE_CHECKING:
    from ..context.given_inputs import GivenInputs
    from ..context.handoff import Collected, Loan
    from ..records.history import History
    from ..references.registry import Reference
    from ..workflow_context import WorkflowContext
    from ..workflows.sources import Source
    from .results import Results

log = logging.getLogger("discomfort.run")

_TRIES = 20


class Run:
    """One call of `run()` on one worker and one context."""

    def __init__(
        self,
        environment: Environment,
        context: WorkflowContext,
        options: Options,
        history: History | None = None,
    ):
        self._environment = environment
        self._worker, self._context = environment.worker, context
        self._references, self._rules = environment.references, environment.rules
        self._preparer = environment.preparer
        self._options, self._history = options, history
        self._track: Track | None = None
        self._submitter = Submitter(environment, options.timeout, options.login)
        self._made: Made
        self._seeds = DrawnSeeds(options, self._preparer.info)
        self._known_to_fit: set[str] = set()  # versions
        self._call_inputs = CallInputs(context, options.use_ram)

    async def execute(self, workflows: list[Source], inputs: Mapping[str, Any]) -> Results:
        """Run the workflows; the results as `Discomfort.run` gives them."""
        read = [await self._preparer.prepare_aside(source) for source in workflows]
        prepared = with_call_ports(read, inputs, self._options.outputs, self._preparer, self._rules)
        values = {k: v for source in workflows for k, v in source.values.items()}
        self._context.internal.note_names(*names_in(prepared))
        named_ports = [(p.name, p.ports) for p in prepared]
        ports = [p.ports for p in prepared]
        inputs = with_saved_paths(inputs, ports, self._context.internal.given_paths())
        if any(map(names_files, inputs.values())):
            inputs = await asyncio.to_thread(open_pictures, inputs, ports)
        known = {**dict.fromkeys(self._context.list_keys()), **inputs}
        await self._preparer.decide(
            lambda: check_inputs(named_ports, known, lambda uid: self._kind_of(uid, inputs))
        )
        for warning in odd_names(read, inputs, self._context.list_keys(), self._preparer):
            log.warning(warning)
        check_values(inputs, ports, self._rules)
        if self._options.api_nodes is False:
            await self._preparer.decide(
                lambda: refuse_before(self._environment, self._context, prepared, inputs)
            )
        asked = self._options.outputs is not None
        self._made = Made(prepared, self._preparer, self._rules, asked)
        await self._with_inputs(prepared, inputs, values)
        return self._made.results()

    async def _with_inputs(
        self, prepared: list[Prepared], inputs: Mapping[str, Any], values: Mapping[str, str]
    ) -> None:
        """The iterations, with the inputs saved, or put aside where they are for this call alone.

        Args:
            values: content -> text of the values that the workflows brought along.
        """
        internal = self._context.internal
        at_addresses = {name for p in prepared for name in p.call.inputs}
        references = {
            name: source_of(inputs[name], f"the input {name!r}")
            for name in at_addresses
            if self._is_reference(name, inputs[name], prepared)
        }
        held = {k: v for source in references.values() for k, v in source.values.items()}
        with internal.holding({**values, **held}), internal.give() as given, self._call_inputs:
            for unique_id, value in inputs.items():
                if unique_id in references:
                    await self._put_reference(unique_id, references[unique_id])
                elif unique_id in at_addresses:
                    kinds = all_kinds(unique_id, (p.ports for p in prepared))
                    await asyncio.to_thread(self._call_inputs.put, unique_id, value, kinds)
                else:
                    await self._save_input(given, unique_id, value, prepared)
                    self._known_to_fit.add(self._context.internal.version(unique_id))
            self._known_to_fit |= self._call_inputs.versions()
            await self._tracked(prepared)

    def _is_reference(self, unique_id: str, value: Any, prepared: list[Prepared]) -> bool:
        kinds = all_kinds(unique_id, (p.ports for p in prepared))
        return is_given_by_reference(value, kinds, self._rules)

    async def _put_reference(self, address: str, source: Source) -> None:
        stored = await self._preparer.prepare_aside(source)
        self._call_inputs.put_reference(address, recipe_of(stored, address, self._preparer))

    async def _tracked(self, prepared: list[Prepared]) -> None:
        """The iterations; the history hears of them, if there is one."""
        if self._history is None:
            return await self._iterate(prepared)
        track = self._track = Track(
            self._history,
            self._context,
            prepared,
            self._options.iterations,
            bool(self._options.record),
            self._worker,
        )
        try:
            await self._iterate(prepared)
        except BaseException as e:
            track.end(e)
            raise
        return track.end()

    def _kind_of(self, unique_id: str, inputs: Mapping[str, Any]) -> str:
        if unique_id in inputs:
            return kind_of(inputs[unique_id])
        return kind_of_stored(self._context, unique_id, self._type_of_reference)

    def _type_of_reference(self, unique_id: str) -> str:
        return type_of(self._recipe(unique_id), self._preparer.info)

    async def _iterate(self, prepared: list[Prepared]) -> None:
        limit = self._options.iterations
        total = None if limit is None else limit * len(prepared)
        done = 0
        with ProgressBar(is_shown(self._options.progress), total, self._options.on_event) as bar:
            while limit is None or done < limit:
                for number, workflow in enumerate(prepared, start=1):
                    bar.begin(WorkflowStarted(workflow.name, done + 1, number))
                    if self._track is not None:
                        self._track.begin_step(done + 1, workflow)
                    await self._step(workflow, bar.on_event)
                    bar.advance()
                done += 1
                if await self._is_enough():
                    break

    async def _save_input(
        self, given: GivenInputs, unique_id: str, value: Any, prepared: list[Prepared]
    ) -> None:
        by_reference = self._is_reference(unique_id, value, prepared)
        pass_by = "ref" if by_reference else "val"
        if as_literal(value) is not NOT_LITERAL or by_reference:
            given.save(unique_id, value, self._options.use_ram, pass_by)
        else:  # may be gigabytes: not on the event loop
            await asyncio.to_thread(given.save, unique_id, value, self._options.use_ram, pass_by)

    async def _is_enough(self) -> bool:
        if self._options.until is None:
            return False
        answer = self._options.until(self._context)
        return bool(await answer if inspect.isawaitable(answer) else answer)

    async def _step(self, prepared: Prepared, on_event: OnEvent) -> None:
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
            if self._track is not None:
                self._track.planned(prepared, plan, self._seeds.of(prepared))
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
        self._known_to_fit |= {receipt.version for receipt in collected.values()}
        self._made.note(prepared, swapped, collected, result)
        if self._track is not None:
            cached = swapped.needed.intersection(result.cached if result is not None else ())
            self._track.end_step(prepared, plan, collected, len(swapped.needed), len(cached))

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
        return binding_of(self._context, unique_id, kind, self._recipe)

    def _check_loads(self, prepared: Prepared, plan: StepPlan) -> None:
        """See that what was stored by hand can be what its ports ask for; once for each version.

        Raises:
            WorkflowError: names the ports.
        """
        for unique_id, binding in plan.bindings.items():
            if not isinstance(binding, Load) or binding.version in self._known_to_fit:
                continue
            self._known_to_fit.add(binding.version)
            if not is_checked(prepared.ports.input_type(unique_id)):
                continue
            value = stored_value(self._context, unique_id)
            if value is not UNSEEN:
                check_values({unique_id: value}, [prepared.ports], self._rules)

    def _recipe(self, unique_id: str) -> Recipe:
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
