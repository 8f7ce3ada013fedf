"""One call of `run()`: the effects, in order. Every decision is taken in `graph/`.

A `Run` prepares the workflows, saves the inputs, and then takes the steps (`steps.py`): for each
iteration, each workflow.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..events import WorkflowStarted
from ..graph.plan.recipe import type_of
from ..graph.ports.literals import NOT_LITERAL, as_literal
from ..graph.ports.missing_inputs import check_inputs
from ..graph.ports.value_types import kind_of
from ..references.registry import recipe_of
from ..values.open_files import names_files
from ..workflows.prepare import Prepared
from ..workflows.sources import source_of
from .addresses import names_in, odd_names, with_call_ports
from .bindings import is_given_by_reference, kind_of_stored
from .call_inputs import CallInputs
from .environment import Environment
from .given_values import Given, all_kinds, check_values, opened, with_saved_paths
from .made import Made
from .options import Options
from .progress_bar import open_view
from .recording import Track
from .refuse_api_nodes import refuse_before
from .steps import Steps

if TYPE_CHECKING:
    from ..context.given_inputs import GivenInputs
    from ..records.history import History
    from ..workflow_context import WorkflowContext
    from ..workflows.sources import Source
    from .results import Results

log = logging.getLogger("discomfort.run")


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
        self._rules = environment.rules
        self._preparer = environment.preparer
        self._options, self._history = options, history
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
        given = Given(dict(inputs))
        if any(map(names_files, inputs.values())):
            given = await asyncio.to_thread(opened, inputs, ports)
        inputs = given.values
        stored = self._context.list_keys()
        known = {**dict.fromkeys(stored), **inputs}
        await self._preparer.decide(
            lambda: check_inputs(named_ports, known, lambda uid: self._kind_of(uid, inputs))
        )
        for warning in odd_names(read, prepared, inputs, stored, self._preparer):
            log.warning(warning)
        check_values(inputs, ports, self._rules)
        if self._options.api_nodes is False:
            await self._preparer.decide(
                lambda: refuse_before(self._environment, self._context, prepared, inputs)
            )
        asked = self._options.outputs is not None
        made = Made(prepared, self._preparer, self._rules, asked)
        steps = Steps(self._environment, self._context, self._options, self._call_inputs, made)
        await self._with_inputs(steps, prepared, given, values)
        return made.results()

    async def _with_inputs(
        self,
        steps: Steps,
        prepared: list[Prepared],
        inputs: Given,
        values: Mapping[str, str],
    ) -> None:
        """The iterations, with the inputs saved, or put aside where they are for this call alone.

        Args:
            values: content -> text of the values that the workflows brought along.
        """
        internal = self._context.internal
        at_addresses = {name for p in prepared for name in p.call.inputs}
        references = {
            name: source_of(inputs.values[name], f"the input {name!r}")
            for name in at_addresses
            if self._is_reference(name, inputs.values[name], prepared)
        }
        held = {k: v for source in references.values() for k, v in source.values.items()}
        with internal.holding({**values, **held}), internal.give() as given, self._call_inputs:
            for unique_id in inputs.values:
                value = inputs.to_store(unique_id)
                if unique_id in references:
                    await self._put_reference(unique_id, references[unique_id])
                elif unique_id in at_addresses:
                    kinds = all_kinds(unique_id, (p.ports for p in prepared))
                    await asyncio.to_thread(self._call_inputs.put, unique_id, value, kinds)
                else:
                    await self._save_input(given, unique_id, value, prepared)
                    steps.known_to_fit.add(self._context.internal.version(unique_id))
            steps.known_to_fit |= self._call_inputs.versions()
            await self._tracked(steps, prepared)

    def _is_reference(self, unique_id: str, value: Any, prepared: list[Prepared]) -> bool:
        kinds = all_kinds(unique_id, (p.ports for p in prepared))
        return is_given_by_reference(value, kinds, self._rules)

    async def _put_reference(self, address: str, source: Source) -> None:
        stored = await self._preparer.prepare_aside(source)
        self._call_inputs.put_reference(address, recipe_of(stored, address, self._preparer))

    async def _tracked(self, steps: Steps, prepared: list[Prepared]) -> None:
        """The iterations; the history hears of them, if there is one."""
        if self._history is None:
            return await self._iterate(steps, prepared)
        track = steps.track = Track(
            self._history,
            self._context,
            prepared,
            self._options.iterations,
            bool(self._options.record),
            self._worker,
        )
        try:
            await self._iterate(steps, prepared)
        except BaseException as e:
            track.end(e)
            raise
        return track.end()

    def _kind_of(self, unique_id: str, inputs: Mapping[str, Any]) -> str:
        if unique_id in inputs:
            return kind_of(inputs[unique_id])
        return kind_of_stored(self._context, unique_id, self._type_of_reference)

    def _type_of_reference(self, unique_id: str) -> str:
        references = self._environment.references
        recipe = references.recipe(self._context, unique_id, self._preparer)
        return type_of(recipe, self._preparer.info)

    async def _iterate(self, steps: Steps, prepared: list[Prepared]) -> None:
        limit = self._options.iterations
        total = None if limit is None else limit * len(prepared)
        done = 0
        with open_view(self._options.progress, total, self._options.on_event) as bar:
            while limit is None or done < limit:
                for number, workflow in enumerate(prepared, start=1):
                    bar.begin(WorkflowStarted(workflow.name, done + 1, number))
                    if steps.track is not None:
                        steps.track.begin_step(done + 1, workflow)
                    await steps.take(workflow, bar.on_event)
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
