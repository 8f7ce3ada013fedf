"""Why a worker did not start, as errors that say where to look and what to do."""

from __future__ import annotations

from collections.abc import Sequence

from ...errors import ConfigError, WorkerStartError
from .output_log import OutputLog, describe_exit, was_killed

_LINES_IN_ERRORS = 15


def not_ready(timeout_s: float, output: OutputLog) -> WorkerStartError:
    """It runs, but gave no answer in time."""
    return WorkerStartError(
        f"ComfyUI did not get ready within {timeout_s:.0f} s. Raise MAX_COMFY_START_ATTEMPTS if it "
        f"only needs longer.{_where_to_look(output)}"
    )


def unguarded(output: OutputLog) -> WorkerStartError:
    """It answers, but this extension is not in it."""
    return WorkerStartError(
        "ComfyUI runs, but could not load this extension, so nothing guards it; it was ended. The "
        f"log has the reason after 'IMPORT FAILED'.{_where_to_look(output)}"
    )


def ended_early(code: int | None, output: OutputLog) -> WorkerStartError:
    """Its process ended before it answered."""
    is_killed = was_killed(code)
    if is_killed:
        hint = "The next run tries again; if it is killed again, free memory first."
    else:
        hint = "Put right what the log complains of, and run again."
    return WorkerStartError(
        f"ComfyUI ended while it started, with exit code {code} ({describe_exit(code)}). {hint}"
        f"{_where_to_look(output)}",
        was_killed=is_killed,
    )


def lacks_packages(python: str, missing: Sequence[str]) -> WorkerStartError:
    """Its Python can't run our nodes."""
    return WorkerStartError(
        f"ComfyUI's Python lacks {', '.join(missing)}. This installs what is missing:\n"
        f'  "{python}" -m pip install {" ".join(missing)}'
    )


def _where_to_look(output: OutputLog) -> str:
    lines = "".join(f"\n  | {line}" for line in output.last_lines(_LINES_IN_ERRORS))
    return f" Its log: {output.path}{lines}"


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
