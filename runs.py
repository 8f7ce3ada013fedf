"""One call of `run()`: the effects, in order. Every decision is taken in `graph/`.

A `Run` reads the workflows, saves the inputs, and then takes the steps: for each iteration, for
each workflow, plan, swap, hand over, execute, take back, keep references.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeAlias

from .errors import NodeFailed, RunTimeout, ValidationFailed, WorkerDied, WorkflowError
from .events import SeedsChanged, WorkflowStarted
from .feeds import feed_of, is_given_by_reference, kind_of_stored
from .graph.cached import Sent
from .graph.kinds import kind_of
from .graph.literals import NOT_LITERAL, as_literal
from .graph.missing import check_inputs, unknown_inputs
from .graph.plan import Feed, Plan, contents_to_load, plan_run, versions_to_load
from .graph.prompt import Prompt
from .graph.recipe import Recipe, type_of
from .graph.swap import Swapped, order_ports, shows_workflow, swap_ports
from .graph.to_prompt import convert
from .memory import let_go_of_all, make_room, without
from .options import Options
from .prepare import Prepared, Preparer
from .progress import ProgressBar, is_shown
from .recording import Track
from .references import References
from .warm import is_out_of_memory
from .workflow_context import FROZEN_PREFIX

if TYPE_CHECKING:
    from .comfy_serverless import ComfyConnector, RunResult
    from .records.history import History
    from .workflow_context import Handoff, Taken, WorkflowContext
    from .workflow_sources import Source

Listener: TypeAlias = "Callable[[Any], Any] | None"

log = logging.getLogger("discomfort.run")

_TRIES = 20


class Run:
    """One call of `run()` on one worker and one context."""

    def __init__(
        self,
        worker: ComfyConnector,
        context: WorkflowContext,
        references: References,
        rules: Mapping[str, str],
        preparer: Preparer,
        options: Options,
        sent: deque[Sent],
        history: History | None = None,
    ):
        self._worker, self._context = worker, context
        self._references, self._rules, self._preparer = references, rules, preparer
        self._options, self._history = options, history
        self._track: Track | None = None
        self._sent = sent
        self._deadline = None if options.timeout is None else time.monotonic() + options.timeout
        self._results: dict[str, Callable[[], Any]] = {}
        self._seeds: dict[str, dict[tuple[str, str], Any]] = {}
        self._draws = 0

    async def __call__(self, workflows: list[Source], inputs: Mapping[str, Any]) -> dict[str, Any]:
        prepared = [await self._preparer.prepare_aside(source) for source in workflows]
        values = {k: v for source in workflows for k, v in source.values.items()}
        named_ports = [(p.name, p.ports) for p in prepared]
        check_inputs(
            named_ports,
            {**dict.fromkeys(self._context.list_keys()), **inputs},
            lambda uid: self._kind_of(uid, inputs),
        )
        for warning in unknown_inputs(inputs, named_ports):
            log.warning(warning)
        with self._context.holding(values):
            for unique_id, value in inputs.items():
                await self._save_input(unique_id, value, prepared)
            await self._tracked(prepared)
        return {unique_id: load() for unique_id, load in self._results.items()}

    async def _tracked(self, prepared: list[Prepared]) -> None:
        """The iterations; the history hears of them, if there is one."""
        if self._history is None:
            return await self._iterate(prepared)
        track = self._track = Track(
            self._history, self._context, prepared, self._options.iterations,
            bool(self._options.record), self._worker,
        )  # fmt: skip
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
                    await self._step(workflow, bar.listener)
                    bar.advance()
                done += 1
                if await self._is_enough():
                    break

    async def _save_input(self, unique_id: str, value: Any, prepared: list[Prepared]) -> None:
        kinds = {p.ports.input_type(unique_id) for p in prepared if unique_id in p.ports.inputs}
        by_reference = is_given_by_reference(value, kinds, self._rules)
        pass_by = "ref" if by_reference else "val"
        if as_literal(value) is not NOT_LITERAL or by_reference:
            self._context.save(unique_id, value, use_ram=self._options.use_ram, pass_by=pass_by)
        else:  # may be gigabytes: not on the event loop
            await asyncio.to_thread(
                self._context.save, unique_id, value, use_ram=self._options.use_ram, pass_by=pass_by
            )

    async def _is_enough(self) -> bool:
        if self._options.until is None:
            return False
        answer = self._options.until(self._context)
        return bool(await answer if inspect.isawaitable(answer) else answer)

    async def _step(self, prepared: Prepared, listener: Listener) -> None:
        """One workflow, once; again when the worker died and retries are left."""
        for left in range(self._options.retries, -1, -1):
            try:
                return await self._run_once(prepared, listener)
            except WorkerDied:
                if not left:
                    raise
                log.warning(
                    "The worker died; %s is run again (%d tries left).", prepared.name, left
                )
        return None

    async def _run_once(self, prepared: Prepared, listener: Listener) -> None:
        prompt = self._draw_seeds(prepared, listener)
        plan, swapped, handoff = self._plan(prepared, prompt)
        result = None
        try:
            if self._track is not None:
                self._track.planned(prepared, plan, self._seeds.get(prepared.digest, {}))
            references = self._references.make(
                self._context, prepared, plan, self._preparer, handoff
            )
            if swapped.prompt:
                result = await self._execute(prepared, swapped, handoff, listener)
            self._references.store(self._context, references)
        except BaseException as e:
            self._take_back_after(e, handoff)
            raise
        taken = self._context.take_back(handoff)
        self._collect(prepared, plan, taken)
        for unique_id in plan.references:
            self._results[unique_id] = lambda uid=unique_id: self._context.load(uid)
        if self._track is not None:
            cached = swapped.needed.intersection(result.cached if result is not None else ())
            self._track.end_step(prepared, plan, taken, len(swapped.needed), len(cached))

    def _plan(self, prepared: Prepared, prompt: Prompt) -> tuple[Plan, Swapped, Handoff]:
        """Decide, and lend what is to be loaded; again, if somebody saved a value in between."""
        for _ in range(_TRIES):
            plan = plan_run(prepared.ports, self._look_up, self._rules)
            swapped = swap_ports(
                prompt,
                prepared.ports,
                plan,
                self._preparer.info,
                str(self._context.folder),
                self._references.warm(),
            )
            if not swapped.prompt and not plan.references:
                raise WorkflowError(
                    f"{prepared.name} has nothing to run: no OUTPUT port, and no node that "
                    "shows or saves something. Connect an OUTPUT port to what you want to have."
                )
            loads = versions_to_load(plan)
            frozen = [FROZEN_PREFIX + c for c in contents_to_load(plan, prompt, prepared.ports)]
            handoff = self._context.hand_over([*loads, *frozen], self._options.use_ram)
            if all(handoff.versions[key] == version for key, version in loads.items()):
                return plan, swapped, handoff
            self._context.take_back(handoff)
        raise WorkflowError(
            f"The values that {prepared.name} reads are saved anew faster than it can start. Give "
            "runs that go on at the same time a context each."
        )

    def _draw_seeds(self, prepared: Prepared, listener: Listener) -> Prompt:
        """The prompt; with new seeds, if they are asked for, which are told."""
        options = self._options
        if not options.randomize_seeds or prepared.workflow is None:
            return prepared.prompt
        before = self._seeds.get(prepared.digest, {})
        seed = None if options.seed is None else options.seed + self._draws
        prompt, seeds = convert(
            prepared.workflow,
            self._preparer.info,
            randomize_seeds=True,
            seed=seed,
            previous=before,
        )
        self._draws += 1
        self._seeds[prepared.digest] = {**before, **seeds}
        if seeds:
            log.info("%s is run with the seeds %s.", prepared.name, seeds)
            if listener is not None:
                listener(SeedsChanged(prepared.name, seeds))
        return prompt

    def _look_up(self, unique_id: str) -> Feed:
        return feed_of(self._context, unique_id, self._recipe)

    def _recipe(self, unique_id: str) -> Recipe:
        return self._references.recipe(self._context, unique_id, self._preparer)

    async def _execute(
        self, prepared: Prepared, swapped: Swapped, handoff: Handoff, listener: Listener
    ) -> RunResult:
        """Run a prompt; once more with nothing else in the worker, if its memory did not do."""
        kept = self._references.kept
        swapped = make_room(self._worker, kept, swapped)
        try:
            return await self._send(prepared, swapped, handoff, listener)
        except NodeFailed as e:
            unneeded = kept.not_in(swapped.needed)
            if not is_out_of_memory(e) or not unneeded:
                raise
            log.warning(
                "%s ran out of memory. It is run again without the %d references that were kept "
                "for later.", prepared.name, len(unneeded),
            )  # fmt: skip
        kept.drop(unneeded)
        await let_go_of_all(self._worker)
        return await self._send(prepared, without(swapped), handoff, listener)

    async def _send(
        self, prepared: Prepared, swapped: Swapped, handoff: Handoff, listener: Listener
    ) -> RunResult:
        try:
            result = await self._worker.execute(
                order_ports(swapped, handoff.order, _places(handoff)),
                client_data=self._client_data(prepared, swapped),
                timeout=self._time_left(),
                on_event=listener,
                needed=swapped.needed,
            )
        except ValidationFailed as e:  # refused: what ComfyUI had it has
            raise _tell_ports(e, swapped) from None
        except BaseException:
            self._sent.append(Sent(swapped.prompt, swapped.needed, False))
            raise
        finally:
            self._references.kept.note_sent(swapped.prompt, swapped.needed)
        self._sent.append(Sent(swapped.prompt, swapped.needed, True))
        return result

    def _collect(self, prepared: Prepared, plan: Plan, taken: Taken) -> None:
        """What the savers of this very run made, whoever saves the same keys meanwhile."""
        for unique_id in plan.saves:
            if unique_id in taken:
                self._results[unique_id] = lambda uid=unique_id: taken.load(uid)
            else:
                log.warning(
                    "The output %r of %s got no value: a node before it blocked it.",
                    unique_id,
                    prepared.name,
                )

    def _take_back_after(self, error: BaseException, handoff: Handoff) -> None:
        """What was saved before the run failed is kept. The first error is the one to tell."""
        try:
            self._context.take_back(handoff)
        except Exception:
            log.exception("The values of a run that ended with %r were not taken back.", error)

    def _client_data(self, prepared: Prepared, swapped: Swapped) -> dict[str, Any] | None:
        """What the editor sends beside a prompt: the workflow, for nodes that put it into files."""
        if prepared.workflow is None or not shows_workflow(swapped.prompt, self._preparer.info):
            return None
        return {"extra_pnginfo": {"workflow": prepared.workflow.data}}

    def _time_left(self) -> float | None:
        if self._deadline is None:
            return None
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise RunTimeout(
                f"The run took longer than its timeout of {self._options.timeout} s. What was "
                "saved until then is in the context. Pass a larger timeout=, or fewer iterations."
            )
        return left


def _places(handoff: Handoff) -> dict[str, tuple[str, str]]:
    """Where the frozen values are that a run loads: content -> (run_dir, version)."""
    return {
        key.removeprefix(FROZEN_PREFIX): (handoff.run_dir, version)
        for key, version in handoff.versions.items()
        if key.startswith(FROZEN_PREFIX)
    }


def _tell_ports(error: ValidationFailed, swapped: Swapped) -> ValidationFailed:
    """The error, with the ports named whose values ComfyUI refused."""
    fed: dict[str, list[str]] = {}
    for (node_id, input_name), unique_id in swapped.literals.items():
        fed.setdefault(node_id, []).append(f"{input_name} comes from the INPUT port {unique_id!r}")
    problems = tuple(
        replace(p, reason=f"{p.reason} ({'; '.join(fed[p.node_id])})") if p.node_id in fed else p
        for p in error.problems
    )
    if problems == error.problems:
        return error
    lines = [str(error).split("\n", 1)[0], *map(str, problems)]
    return ValidationFailed("\n  ".join(lines), **{**error.__dict__, "problems": problems})
