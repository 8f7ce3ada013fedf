"""What a reply or an end that is no success means: ComfyUI's words -> our errors. Pure."""

from __future__ import annotations

import errno
from collections.abc import Mapping
from typing import Any

from ..errors import ExecutionError, NodeFailed, Problem, RunInterrupted, ValidationFailed
from .events import Done
from .runs import name_of

# As they stand in messages; what Windows says has no number of its own there.
_NO_ROOM = (
    *(f"[Errno {n}]" for n in (errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC))),
    "[WinError 112]",
    "No space left on device",
)


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
    what = "ComfyUI refused the prompt:" if status != 200 else (
        "ComfyUI would run only a part of the prompt, so nothing of it was run:"
    )  # fmt: skip
    lines = "\n".join(f"  {problem}" for problem in problems)
    return ValidationFailed(f"{what}\n{lines}", problems=tuple(problems), reply=reply)


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


def ended_badly(prompt: Mapping[str, Any], done: Done, log_path: str | None) -> ExecutionError:
    """The error for a run that ended as `error` or `interrupted`."""
    details = done.details
    node_id = str(details["node_id"]) if details.get("node_id") is not None else None
    node_type, title = name_of(prompt, node_id)
    node_type = node_type or str(details.get("node_type") or "")
    where = str(Problem("", node_id, node_type, title)).rstrip(": ") if node_id else "a node"
    if done.status == "interrupted":
        return RunInterrupted(
            f"The run was interrupted at {where}.", prompt_id=done.prompt_id, log_path=log_path
        )
    message = str(details.get("exception_message") or "").strip()
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
        comfy_traceback="".join(details.get("traceback") or ()),
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
