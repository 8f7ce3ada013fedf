"""What one call of `run()` notes in its context's history: plans, receipts, results, as cells.

Nothing here decides about the run, and nothing that goes wrong here ends it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..errors import RunInterrupted
from ..graph.plan.run_plan import Binding, Frozen, Graft, Literal, StepPlan
from ..records.cells import MAX_CHARS, cell_of, reference_cell, stored_cell
from ..records.history import History
from .options import check_record

if TYPE_CHECKING:
    from ..comfy_serverless import ComfyConnector
    from ..context.handoff import Collected
    from ..workflow_context import WorkflowContext
    from ..workflows.prepare import Prepared

log = logging.getLogger("discomfort.records")

# A stored value up to this size is looked at: numbers and text are shown as they are.
_SMALL_BYTES = 4096
_PICTURE_TYPES = frozenset({"IMAGE", "MASK"})
_DRAWN_TYPES = _PICTURE_TYPES | {"ANY"}
_MEMORY_INTERVAL_S = 1.0


class Recorder:
    """Which runs of one `Discomfort` are noted, and where."""

    def __init__(self, record: bool | str | None = None):
        check_record(record)
        self._record = record
        self._history: History | None = None

    def history_of(
        self, context: WorkflowContext, is_given: bool, record: bool | str | None
    ) -> tuple[History | None, bool]:
        """Where a run is noted, and whether on disk as well.

        One that has neither a context of its own nor a record is noted nowhere.

        Args:
            is_given: the context is the caller's, and has a history of its own.
            record: of the run; None: of the facade, else of the settings.
        """
        wanted = self._record if record is None else record
        if wanted is None:
            wanted = context.is_recorded
        if wanted is False:
            return (context.history if is_given else None), False
        if not is_given and self._history is None:
            self._history = History()
        history = context.history if is_given else self._history
        assert history is not None
        history.start_recording(wanted if isinstance(wanted, str) else None)
        return history, True

    def close(self) -> None:
        if self._history is not None:
            self._history.close()


class Track:
    """One call of `run()` in the history of a context.

    Args:
        is_recorded: whether this call goes into the record; its context may have one for others.
        worker: whose memory is noted, now and then, if it is ours.
    """

    def __init__(
        self,
        history: History,
        context: WorkflowContext,
        workflows: Sequence[Prepared],
        iterations: int | None,
        is_recorded: bool,
        worker: ComfyConnector,
    ):
        self._history, self._context = history, context
        self._worker, self._is_recorded = worker, is_recorded
        self._call = history.new_call()
        self._iteration = 0
        self._workflow = ""
        self._started = 0.0
        self._inputs: dict[str, Any] = {}
        self._memory: tuple[float, int | None] = (0.0, None)
        for prepared in workflows:
            is_prompt = prepared.workflow is None
            data = prepared.prompt if prepared.workflow is None else prepared.workflow.data
            history.note_workflow(prepared.digest[:16], prepared.name, data, is_prompt, is_recorded)
        names = [p.name for p in workflows]
        history.note(
            {
                "k": "begin",
                "call": self._call,
                "t": time.time(),
                "iterations": iterations,
                "workflows": names,
            },
            is_recorded,
        )

    def begin_step(self, iteration: int, prepared: Prepared) -> None:
        """A workflow of an iteration is about to run."""
        self._iteration, self._workflow = iteration, prepared.name
        self._started = time.perf_counter()

    def planned(
        self, prepared: Prepared, plan: StepPlan, seeds: Mapping[tuple[str, str], Any]
    ) -> None:
        """What goes in. Again, if the step is tried again.

        Args:
            seeds: (node id, input name) -> what was drawn for it.
        """
        self._inputs = {
            unique_id: self._input_cell(unique_id, binding, prepared)
            for unique_id, binding in plan.bindings.items()
        }
        for (node_id, name), seed in seeds.items():
            self._inputs.setdefault(f"{name} (node {node_id})", cell_of(seed))

    def end_step(
        self, prepared: Prepared, plan: StepPlan, collected: Collected, nodes: int, cached: int
    ) -> None:
        """It ran; what came out, and how many of its nodes ComfyUI had the result of."""
        outputs = {
            uid: self._output_cell(uid, prepared, collected)
            for uid in plan.saves
            if uid in collected
        }
        outputs |= {
            uid: reference_cell(prepared.ports.outputs[uid].type) for uid in plan.references
        }
        memory = self._worker_bytes()
        entry = {
            "k": "step",
            "call": self._call,
            "iteration": self._iteration,
            "name": self._workflow,
            "t": round(time.time(), 3),
            "seconds": round(time.perf_counter() - self._started, 4),
            "nodes": nodes,
            "cached": cached,
            **self._context.internal.get_used_bytes(),
            "in": self._inputs,
            "out": outputs,
        }
        if memory is not None:
            entry["worker"] = memory
        self._history.note(entry, self._is_recorded)

    def end(self, error: BaseException | None = None) -> None:
        """The call is over."""
        status, text = "done", None
        if isinstance(error, (RunInterrupted, asyncio.CancelledError, KeyboardInterrupt)):
            status, text = "interrupted", str(error) or "It was cancelled."
        elif error is not None:
            status, text = "failed", f"{type(error).__name__}: {error}"
        entry = {
            "k": "end",
            "call": self._call,
            "t": time.time(),
            "status": status,
            "error": text[: 4 * MAX_CHARS] if text else None,
        }
        if self._iteration:
            entry |= {"iteration": self._iteration, "name": self._workflow}
        self._history.note(entry, self._is_recorded)

    def _input_cell(self, unique_id: str, binding: Binding, prepared: Prepared) -> dict[str, Any]:
        if isinstance(binding, Literal):
            return cell_of(binding.value)
        kind = prepared.ports.input_type(unique_id)
        if isinstance(binding, (Graft, Frozen)):
            return reference_cell(kind)
        receipt = self._context.internal.find_version(unique_id, binding.version)
        size_bytes = receipt.size_bytes if receipt is not None else 0
        if receipt is not None and self._wants_picture(kind, binding.version):
            with contextlib.suppress(Exception):  # damaged or untrusted: the loader will raise
                value = self._context.internal.read(receipt)  # mapped: it may be replaced soon
                self._history.note_picture(binding.version, size_bytes, lambda: value)
        return stored_cell(binding.version, kind, size_bytes)

    def _output_cell(
        self, unique_id: str, prepared: Prepared, collected: Collected
    ) -> dict[str, Any]:
        receipt, kind = collected[unique_id], prepared.ports.outputs[unique_id].type
        is_small = receipt.size_bytes <= _SMALL_BYTES and receipt.is_safe
        if is_small and kind not in _PICTURE_TYPES:
            try:
                return cell_of(collected.load(unique_id))
            except Exception as e:  # it needs code that this context must not run, or is damaged
                log.debug("%r is not shown: %r", unique_id, e)
        if self._wants_picture(kind, receipt.version):
            self._history.note_picture(
                receipt.version, receipt.size_bytes, lambda: collected.load(unique_id)
            )
        return stored_cell(receipt.version, kind, receipt.size_bytes)

    def _wants_picture(self, kind: str, version: str) -> bool:
        return self._is_recorded and kind in _DRAWN_TYPES and self._history.wants_picture(version)

    def _worker_bytes(self) -> int | None:
        """The worker's memory, asked once a second at most."""
        now = time.monotonic()
        if self._is_recorded and now - self._memory[0] > _MEMORY_INTERVAL_S:
            self._memory = now, _memory_of(self._worker.pid)
        return self._memory[1]


def _memory_of(pid: int | None) -> int | None:
    import psutil

    try:
        return None if pid is None else psutil.Process(pid).memory_info().rss
    except psutil.Error:
        return None
