"""Discomfort without `await`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..discomfort import Discomfort as AsyncDiscomfort
from ..inspection.inspection import Inspection
from ..run.engine import Workflows
from ..workflow_context import WorkflowContext
from ..workflow_functions.function_results import FunctionResults
from .blocking import EventStream, Waiting, arguments_of, blocking
from .connector import ComfyConnector
from .loop_thread import LoopThread, loop_thread
from .tools import WorkflowTools
from .workflow_function import WorkflowFunction

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ..run.options import RunOptions


class Discomfort(Waiting):
    """Runs workflows with ports on a nested ComfyUI, and waits for them.

    Make one with `Discomfort.create()`; end it with `discomfort.shutdown()`, or use
    `with Discomfort.create() as discomfort`. Methods and arguments are those of the asynchronous
    `Discomfort`, without `await`; `until` and `on_event` are called in the thread that waits. Any
    number of threads may use one.

    Attributes:
        Context: the class WorkflowContext.
        Tools: a WorkflowTools.
        Worker: the ComfyConnector.
    """

    _inner: AsyncDiscomfort
    Context = WorkflowContext

    def __init__(self, inner: AsyncDiscomfort, thread: LoopThread):
        super().__init__(inner, thread)
        self.Worker = ComfyConnector(inner.Worker, thread)
        self.Tools = WorkflowTools(worker=inner.Worker)

    @classmethod
    @arguments_of(AsyncDiscomfort.create)
    def create(cls, *arguments: Any, **options: Any) -> Discomfort:
        thread = loop_thread()
        return cls(thread.wait(lambda _: AsyncDiscomfort.create(*arguments, **options)), thread)

    run = blocking(AsyncDiscomfort.run)
    plan = blocking(AsyncDiscomfort.plan)
    check = blocking(AsyncDiscomfort.check)
    fetch_models = blocking(AsyncDiscomfort.fetch_models)
    free = blocking(AsyncDiscomfort.free)
    shutdown = blocking(AsyncDiscomfort.shutdown)

    def workflow(self, workflows: Workflows) -> WorkflowFunction[FunctionResults]:
        """A workflow as a function: `result = enhance(picture=picture, detail=0.01)`; see the
        asynchronous class.
        """
        return WorkflowFunction(self._inner.workflow(workflows), self._thread)

    def stream(
        self,
        workflows: Workflows,
        inputs: Mapping[str, Any] | None = None,
        iterations: int | None = 1,
        use_ram: bool = True,
        context: WorkflowContext | None = None,
        **options: Unpack[RunOptions],
    ) -> EventStream:
        """`run` as an iterator of its events (events.py); the last has the results.

            for event in discomfort.stream("workflow.json", {"picture": picture}):
                if isinstance(event, Preview) and is_bad(event.image):
                    break

        Leaving the loop ends the run.
        """
        inner = self._inner.stream(workflows, inputs, iterations, use_ram, context, **options)
        return EventStream(inner, self._thread)

    def inspect(self, workflow: str | Path | Mapping[str, Any]) -> Inspection:
        """What a workflow is made of: see the asynchronous class. It starts nothing."""
        return self._inner.inspect(workflow)

    def __enter__(self) -> Discomfort:
        self._inner._engine.check_open()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
