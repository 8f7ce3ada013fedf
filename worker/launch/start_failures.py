"""Why a worker did not start, as errors that say where to look and what to do."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from ...errors import ConfigError, WorkerStartError
from ...system.processes import is_suspended
from .find_comfyui import install_command
from .output_log import OutputLog, describe_exit, was_killed
from .start_words import doing

_LINES_IN_ERRORS = 15
_NO_MODULE = re.compile(r"ModuleNotFoundError: No module named '([\w.]+)'")


def not_ready(limit_s: float, whose: str, lines: Sequence[str], path: object) -> WorkerStartError:
    """It still starts, but may not any longer.

    Args:
        whose: what set the limit.
        lines: the newest of its log, at `path`.
    """
    return WorkerStartError(
        f"ComfyUI did not get ready within {limit_s:g} s, as {whose} allows. Raise that if it only "
        f"needs longer; without it, a start is waited for as long as it makes progress."
        f"{_where_to_look(lines, path)}"
    )


def stands_still(still_s: float, pid: int, output: OutputLog) -> WorkerStartError:
    """It runs, but nothing happens in it."""
    suspended = " Its process is suspended." if is_suspended(pid) else ""
    what = doing(output.last_lines(_LINES_IN_ERRORS))
    last = f" The last that it did: {what}." if what else ""
    return WorkerStartError(
        f"ComfyUI does nothing any more while it starts: no line in its log, no CPU and no disk "
        f"for {still_s:.0f} s; it was ended.{suspended}{last} If it is an extension, take that "
        f"out of custom_nodes, and run again.{_look(output)}"
    )


def unguarded(output: OutputLog) -> WorkerStartError:
    """It answers, but this extension is not in it."""
    return WorkerStartError(
        "ComfyUI runs, but could not load this extension, so nothing guards it; it was ended. The "
        f"log has the reason after 'IMPORT FAILED'.{_look(output)}"
    )


def ended_early(code: int | None, output: OutputLog, python: str) -> WorkerStartError:
    """Its process ended before it answered.

    Args:
        python: what ran it.
    """
    is_killed = was_killed(code)
    absent = _NO_MODULE.search("\n".join(output.last_lines(_LINES_IN_ERRORS)))
    if is_killed:
        hint = "The next run tries again; if it is killed again, free memory first."
    elif absent:
        hint = (
            f"The Python that ran it, {python}, has no {absent[1]}: give ComfyUI an environment of "
            "its own (`venv` or `.venv` beside its main.py) with its requirements.txt in it, or "
            "run the script with the Python that ComfyUI has."
        )
    else:
        hint = "Put right what the log complains of, and run again."
    return WorkerStartError(
        f"ComfyUI ended while it started, with exit code {code} ({describe_exit(code)}). {hint}"
        f"{_look(output)}",
        was_killed=is_killed,
    )


def lacks_packages(python: str, missing: Sequence[str]) -> WorkerStartError:
    """Its Python can't run our nodes."""
    return WorkerStartError(
        f"ComfyUI's Python lacks {', '.join(missing)}. This installs what is missing:\n"
        f"  {install_command(Path(python), list(missing))}"
    )


def _look(output: OutputLog) -> str:
    return _where_to_look(output.last_lines(_LINES_IN_ERRORS), output.path)


def _where_to_look(lines: Sequence[str], path: object) -> str:
    shown = "".join(f"\n  | {line}" for line in lines[-_LINES_IN_ERRORS:])
    return f" Its log: {path}{shown}"


def as_start_error(error: Exception, log_path: str | None) -> Exception:
    """Whatever went wrong in a start, as the error that callers know."""
    if isinstance(error, ConfigError):  # what was asked for is wrong, not the start
        return error
    if isinstance(error, WorkerStartError):
        error.log_path = log_path
        return error
    failure = WorkerStartError(f"The worker could not be started: {error}", log_path=log_path)
    failure.__cause__ = error
    return failure
