"""What the steps of one run have made: values by name, loaded when the run is over, and files."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..graph.plan.swap_ports import Swapped
from ..nodes_internal import LEFT_OUT
from ..workflows.prepare import Prepared, Preparer
from .addresses import nothing_back
from .result_files import ResultFiles
from .results import Results

if TYPE_CHECKING:
    from ..comfy_serverless import RunResult
    from ..context.handoff import Collected

log = logging.getLogger("discomfort.run")


class Made:
    """The results of one run, while they are made.

    Args:
        prepared: the workflows of the run.
        rules: ComfyUI type -> "val" or "ref".
        is_asked: the caller has named the outputs.
    """

    def __init__(
        self,
        prepared: Sequence[Prepared],
        preparer: Preparer,
        rules: Mapping[str, str],
        is_asked: bool,
    ):
        self._prepared, self._preparer, self._is_asked = prepared, preparer, is_asked
        self._files = ResultFiles(prepared, preparer, rules)
        self.values: dict[str, Callable[[], Any]] = {}

    def unasked(self, prepared: Prepared) -> Collection[str]:
        """The outputs that a workflow gives because it has no OUTPUT port: one that can't be saved
        or opened is left out.
        """
        return () if self._is_asked else prepared.call.outputs

    def note(
        self, prepared: Prepared, swapped: Swapped, collected: Collected, result: RunResult | None
    ) -> None:
        """Take what a step made, also if others save the same keys meanwhile."""
        unasked, name = self.unasked(prepared), prepared.name
        shown = result.outputs if result is not None else {}
        for unique_id, saver in swapped.savers.items():
            if unique_id in collected:
                self.values[unique_id] = lambda uid=unique_id: collected.load(uid)
            elif reasons := (shown.get(saver) or {}).get(LEFT_OUT):
                log.warning("%r is not among the results of %s: %s", unique_id, name, reasons[0])
            else:
                level = logging.INFO if unique_id in unasked else logging.WARNING
                text = "The output %r of %s got no value: a node before it blocked it."
                log.log(level, text, unique_id, name)
        self._files.note(prepared, result)

    def results(self) -> Results:
        """All of it; says so where there is nothing."""
        if not self._is_asked and (text := nothing_back(self._prepared, self._preparer)):
            log.warning("%s%s", text, " Files are in results.files." if self._files else "")
        unasked = {name for p in self._prepared for name in self.unasked(p)}
        found = {}
        for unique_id, load in self.values.items():
            try:
                found[unique_id] = load()
            except Exception as e:
                if unique_id not in unasked:
                    raise
                log.warning("%r is not among the results: %s", unique_id, e)
        return Results(found, self._files)
