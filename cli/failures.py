"""What an error means on the command line: its code, the exit code, and what JSON says of it. Pure.

The codes are promises (docs/errors.md): they stay when a class is renamed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..errors import (
    ConfigError,
    DiscomfortError,
    Problem,
    UntrustedValueError,
    ValidationFailed,
    WorkerStartError,
    WorkflowError,
    printable,
)
from .shell_words import in_shell_words

DONE, FAILED, USAGE, NO_COMFYUI, REFUSED, INTERRUPTED = 0, 1, 2, 3, 4, 130
READER_GONE = 141  # as a program has that SIGPIPE ended

# What an error tells beside its text; long texts (a traceback) are for the terminal's log.
_DETAILS = (
    "node_id",
    "node_type",
    "title",
    "exception_type",
    "exception_message",
    "exit_code",
    "log_path",
    "prompt_id",
)


class UsageFailed(DiscomfortError, ValueError):
    """What was typed can't be understood."""

    code = "E_USAGE"


class OutputFailed(DiscomfortError, OSError):
    """A result could not be written.

    Attributes:
        results: those of a run, with the files of what could be written.
    """

    code = "E_OUTPUT"
    results: Mapping[str, Any] | None = None


class ReaderGone(DiscomfortError, OSError):
    """Whoever read standard output has stopped reading: there is nobody to tell."""

    code = "E_READER_GONE"


@dataclass(frozen=True, slots=True)
class Failure:
    """One error, for people and for programs.

    Attributes:
        is_expected: it is none of our own bugs, so that its traceback says nothing to a user.
    """

    code: str
    exit_code: int
    message: str
    details: Mapping[str, Any] = field(default_factory=dict)
    is_expected: bool = True

    def to_json(self) -> dict[str, Any]:
        return {
            "code": self.code,
            "exit_code": self.exit_code,
            "message": self.message,
            "details": dict(self.details),
        }


def failure_of(error: BaseException) -> Failure:
    """What an error is called, and which exit code it makes."""
    code, exit_code, is_expected = _kind(error)
    message = in_shell_words(printable(str(error))) or type(error).__name__
    return Failure(code, exit_code, message, details_of(error), is_expected)


def _kind(error: BaseException) -> tuple[str, int, bool]:
    if isinstance(error, DiscomfortError):
        return error.code, _exit_code(error), True
    if isinstance(error, KeyboardInterrupt):
        return "E_INTERRUPTED", INTERRUPTED, True
    if isinstance(error, FileNotFoundError):
        return "E_FILE_NOT_FOUND", REFUSED, True
    if isinstance(error, OSError):
        return "E_SYSTEM", FAILED, True
    if isinstance(error, (ValueError, TypeError)):
        return "E_VALUE", REFUSED, True
    return "E_INTERNAL", FAILED, False


def _exit_code(error: DiscomfortError) -> int:
    if isinstance(error, WorkerStartError):
        return NO_COMFYUI
    if isinstance(error, (ConfigError, UsageFailed)):
        return USAGE
    if isinstance(error, ReaderGone):
        return READER_GONE
    if isinstance(error, (WorkflowError, ValidationFailed, UntrustedValueError)):
        return REFUSED
    return FAILED


def details_of(error: BaseException) -> dict[str, Any]:
    """What programs may want to know of an error beside its text."""
    known = {name: getattr(error, name, None) for name in _DETAILS}
    found: dict[str, Any] = {
        k: v for k, v in known.items() if isinstance(v, (str, int)) and v != ""
    }
    problems = getattr(error, "problems", ())
    if problems:
        found["problems"] = [_problem(p) for p in problems if isinstance(p, Problem)]
    results = getattr(error, "results", None)
    if isinstance(results, Mapping):
        found["results"] = dict(results)
    return found


def _problem(problem: Problem) -> dict[str, Any]:
    names = ("reason", "node_id", "node_type", "title")
    found = {name: getattr(problem, name) for name in names}
    return {**found, "reason": in_shell_words(problem.reason)}
