"""What a reply or an end that is no success means: ComfyUI's words -> our errors. Pure."""

from __future__ import annotations

import errno
import re
from collections.abc import Mapping
from typing import Any

from ...errors import (
    CHECK_HINT,
    ExecutionError,
    NodeFailed,
    Problem,
    RunInterrupted,
    RunTimeout,
    ValidationFailed,
    WorkerDied,
    printable,
)
from .cancel import GRACE_S, Left
from .events import Done
from .run_state import RunState, blamed_node, name_of

# As they stand in messages; what Windows says has no number of its own there.
_NO_ROOM = (
    *(f"[Errno {n}]" for n in (errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC))),
    "[WinError 112]",
    "No space left on device",
)
_FILE_NAME = re.compile(r"\.[A-Za-z0-9]{2,12}( \[\w+\])?$")


def refused(prompt: Mapping[str, Any], status: int, reply: Any, text: str = "") -> ValidationFailed:
    """The error for a reply to POST /prompt that is not a plain acceptance.

    Args:
        reply: the parsed body: `{"error", "node_errors"}` of a 400, or a 200 with `node_errors`.
        text: the body as it came, for what is no JSON (413, a proxy's page).
    """
    if not isinstance(reply, dict):
        reason = text.strip()[:500] or "no reason given"
        return ValidationFailed(
            f"ComfyUI refused the prompt with status {status}: {reason}."
            + (" It is larger than --max-upload-size." if status == 413 else "")
        )
    problems = _node_problems(prompt, reply.get("node_errors") or {})
    general = _general_problem(prompt, reply.get("error"))
    if general is not None and (not problems or general.node_id is not None):
        problems.insert(0, general)
    what = "ComfyUI refused the prompt:"
    if status == 200:
        what = "ComfyUI would run only a part of the prompt, so nothing of it was run:"
    lines = [f"  {problem}" for problem in problems]
    if _names_what_is_missing(reply):
        lines.append(CHECK_HINT)
    return ValidationFailed("\n".join([what, *lines]), problems=tuple(problems), reply=reply)


def _names_what_is_missing(reply: Mapping[str, Any]) -> bool:
    """Whether a node's class, or a file that a node names, is not there."""
    of_nodes = reply.get("node_errors")
    of_nodes = of_nodes.values() if isinstance(of_nodes, dict) else ()
    errors = [reply.get("error"), *(e for about in of_nodes for e in about.get("errors") or [])]
    return any(_is_about_absence(error) for error in errors if isinstance(error, dict))


def _is_about_absence(error: Mapping[str, Any]) -> bool:
    kind, told = error.get("type"), error.get("details")
    if kind == "value_not_in_list":
        told = (error.get("extra_info") or {}).get("received_value")
    elif (
        kind != "custom_validation_failed"
    ):  # which ends with the name: "Invalid image file: a.png"
        return kind == "missing_node_type"
    return isinstance(told, str) and _FILE_NAME.search(told) is not None


def _node_problems(prompt: Mapping[str, Any], node_errors: Any) -> list[Problem]:
    problems: list[Problem] = []
    if not isinstance(node_errors, dict):
        return problems
    for node_id, about in node_errors.items():
        node_type, title = name_of(prompt, str(node_id))
        for error in about.get("errors") or []:
            problems.append(
                Problem(_words(error), str(node_id), node_type or about.get("class_type"), title)
            )
    return problems


def _general_problem(prompt: Mapping[str, Any], error: Any) -> Problem | None:
    if isinstance(error, str):
        return Problem(error)
    if not isinstance(error, dict):
        return None
    extra = error.get("extra_info") or {}
    node_id = extra.get("node_id")
    if node_id is None:
        return Problem(_words(error))
    node_type, title = name_of(prompt, str(node_id))
    return Problem(_words(error), str(node_id), node_type or extra.get("class_type"), title)


def _words(error: Mapping[str, Any]) -> str:
    parts = [str(error.get(key) or "").strip() for key in ("message", "details")]
    words = ": ".join(part for part in parts if part)
    return words or str(error.get("type") or "no reason given")


