"""Every exception that Discomfort raises on purpose.

    DiscomfortError
    |-- ConfigError (ValueError)              a setting or its file can't be used
    |-- WorkflowError (ValueError)            a workflow or prompt can't be used; `problems`: why
    |   `-- MissingInputError                 INPUT ports that nothing feeds
    |-- DownloadError (OSError)             model files that did not come; `downloads`: all of them
    |-- StoreError
    |   |-- ContextNotFound (FileNotFoundError)
    |   |-- UnknownKeyError (KeyError)        nothing is stored under that unique_id
    |   |-- StoreFullError (OSError)          neither RAM nor disk has room; what was there is kept
    |   |-- CorruptValueError (ValueError)    a stored value or receipt is not whole
    |   |-- ForeignFolderError (PermissionError)  a prompt names what is none of your contexts
    |   |-- UnopenedValueError (AttributeError)  only another process can open the value
    |   `-- UntrustedValueError (ValueError)  reading it would run code; the context is not trusted
    `-- ExecutionError (RuntimeError)         a run that did not end well
        |-- WorkerStartError                  ComfyUI was not found, or did not get ready
        |-- WorkerDied                        it went away in the middle of a run
        |-- ValidationFailed                  ComfyUI refused the prompt
        |-- NodeFailed                        a node raised
        |-- RunTimeout (TimeoutError)
        |-- RunInterrupted
        `-- RunLost                           the server no longer knows the prompt

All of them pickle: details are keyword-only attributes with a default. Each class has a `code` of
its own, which stays when the class is renamed; docs/errors.md lists them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from unicodedata import category

# The last line of errors about what a server lacks.
CHECK_HINT = (
    "`print(await discomfort.check(workflow))` tells all that is missing at once, and what to do."
)


@dataclass(frozen=True, slots=True)
class Problem:
    """One reason why a workflow can't be used, with the node that it is about."""

    reason: str
    node_id: str | None = None
    node_type: str | None = None
    title: str | None = None

    def __str__(self) -> str:
        if self.node_id is None:
            return self.reason
        name = f" {self.title!r}" if self.title and self.title != self.node_type else ""
        kind = f" ({visible(self.node_type)})" if self.node_type else ""
        return f"node {self.node_id}{name}{kind}: {self.reason}"


class DiscomfortError(Exception):
    """The root of all errors of this package.

    Their texts can always be printed. ComfyUI logs what a node raises to a stream that takes no
    lone surrogate, and its prompt thread ends at one.
    """

    code: str = "E_DISCOMFORT"

    def __str__(self) -> str:
        return printable(super().__str__())


def printable(text: str) -> str:
    """The text without lone surrogates, which no terminal and no file takes."""
    return text.encode("utf-8", errors="backslashreplace").decode("utf-8")


_UNSEEN = ("Cc", "Cf", "Cs", "Zl", "Zp")
_JOINERS = "\u200c\u200d"  # which Persian is written with, and pictures of people


def visible(text: str, keep: str = "") -> str:
    """A stranger's text on one line, with a "?" for what a terminal would obey, or nobody sees:
    control characters, ends of lines, marks that turn the direction of what follows.

    Args:
        keep: characters that may stay, as "\\n".
    """
    if text.isprintable():
        return text
    return "".join(
        "?" if category(c) in _UNSEEN and c not in keep and c not in _JOINERS else c for c in text
    )


class ConfigError(DiscomfortError, ValueError):
    """A configuration file, key or value that can't be used."""

    code = "E_CONFIG"


class WorkflowError(DiscomfortError, ValueError):
    """A workflow or prompt that can't be used.

    Args:
        message: what happened; the problems are appended, one a line.
        problems: all that was found wrong, not only the first.
        hint: what to do about all of them; the last line.
    """

    code = "E_WORKFLOW"

    def __init__(
        self,
        message: str = "",
        problems: tuple[Problem, ...] | list[Problem] = (),
        hint: str = "",
    ):
        self.problems = tuple(problems)
        self.message, self.hint = message, hint
        lines = "\n  ".join([message, *map(str, self.problems)])
        super().__init__(f"{lines}\n{hint}" if hint else lines)

    def __reduce__(self) -> Any:
        return type(self), (self.message, self.problems, self.hint), self.__dict__


