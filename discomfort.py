"""Discomfort, the facade: a worker, contexts and tools, and `run`, which puts them together."""

from __future__ import annotations

import asyncio
import importlib.util
import sys
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

if not __package__:
    # A script in this very folder finds this file in place of the package: load the package.
    _spec = importlib.util.spec_from_file_location(
        "discomfort",
        Path(__file__).with_name("__init__.py"),
        submodule_search_locations=[str(Path(__file__).parent)],
    )
    assert _spec and _spec.loader
    sys.modules["discomfort"] = importlib.util.module_from_spec(_spec)
    _spec.loader.exec_module(sys.modules["discomfort"])
    __package__ = "discomfort"

from .comfy_serverless import ComfyConnector
from .errors import ExecutionError, WorkerDied
from .events import EventStream, Finished, stream_events
from .explain import Planner, RunPlan
from .graph.cached import Sent
from .memory import let_go, let_go_of_all
from .options import Options, check_options, check_record
from .prepare import Preparer, read_workflows
from .records.history import History
from .references import References
from .runs import Run
from .workflow_context import WorkflowContext
from .workflow_tools import WorkflowTools

# How many prompts are remembered, to tell in a plan what ComfyUI's cache still has.
_SENT_KEPT = 16


class Discomfort:
    """Runs workflows with ports on a nested ComfyUI.

    Make one with `await Discomfort.create()`; end it with `await discomfort.shutdown()`, or use
    `async with await Discomfort.create() as discomfort`.

    Attributes:
        Context: the class WorkflowContext.
        Tools: a WorkflowTools.
        Worker: the ComfyConnector.
    """

    Context = WorkflowContext

    def __init__(self, worker: ComfyConnector, record: bool | str | None = None):
        check_record(record)
        self.Worker = worker
        self.Tools = WorkflowTools()
        self._is_open = True
        self._references = References()
        self._sent: deque[Sent] = deque(maxlen=_SENT_KEPT)
        self._spare: list[WorkflowContext] = []
        self._streams: set[Any] = set()
        self._preparer: Preparer | None = None
        self._record = record
        self._history: History | None = None

    @classmethod
    async def create(
        cls,
        config_path: str | Path | None = None,
        *,
        url: str | None = None,
        cuda_device: int | None = None,
        record: bool | str | None = None,
        output_directory: str | Path | None = None,
    ) -> Discomfort:
        """Start the worker, or join the one that this process has.

        Args:
            config_path: a file like comfy_serverless.json; None: the packaged one.
            url: a ComfyUI with this extension that runs already; nothing is started then.
            cuda_device: the GPU that the worker is to use; another number is another worker.
            record: keep a record of what runs do (texts, numbers, small pictures, the workflows)
                in the user's data folder, private to the user, for the editor's sidebar tab
                "Discomfort". A text is its title. None: as workflow_context.json says.
            output_directory: where SaveImage and others save. None: a folder of the worker's own,
                removed with it.

        Raises:
            ConfigError: a configuration that can't be used.
            WorkerStartError: no ComfyUI was found, or it did not get ready; says why and what to
                do.
        """
        check_record(record)
        worker = await ComfyConnector.create(
            config_path, url=url, cuda_device=cuda_device, output_directory=output_directory
        )
        return cls(worker, record)

    async def run(
        self,
        workflows: str | Path | Mapping[str, Any] | Sequence[str | Path | Mapping[str, Any]],
        inputs: Mapping[str, Any] | None = None,
        iterations: int | None = 1,
        use_ram: bool = True,
        context: WorkflowContext | None = None,
        *,
        until: Callable[[WorkflowContext], Any] | None = None,
        on_event: Callable[[Any], Any] | None = None,
        progress: bool | None = None,
        timeout: float | None = None,
        retries: int = 0,
        randomize_seeds: bool = False,
        seed: int | None = None,
        record: bool | str | None = None,
    ) -> dict[str, Any]:
        """Run workflows in order, `iterations` times.

        What one saves the next can read, also in the next iteration.

        Args:
            workflows: paths (JSON, or a picture that ComfyUI saved), workflow dicts or API
                prompts; one or many.
            inputs: unique_id -> value; saved to the context first.
            iterations: how often; None only with `until`.
            use_ram: keep what is saved in shared memory (else on disk).
            context: where values are kept. None: a temporary one, removed at the end.
            until: called with the context after each iteration (plain or async); true ends the run.
            on_event: called with each event (events.py), on the event loop. Whatever it raises ends
                the run, interrupts the worker, and is raised once that is idle.
            progress: show a bar; None: in a terminal or notebook only.
            timeout: seconds for the whole call, without the start of a worker; then RunTimeout.
            retries: how often a workflow is run again when the worker died.
            randomize_seeds: change the seeds before each run of a workflow, as the editor does
                when it queues: as the "control after generate" beside each says. False: a seed
                has the value in the file. References keep the value in the file.
            seed: makes what `randomize_seeds` draws repeatable.
            record: whether this run is recorded, and its title; None: as `create` was told.
                Recorded runs on one context, or on none, are one record.

        Returns:
            unique_id -> last value of every OUTPUT; a reference gives the workflow that makes it.
            Tensors may be mapped from shared memory; changing them changes nothing in the store.

        Raises:
            FileNotFoundError, TypeError, ValueError (WorkflowError, MissingInputError): before
                anything runs.
            ExecutionError: ValidationFailed, NodeFailed, WorkerDied, RunTimeout, RunInterrupted.
                The worker and the context can be used again, and what was saved is still there.
        """
        options = Options(
            iterations, use_ram, until, on_event, progress, timeout, retries, randomize_seeds, seed,
            record,
        )  # fmt: skip
        check_options(options)
        self._check_open()
        _check_context(context)
        given = _check_inputs(inputs)
        read = read_workflows(workflows)
        preparer = await self._prepared_for_server()
        with self._own_context() if context is None else nullcontext(context) as used:
            history, is_recorded = self._history_of(used, context is not None, record)
            options = replace(options, record=is_recorded)
            run = Run(
                self.Worker, used, self._references, self.Tools.pass_by_rules, preparer, options,
                self._sent, history,
            )  # fmt: skip
            return await run(read, given)

    def stream(
        self,
        workflows: str | Path | Mapping[str, Any] | Sequence[str | Path | Mapping[str, Any]],
        inputs: Mapping[str, Any] | None = None,
        iterations: int | None = 1,
        use_ram: bool = True,
        context: WorkflowContext | None = None,
        **options: Any,
    ) -> EventStream:
        """`run` as an async iterator of its events (events.py); the last has the results.

            async with discomfort.stream("workflow.json", {"picture": picture}) as events:
                async for event in events:
                    if isinstance(event, Preview) and is_bad(event.image):
                        break

        Leaving the loop ends the run and interrupts the worker; the end of the block waits until
        the worker is idle. A slow loop keeps nothing waiting: it gets all events, but of each
        node's steps and previews that wait only the newest.

        Args:
            options: the others of `run`, but `on_event`.

        Raises:
            What `run` raises, in the loop.
        """
        if "on_event" in options:
            raise TypeError("stream() has no on_event: its loop is what gets the events.")

        async def start(on_event: Callable[[Any], None]) -> dict[str, Any]:
            task = asyncio.current_task()
            self._streams.add(task)
            try:
                return await self.run(
                    workflows, inputs, iterations, use_ram, context, on_event=on_event, **options
                )
            finally:
                self._streams.discard(task)

        return stream_events(start, Finished)

    async def plan(
        self,
        workflows: str | Path | Mapping[str, Any] | Sequence[str | Path | Mapping[str, Any]],
        inputs: Mapping[str, Any] | None = None,
        context: WorkflowContext | None = None,
    ) -> RunPlan:
        """What `run` with these arguments would do in its first iteration.

        Nothing is executed, and nothing is saved: inputs are looked at only. A missing input is
        told in the plan.

        Args: as of `run`.

        Returns:
            A plan to print, or to look at in a notebook; `plan.save("plan.svg")` draws it.

        Raises:
            FileNotFoundError, TypeError, WorkflowError: what `run` would raise before it starts,
                but for missing inputs.
        """
        self._check_open()
        given = _check_inputs(inputs)
        _check_context(context)
        read = read_workflows(workflows)
        preparer = await self._prepared_for_server()
        with self._own_context() if context is None else nullcontext(context) as used:
            planner = Planner(
                used, self._references, self.Tools.pass_by_rules, preparer, self._sent
            )
            return await planner(read, given)

    async def free(self, unique_id: str | None = None) -> None:
        """Have the worker let go of models that it keeps for the next run.

        The references stay; the next use loads again. Without being asked, the models that were
        not used for longest go when another needs the room.

        Args:
            unique_id: the reference whose models are not needed for now. None: all, and whatever
                else ComfyUI has cached. A worker whose cache mode was set in EXTRA_ARGS, to
                --cache-lru for instance, lets go of all only.
        """
        self._check_open()
        kept = self._references.kept
        self._sent.clear()  # what else ComfyUI's cache still has is not known any more
        if unique_id is None:
            kept.clear()
            await let_go_of_all(self.Worker)
        else:
            kept.drop([recipe.id for recipe in kept.named(unique_id)])
            await let_go(self.Worker, kept.recipes())

    def _history_of(
        self, context: WorkflowContext, is_given: bool, record: bool | str | None
    ) -> tuple[History | None, bool]:
        """Where a run is noted, and whether on disk as well. One that has neither a context of its
        own nor a record is not.
        """
        wanted = self._record if record is None else record
        if wanted is None:
            wanted = context.is_recorded
        if wanted is False:
            return (context.history if is_given else None), False
        if not is_given:
            self._history = self._history or History()
        history = context.history if is_given else self._history
        assert history is not None
        history.start_recording(wanted if isinstance(wanted, str) else None)
        return history, True

    async def shutdown(self) -> None:
        """End the worker, if nobody else in this process uses it. May be called twice."""
        if self._is_open:
            self._is_open = False
            await self._end_streams()
            self._references.forget()
            if self._history is not None:
                self._history.close()  # it may still draw what the contexts hold
            self._drop_contexts()
            await self.Worker.release()

    async def _end_streams(self) -> None:
        loop = asyncio.get_running_loop()
        streams = [task for task in self._streams if task.get_loop() is loop]
        for task in streams:
            task.cancel()
        if streams:
            await asyncio.wait(streams)

    def _drop_contexts(self) -> None:
        while self._spare:
            self._spare.pop().shutdown()

    async def __aenter__(self) -> Discomfort:
        self._check_open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.shutdown()

    @contextmanager
    def _own_context(self) -> Iterator[WorkflowContext]:
        """A temporary context; kept, empty, for the next run, since folders are slow to make."""
        context = self._spare.pop() if self._spare else self.Context()
        try:
            yield context
            context.clear()
        except BaseException:
            context.shutdown()
            raise
        self._spare.append(context)

    def _check_open(self) -> None:
        if not self._is_open:
            raise ExecutionError(
                "This Discomfort was shut down. `await Discomfort.create()` makes a new one."
            )

    async def _prepared_for_server(self) -> Preparer:
        """The prepared workflows; made anew when the server, and so its node classes, may have
        changed.
        """
        try:
            info = await self.Worker.object_info_index()
        except WorkerDied:  # while it had nothing to do: nothing is lost, and it is replaced
            info = await self.Worker.object_info_index()
        if self._preparer is None or self._preparer.info is not info:
            self._preparer = Preparer(info)
            self._sent.clear()
            self._references.forget()  # a node class that is gone would spoil every prompt
        return self._preparer


def _check_context(context: Any) -> None:
    if context is not None and not isinstance(context, WorkflowContext):
        raise TypeError(
            f"context must be a WorkflowContext, made by discomfort.Context(), not {context!r}."
        )


def _check_inputs(inputs: Mapping[str, Any] | None) -> dict[str, Any]:
    if inputs is None:
        return {}
    if not isinstance(inputs, Mapping):
        raise TypeError(
            f"inputs must be a dict of unique_id to value, not {type(inputs).__name__}."
        )
    for unique_id in inputs:
        if not isinstance(unique_id, str) or not unique_id.strip():
            raise TypeError(
                f"inputs: a unique_id must be text that is not empty, not {unique_id!r}."
            )
    return dict(inputs)