def ended_badly(state: RunState, done: Done, log_path: str | None) -> ExecutionError:
    """The error for a run that ended as `error` or `interrupted`."""
    details = done.details
    named = str(details["node_id"]) if details.get("node_id") is not None else None
    node_id = blamed_node(state, named)
    node_type, title = name_of(state.prompt, node_id)
    node_type = node_type or str(details.get("node_type") or "")
    where = str(Problem("", node_id, node_type, title)).rstrip(": ") if node_id else "a node"
    if done.status == "interrupted":
        return RunInterrupted(
            f"The run was interrupted at {where}.", prompt_id=done.prompt_id, log_path=log_path
        )
    message = printable(str(details.get("exception_message") or "").strip())
    kind = str(details.get("exception_type") or "an error")
    return NodeFailed(
        f"{where} raised {kind}: {message}{_hint(message)}",
        prompt_id=done.prompt_id,
        log_path=log_path,
        node_id=node_id,
        node_type=node_type or None,
        title=title or None,
        exception_type=kind,
        exception_message=message,
        comfy_traceback=printable("".join(details.get("traceback") or ())),
    )


def _hint(message: str) -> str:
    """What to do about the few failures that have nothing to do with the workflow."""
    if any(words in message for words in _NO_ROOM):
        return (
            "\nThe worker found no room on the disk. Free some, or move its folders: TMPDIR (TEMP "
            "on Windows) is where its own and those of contexts lie, OUTPUT_DIRECTORY in "
            "comfy_serverless.json is where SaveImage saves. What was saved before is still there."
        )
    return ""


def runs_nothing(base_url: str, reason: str, state: RunState | None) -> WorkerDied:
    """The error for a run of a ComfyUI that is not ours, whose prompt thread has ended.

    Args:
        reason: what it ended with.
        state: None: it was to begin.
    """
    node_id = state.current_node if state else None
    where = ""
    if state is not None and node_id is not None:
        where = f" while {Problem('', node_id, *name_of(state.prompt, node_id))}".rstrip(": ")
        where += " ran"
    return WorkerDied(
        says_nothing_runs(base_url, reason, where),
        prompt_id=state.prompt_id if state else None,
        node_id=node_id,
    )


def says_nothing_runs(base_url: str, reason: str, where: str = "") -> str:
    """What has happened to a ComfyUI whose prompt thread has ended, and what to do."""
    return (
        f"The ComfyUI at {base_url} takes prompts, but runs nothing any more: its prompt thread "
        f"ended{where} ({reason}). Restart that ComfyUI, then run again; its log says more."
    )


def timed_out(
    state: RunState, why: str, left: Left, is_ours: bool, log_path: str | None
) -> RunTimeout:
    """The error for a run whose time is over.

    Args:
        why: which limit it was.
        left: what became of its prompt.
        is_ours: the server is one that we may end.
    """
    at = f" while node {state.current_node} ran" if state.current_node else ""
    return RunTimeout(
        f"The run took too long{at}: {why}. {_what_is_left(left, is_ours)}",
        prompt_id=state.prompt_id,
        log_path=log_path,
    )


def never_sent(is_ours: bool, log_path: str | None) -> RunTimeout:
    """The error for a run whose time is over before its prompt could be sent."""
    return RunTimeout(
        "The run took too long: it was not even queued, since the worker is not done with one "
        f"that was given up before. {_what_is_left(Left.RUNNING, is_ours)}",
        log_path=log_path,
    )


def _what_is_left(left: Left, is_ours: bool) -> str:
    if left is Left.GONE:
        return (
            "It was ended; the worker can be used again. Pass a larger timeout=, if it needs more."
        )
    if is_ours:
        end = (
            f"Wait: a worker that is not done with it in {GRACE_S:.0f} s is ended, and the next "
            "run starts a new one. shutdown() or kill_api() ends it at once"
        )
    else:
        end = "Wait, or end that ComfyUI and start it again"
    what = "The worker does not answer" if left is Left.SILENT else "It is being ended"
    return f"{what}, and what it was doing may still run. {end}."
