"""The door of the command line: runs one command, and makes of its end an exit code."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from . import output, signals
from .failures import DONE, INTERRUPTED, ReaderGone, UsageFailed, failure_of

_COMPLETE = "_DISCOMFORT_COMPLETE"
_NO_TYPER = (
    "The command line needs the package typer, which this Python lacks. Install it: {python} -m "
    "pip install typer"
)


def main(arguments: Sequence[str] | None = None, before_start: Any = None) -> int:
    """Run what was typed; the exit code. Whatever happens is told, never raised.

    Args:
        before_start: the handler that Ctrl+C has had until now, and need not have any more.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    output.prepare_streams()
    try:
        with signals.heeded(before_start):
            return _run(given)
    except SystemExit:  # typer's own, after --show-completion
        raise
    except BaseException as e:
        return _tell(e, given)


def _run(given: list[str]) -> int:
    try:
        import typer

        from .group import NAME, make_group
    except ModuleNotFoundError as e:
        if e.name != "typer":
            raise
        raise UsageFailed(_NO_TYPER.format(python=sys.executable)) from e
    group = make_group()
    if os.environ.get(_COMPLETE):  # a shell asks how to complete a line: typer answers
        group.main(given, prog_name=NAME, complete_var=_COMPLETE)
    usage_error: Any = typer.BadParameter.__mro__[1]  # which typer gives no name to
    try:
        with group.make_context(NAME, given) as ctx:
            result = group.invoke(ctx)
    except typer.Exit as e:
        return e.exit_code
    except typer.Abort as e:
        raise KeyboardInterrupt from e
    except usage_error as e:
        raise UsageFailed(_usage_text(e)) from e
    except BrokenPipeError as e:  # typer writes the help itself
        output.silence_output()
        raise ReaderGone("Standard output is read no longer.") from e
    return result if isinstance(result, int) else DONE


def _usage_text(error: Any) -> str:
    """Typer's own words, and where the help is."""
    if type(error).__name__ == "NoArgsIsHelpError":
        return error.ctx.get_help()
    context = getattr(error, "ctx", None)
    help_of = context.command_path if context is not None else "discomfort"
    return f"{error.format_message()}\nSee: {help_of} --help"


def _tell(error: BaseException, given: list[str]) -> int:
    """Say what went wrong: on standard error, with --json as the one object."""
    failure = failure_of(error)
    if failure.exit_code == INTERRUPTED:
        failure = replace(failure, exit_code=signals.exit_code(), message=signals.words())
    if failure.code == "E_READER_GONE":
        return failure.exit_code
    if not failure.is_expected or "--verbose" in given:
        output.say("".join(traceback.format_exception(error)).rstrip())
    if not failure.is_expected:
        output.say("This is a fault of Discomfort's own: please report it with these lines.")
    if {"--json", "--events"} & set(given):
        command = next((word for word in given if not word.startswith("-")), "")
        try:
            output.write_json({"ok": False, "command": command, "error": failure.to_json()})
        except Exception:  # there is nobody to tell; the exit code says it
            output.silence_output()
    elif not (failure.code == "E_INTERRUPTED" and signals.is_answered()):
        output.say(failure.message)
    return failure.exit_code
