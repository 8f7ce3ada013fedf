"""The engine behind `Discomfort` and `WorkflowTools.run_sequential`: runs and plans on one worker.

It keeps what serves the next call: prepared workflows, references, spare contexts, open streams.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from ..errors import ExecutionError, WorkerDied
from ..graph.plan.expected_cache import Sent
from ..references.model_room import let_go, let_go_of_all
from ..references.registry import References
from ..system.ctrl_c import heard
from ..worker.kept_classes import keep_now
from ..workflows.prepare import Preparer
from ..workflows.sources import Sources
from .environment import Environment
from .open_streams import OpenStreams
from .options import Options, check_api_nodes, check_given, check_options, check_outputs
from .recording import Recorder
from .results import Results
from .run import Run
from .temporary_contexts import TemporaryContexts

if TYPE_CHECKING:
    from ..comfy_serverless import ComfyConnector
    from ..events import EventStream
    from ..workflow_context import WorkflowContext
    from .dry_run import RunPlan

log = logging.getLogger("discomfort.references")
log_run = logging.getLogger("discomfort.run")

# Paths (JSON, or a picture that ComfyUI saved), workflow dicts or API prompts; one or many.
Workflows: TypeAlias = "str | Path | Mapping[str, Any] | Sequence[str | Path | Mapping[str, Any]]"

_SENT_KEPT = 16  # prompts that are remembered


class Engine:
    """Runs and plans on one worker.

    Args:
        rules: gives what holds now: ComfyUI type -> "val" or "ref".
        record: as `Discomfort.create` takes it.
    """

    def __init__(
        self,
        worker: ComfyConnector,
        rules: Callable[[], Mapping[str, str]],
        record: bool | str | None = None,
    ):
        self.worker, self._rules = worker, rules
        self.references = References()
        self._is_open = True
        self._sent: deque[Sent] = deque(maxlen=_SENT_KEPT)
        self.contexts = TemporaryContexts()
        self._streams = OpenStreams()
        self._recorder = Recorder(record)
        self.sources = Sources()
        self._preparer: Preparer | None = None
        self._begun_with = 0  # the `object_info_version` of the server whose loaders are known

    async def run(
        self,
        workflows: Workflows,
        inputs: Mapping[str, Any] | None,
        options: Options,
        context: WorkflowContext | None = None,
    ) -> Results:
        """See `Discomfort.run`."""
        check_options(options)
        self.check_open()
        if options.seed is not None and not options.randomize_seeds:
            log_run.warning(
                "seed=%s changes nothing: it is for randomize_seeds=True. To set the seed of a "
                "node, give its input a value in inputs, as 'KSampler.seed'.",
                options.seed,
            )
        given = check_given(inputs)
        read = await self.sources.read(workflows)
        environment = await self.environment()
        with self.contexts.use(context) as used:
            history, is_recorded = self._recorder.history_of(
                used, context is not None, options.record
            )
            run = Run(environment, used, replace(options, record=is_recorded), history)
            with heard(lambda: "the run ends after what it does now"):
                return await run.execute(read, given)

    def stream(
        self,
        workflows: Workflows,
        inputs: Mapping[str, Any] | None,
        options: Options,
        context: WorkflowContext | None = None,
    ) -> EventStream:
        """See `Discomfort.stream`."""

        def run(on_event: Callable[[Any], None]) -> Any:
            return self.run(workflows, inputs, replace(options, on_event=on_event), context)

        return self._streams.open(run)

    async def plan(
        self,
        workflows: Workflows,
        inputs: Mapping[str, Any] | None,
        context: WorkflowContext | None = None,
        outputs: Sequence[str] | None = None,
        api_nodes: bool | None = None,
    ) -> RunPlan:
        """See `Discomfort.plan`."""
        from .dry_run import DryRun  # with what draws plans

        check_outputs(outputs)
        check_api_nodes(api_nodes)
        self.check_open()
        given = check_given(inputs)
        read = await self.sources.read(workflows)
        environment = await self.environment()
        with self.contexts.use(context) as used:
            plan = await DryRun(environment, used, outputs).plan(read, given, api_nodes)
        keep_now()
        return plan

    async def free(self, unique_id: str | None = None) -> None:
        """See `Discomfort.free`."""
        self.check_open()
        if unique_id is not None and not isinstance(unique_id, str):
            raise TypeError(f"unique_id must be the key of a reference or None, not {unique_id!r}.")
        pins = self.references.pins
        self._sent.clear()  # what else ComfyUI's cache still has is not known any more
        if unique_id is None:
            pins.clear()
            await let_go_of_all(self.worker)
            return
        asked = pins.named(unique_id)
        if not asked:
            names = ", ".join(map(repr, pins.names())) or "nothing"
            log.warning("Nothing is kept for %r. What is kept: %s.", unique_id, names)
        pins.drop([recipe.id for recipe in asked])
        await let_go(self.worker, pins.recipes())

    async def shutdown(self) -> None:
        """End the streams, free what is kept, and let go of the worker. Idempotent."""
        if self._is_open:
            self._is_open = False
            await self._streams.end()
            self.references.forget()
            self._recorder.close()  # it may still draw what the contexts hold
            self.contexts.close()
            await self.worker.release()

    def check_open(self) -> None:
        """Raises ExecutionError after `shutdown`."""
        if not self._is_open:
            raise ExecutionError(
                "This Discomfort was shut down. Discomfort.create() makes a new one."
            )

    async def environment(self) -> Environment:
        """Made anew when the server, and so its node classes, may have changed."""
        try:
            info = await self.worker.object_info_index()
        except WorkerDied:  # while it had nothing to do: nothing is lost, and it is replaced
            info = await self.worker.object_info_index()
        if self._preparer is None or self._preparer.info is not info:
            self._preparer = Preparer(info, self.worker.node_replacements)
            self._sent.clear()
            self.references.forget()  # a node class that is gone would spoil every prompt
            if self._begun_with != self.worker.object_info_version:
                self._begin_with_kept()
        return Environment(self.worker, self.references, self._rules(), self._preparer, self._sent)

    def _begin_with_kept(self) -> None:
        """A warm worker has models of the script before: they stay loaded for this one."""
        self._begun_with = self.worker.object_info_version
        nodes = self.references.pins.begin_with(self.worker.kept_loaders)
        if nodes:
            self._sent.append(Sent(nodes, set(nodes), True))
