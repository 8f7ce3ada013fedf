"""The entries of a record as what panel and report show. PURE.

Iterations are rows, ports are columns. An input that never changes is no column but a setting; one
that only carries an output of the iteration before is shown where it starts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .record_file import Entry

# How a run may stand. "lost": its process ended before the run did.
RUNNING, DONE, FAILED, INTERRUPTED, LOST = "running", "done", "failed", "interrupted", "lost"

Cell = dict[str, Any]


@dataclass(slots=True)
class _Row:
    """One iteration of one call: what its workflows took, read and made."""

    call: int
    iteration: int
    started: float
    seconds: float = 0.0
    nodes: int = 0
    cached: int = 0
    ram_bytes: int = 0
    disk_bytes: int = 0
    worker_bytes: int | None = None
    inputs: dict[str, Cell] = field(default_factory=dict)
    outputs: dict[tuple[str, str], Cell] = field(default_factory=dict)  # (workflow, unique_id)
    error: str | None = None
    failed_workflow: str | None = None

    def add(self, step: Entry) -> None:
        self.seconds += step.get("seconds", 0)
        self.nodes += step.get("nodes", 0)
        self.cached += step.get("cached", 0)
        self.ram_bytes = step.get("ram", 0)
        self.disk_bytes = step.get("disk", 0)
        self.worker_bytes = step.get("worker", self.worker_bytes)
        made = {unique_id for _, unique_id in self.outputs}
        for unique_id, cell in step.get("in", {}).items():
            if unique_id not in made:
                self.inputs.setdefault(unique_id, cell)
        for unique_id, cell in step.get("out", {}).items():
            self.outputs[step.get("name", ""), unique_id] = cell

    def latest(self, unique_id: str) -> Cell | None:
        """What the last workflow of the row made under that unique_id."""
        found = [cell for (_, uid), cell in self.outputs.items() if uid == unique_id]
        return found[-1] if found else None


def summarize(entries: Iterable[Entry], is_alive: bool) -> dict[str, Any]:
    """A record in a line: title, how it stands, when, how long, how many iterations."""
    entries = list(entries)
    head = next((e for e in entries if e["k"] == "record"), {})
    steps = [e for e in entries if e["k"] == "step"]
    begins = [e for e in entries if e["k"] == "begin"]
    ends = [e for e in entries if e["k"] == "end"]
    rows = {row_of(e) for e in entries if is_in_row(e)}
    last_call = max((e.get("call", 0) for e in (*begins, *steps)), default=0)
    last = max((e.get("t", 0) for e in entries), default=0)
    return {
        "id": head.get("id"),
        "title": head.get("title", ""),
        "status": _status(begins, ends, is_alive),
        "error": next((e.get("error") for e in reversed(ends)), None),
        "started": head.get("t"),
        "seconds": max(0.0, last - head.get("t", last)),
        "busy_seconds": sum(e.get("seconds", 0) for e in steps),
        "calls": max(0, last_call - head.get("calls_before", 0)),
        "iterations": len(rows) + head.get("dropped", 0),
        "total": begins[-1].get("iterations") if len(begins) == 1 else None,
        "workflows": _workflows(entries),
        "pid": head.get("pid"),
    }


def is_in_row(entry: Entry) -> bool:
    """Whether the table has a row for it: a step, or the end of a call that failed."""
    return entry["k"] == "step" or (entry["k"] == "end" and bool(entry.get("error")))


def row_of(entry: Entry) -> tuple[int, int]:
    """Which row: the number of the call and of the iteration in it."""
    return entry.get("call", 0), entry.get("iteration", 0)


def _status(begins: list[Entry], ends: list[Entry], is_alive: bool) -> str:
    ended = {e.get("call") for e in ends}
    if any(e.get("call") not in ended for e in begins):
        return RUNNING if is_alive else LOST
    return str(ends[-1].get("status", DONE)) if ends else DONE


def _workflows(entries: list[Entry]) -> list[dict[str, Any]]:
    found = {e.get("digest"): e for e in entries if e["k"] == "workflow"}
    return [
        {"digest": digest, "name": e.get("name", ""), "is_prompt": bool(e.get("is_prompt"))}
        for digest, e in found.items()
    ]


def build_view(
    entries: Iterable[Entry], is_alive: bool, *, last: int | None = None, before: int | None = None
) -> dict[str, Any]:
    """The whole table, as JSON.

    Args:
        is_alive: whether the process that writes it still runs.
        last: only that many rows: the newest, or those just before the row number `before`.

    Returns:
        What `summarize` gives, with `settings` (inputs that never change), `columns`, `rows` (each
        with its `number`, counted from 0, and a cell or null a column), `first` (the number of the
        first row that is still kept) and `pictures` (version -> what is known of its picture).
    """
    entries = list(entries)
    head = next((e for e in entries if e["k"] == "record"), {})
    rows = _rows(entries)
    settings, inputs = _sort_inputs(rows)
    outputs = list(dict.fromkeys(key for row in rows for key in row.outputs))
    columns = [{"role": "in", "name": uid, "workflow": None} for uid in inputs]
    columns += [{"role": "out", "name": uid, "workflow": name} for name, uid in outputs]
    first = int(head.get("dropped", 0))
    numbered = list(enumerate(rows, start=first))
    if before is not None:
        numbered = [(number, row) for number, row in numbered if number < before]
    if last is not None:
        numbered = numbered[-last:] if last else []
    shown = [_show(number, row, inputs, outputs) for number, row in numbered]
    wanted = {c["version"] for row in shown for c in row["cells"] if c and "version" in c}
    wanted |= {s["cell"]["version"] for s in settings if "version" in s["cell"]}
    return {
        **summarize(entries, is_alive),
        "settings": settings,
        "columns": columns,
        "rows": shown,
        "first": first,
        "pictures": {
            e["version"]: {k: e.get(k) for k in ("width", "height", "shape", "count")}
            for e in entries
            if e["k"] == "picture" and e.get("version") in wanted
        },
    }


def _rows(entries: list[Entry]) -> list[_Row]:
    rows: dict[tuple[int, int], _Row] = {}
    for e in filter(is_in_row, entries):
        key = row_of(e)
        if key not in rows:
            rows[key] = _Row(*key, e.get("t", 0.0) - e.get("seconds", 0.0))
        if e["k"] == "step":
            rows[key].add(e)
        else:
            rows[key].error, rows[key].failed_workflow = e["error"], e.get("name")
    return list(rows.values())


def _sort_inputs(rows: list[_Row]) -> tuple[list[dict[str, Any]], list[str]]:
    """(settings, the unique_ids that get a column)."""
    settings, columns = [], []
    for unique_id in dict.fromkeys(uid for row in rows for uid in row.inputs):
        having = [row for row in rows if unique_id in row.inputs]
        first = having[0].inputs[unique_id]
        if all(row.inputs[unique_id] == first for row in having):
            settings.append({"name": unique_id, "cell": first, "is_start": False})
        elif _is_carried(rows, unique_id):
            settings.append({"name": unique_id, "cell": first, "is_start": True})
        else:
            columns.append(unique_id)
    return settings, columns


def _is_carried(rows: list[_Row], unique_id: str) -> bool:
    """Whether every value after the first is what the iteration before it made."""
    made: dict[str, Any] | None = None
    has_started = False
    for row in rows:
        cell = row.inputs.get(unique_id)
        if cell is not None:
            if has_started and not _is_same(cell, made):
                return False
            has_started = True
        latest = row.latest(unique_id)
        made = latest if latest is not None else made
    return True


def _is_same(cell: Cell, made: Cell | None) -> bool:
    if made is None:
        return False
    return cell == made or ("version" in cell and cell["version"] == made.get("version"))


def _show(
    number: int, row: _Row, inputs: list[str], outputs: list[tuple[str, str]]
) -> dict[str, Any]:
    cells: list[Cell | None] = [row.inputs.get(uid) for uid in inputs]
    cells += [row.outputs.get(key) for key in outputs]
    return {
        "number": number,
        "call": row.call,
        "iteration": row.iteration,
        "started": row.started,
        "seconds": row.seconds,
        "nodes": row.nodes,
        "cached": row.cached,
        "ram_bytes": row.ram_bytes,
        "disk_bytes": row.disk_bytes,
        "worker_bytes": row.worker_bytes,
        "cells": cells,
        "error": row.error,
        "failed_workflow": row.failed_workflow,
    }


def pictures_of(view: Mapping[str, Any]) -> list[str]:
    """The versions whose pictures a view shows, in its order."""
    cells = [s["cell"] for s in view["settings"]]
    cells += [c for row in view["rows"] for c in row["cells"]]
    return list(dict.fromkeys(c["version"] for c in cells if c and "version" in c))
