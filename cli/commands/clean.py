"""`discomfort clean`: removes what killed processes left."""

from __future__ import annotations

from typing import Annotated

import typer

from ..log import show_log
from ..options import JsonOption
from ..output import answer

_DRY_RUN = Annotated[bool, typer.Option("--dry-run", help="Only list what would be removed.")]
_LOGS = Annotated[
    bool,
    typer.Option(
        "--logs", help="Also the logs of workers that crashed. Default: the newest 20 stay."
    ),
]


def clean(dry_run: _DRY_RUN = False, logs: _LOGS = False, json: JsonOption = False) -> None:
    """Remove what killed processes left on this machine: values, folders, logs.

    The next start does so, too. What a living process has is never touched, nor are your durable
    contexts, records, models and results.

    Example: discomfort clean --dry-run
    """
    from ..leavings import find_leavings, find_logs, remove_leavings
    from ..sizes import size_text

    found = find_leavings(logs)
    with show_log(False):
        listed = found if dry_run or not found else remove_leavings(found)
    lines = [f"{one.kind}  {size_text(one.size_bytes)}  {one.path}" for one in listed]
    total = sum(one.size_bytes for one in listed)
    what = "would be removed" if dry_run else "removed"
    lines.append(f"{size_text(total)} {what}." if listed else "There is nothing to remove.")
    logs_left = [] if logs else find_logs()
    if logs_left:
        size = size_text(sum(one.size_bytes for one in logs_left))
        lines.append(
            f"Logs of workers that crashed stay ({len(logs_left)}, {size}): --logs removes them."
        )
    fields = {
        "is_dry_run": dry_run,
        "size_bytes": total,
        "logs_left": [str(one.path) for one in logs_left],
        "leavings": [
            {"kind": one.kind, "path": str(one.path), "size_bytes": one.size_bytes}
            for one in listed
        ],
    }
    answer(json, "clean", "\n".join(lines), fields)
