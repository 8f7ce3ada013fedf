"""The files that the steps of one run reported, under the names that its results have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..graph.addresses.shown_values import name_in_files, shown_values
from ..worker.client.shown_files import PREVIEW, SAVED
from ..workflows.prepare import Prepared, Preparer
from .addresses import names_in_results

if TYPE_CHECKING:
    from ..comfy_serverless import RunResult


class ResultFiles(dict[str, list[Path]]):
    """Name of an output node -> its files, of the last step in which it had any.

    Args:
        prepared: the workflows of the run.
        rules: ComfyUI type -> "val" or "ref".
    """

    def __init__(self, prepared: Sequence[Prepared], preparer: Preparer, rules: Mapping[str, str]):
        super().__init__()
        self._prepared, self._preparer, self._rules = prepared, preparer, rules
        self._names: dict[int, dict[str, str]] = {}

    def note(self, prepared: Prepared, result: RunResult | None) -> None:
        """Take the files of a step of one of the workflows."""
        if result is None or not result.files:
            return
        names = self._names_of(prepared)
        of_step: dict[str, list[Path]] = {}
        for node_id, files in result.files.items():
            found = [file.path for file in files if file.kind == SAVED]
            if not found and node_id not in self._with_values(prepared, names):
                found = [file.path for file in files if file.kind == PREVIEW]
            if found:
                name = name_in_files(prepared.prompt, names, node_id)
                of_step.setdefault(name, []).extend(found)
        self.update(of_step)

    def _names_of(self, prepared: Prepared) -> dict[str, str]:
        if not self._names:
            found = names_in_results(self._prepared, self._preparer)
            self._names = {id(p): n for p, n in zip(self._prepared, found, strict=True)}
        return self._names[id(prepared)]

    def _with_values(self, prepared: Prepared, names: Mapping[str, str]) -> set[str]:
        """The output nodes whose values can be had: what they show is no file."""
        shown = shown_values(prepared.prompt, self._preparer.info, names, self._rules)
        return {value.node_id for value in shown}