class MissingInputError(WorkflowError):
    """INPUT ports that have no value; `problems` has one entry for each place."""

    code = "E_MISSING_INPUT"


class DownloadError(DiscomfortError, OSError):
    """A file was not downloaded. Nothing of it is under its name; what came is kept for the next
    try, unless it was not what was asked for.

    Attributes:
        downloads: what became of each file, where several were asked for.
    """

    code = "E_DOWNLOAD"

    downloads: Any = None


class StoreError(DiscomfortError):
    """The root of what the context raises."""

    code = "E_STORE"


class ContextNotFound(StoreError, FileNotFoundError):
    """There is no context of that run_id."""

    code = "E_CONTEXT_NOT_FOUND"


class UnknownKeyError(StoreError, KeyError):
    """Nothing is stored under that unique_id."""

    code = "E_UNKNOWN_KEY"

    def __str__(self) -> str:  # KeyError shows the repr of its argument, quotes and all
        return printable(str(self.args[0])) if self.args else ""


class StoreFullError(StoreError, OSError):
    """Neither RAM nor disk has room. What was stored before is still there."""

    code = "E_STORE_FULL"


class CorruptValueError(StoreError, ValueError):
    """A stored value or a receipt is damaged or incomplete."""

    code = "E_CORRUPT_VALUE"


class UntrustedValueError(StoreError, ValueError):
    """Reading this value would run code, and the context was opened with `trusted=False`."""

    code = "E_UNTRUSTED_VALUE"


class ForeignFolderError(StoreError, PermissionError):
    """A prompt, or a context's folder, leads to what does not belong to a context of this user."""

    code = "E_FOREIGN_FOLDER"


class UnopenedValueError(StoreError, AttributeError):
    """Something was asked of a value whose classes this process does not have."""

    code = "E_UNOPENED_VALUE"


class ExecutionError(DiscomfortError, RuntimeError):
    """A run did not end well. The worker, the context and its values can be used again."""

    code = "E_EXECUTION"

    def __init__(self, message: str = "", **details: Any):
        super().__init__(message)
        self.prompt_id: str | None = None
        self.log_path: str | None = None
        self.__dict__.update(details)


class WorkerStartError(ExecutionError):
    """ComfyUI was not found, exited at start, or did not get ready in time.

    Attributes:
        was_killed: its process was ended by a signal: it was not the configuration.
    """

    code = "E_WORKER_START"

    was_killed: bool = False


class WorkerDied(ExecutionError):
    """The worker process ended while it was needed."""

    code = "E_WORKER_DIED"

    exit_code: int | None = None
    node_id: str | None = None
    last_log_lines: tuple[str, ...] = ()


class ValidationFailed(ExecutionError):
    """ComfyUI refused the prompt, or a part of it; `problems` has ComfyUI's own words for each
    node.
    """

    code = "E_VALIDATION"

    problems: tuple[Problem, ...] = ()
    reply: dict[str, Any] | None = None


class NodeFailed(ExecutionError):
    """A node raised while it ran."""

    code = "E_NODE_FAILED"

    node_id: str | None = None
    node_type: str | None = None
    title: str | None = None
    exception_type: str | None = None
    exception_message: str | None = None
    comfy_traceback: str = ""


class RunTimeout(ExecutionError, TimeoutError):
    """The run took longer than its `timeout`. It was interrupted, or says why it may still run."""

    code = "E_TIMEOUT"


class RunInterrupted(ExecutionError):
    """Somebody interrupted the run, or removed it from the queue."""

    code = "E_RUN_INTERRUPTED"


class RunLost(ExecutionError):
    """The server no longer knows the prompt: it can't be told whether it ran."""

    code = "E_RUN_LOST"


def why_unreached(error: Exception) -> str:
    """What the system said when nobody answered, without what aiohttp writes around it.

    aiohttp's own text repeats the address, and says "ssl:default" of every server.
    """
    cause = getattr(error, "os_error", error)
    return getattr(cause, "strerror", None) or str(cause) or type(error).__name__
