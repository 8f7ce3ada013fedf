"""Behind `discomfort run`: values by their ports' types, the run, its results.

With --watch again whenever a file has changed.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..run.stop_condition import Condition
from ..workflows.files import is_json_text
from . import output
from .events_as_json import event_as_json
from .failures import NO_COMFYUI, READER_GONE, UsageFailed, failure_of
from .known_inputs import KnownInputs
from .typed_inputs import inputs_of
from .typed_values import Assignment, split_words
from .value_files import ValueFile, find_files
from .watch import stamps_of, wait_for_change
from .writing import Where, describe, write_results

if TYPE_CHECKING:
    from ..discomfort import Discomfort
    from ..workflow_context import WorkflowContext
    from .commands.run import OutputChoice, RunChoice


@dataclass(frozen=True, slots=True)
class Typed:
    """What was typed, as far as it can be understood without ComfyUI."""

    workflows: tuple[str, ...]
    given: tuple[Assignment, ...]
    allows_pickle: bool = False

    @classmethod
    def of_words(cls, words: Sequence[str], allows_pickle: bool) -> Typed:
        """Raises UsageFailed: says what is to be typed."""
        workflows, given = split_words(words)
        return cls(tuple(workflows), tuple(given), allows_pickle)

    @contextlib.contextmanager
    def files(self) -> Iterator[Mapping[str, ValueFile]]:
        """The files of values. What is not there is found before anything starts.

        Raises:
            FileNotFoundError, UntrustedValueError: a file that can't be used.
        """
        for path in self.workflow_files:
            if not path.exists():
                raise FileNotFoundError(_no_file(str(path)))
        with tempfile.TemporaryDirectory(prefix="discomfort-") as folder:
            yield find_files(self.given, Path(folder), self.allows_pickle)

    @property
    def workflow_files(self) -> list[Path]:
        return [Path(w).expanduser() for w in self.workflows if not is_json_text(w)]


@dataclass(frozen=True, slots=True)
class Asked:
    """How to run, and where results go."""

    how: RunChoice
    output: OutputChoice
    is_json: bool

    @property
    def where(self) -> Where:
        folder = self.output.output
        if folder == "":
            raise UsageFailed("-o names no folder. Name one, or leave out the option.")
        return Where(Path(os.path.expanduser(folder)) if folder else None, self.output.force)


def _no_file(name: str) -> str:
    hint = "" if "." in name or "/" in name else f" A value is written as {name}=..."
    return f"There is no workflow file {name}. Check the path.{hint}"


async def run_typed(
    discomfort: Discomfort, typed: Typed, files: Mapping[str, ValueFile], asked: Asked
) -> None:
    """Run once; with --watch, again whenever a file has changed."""
    if not asked.how.watch:
        await _run_once(discomfort, typed, files, asked)
        return
    paths = [*typed.workflow_files, *(file.path for file in files.values())]
    while True:
        stamps = stamps_of(paths)
        try:
            await _run_once(discomfort, typed, files, asked)
        except Exception as e:
            _go_on_after(e, asked.is_json)
        output.say(f"Waiting for a change of {', '.join(map(str, paths))}; Ctrl+C ends.")
        await wait_for_change(stamps)


def _go_on_after(error: Exception, is_json: bool) -> None:
    """Tell what went wrong in a run of many: the next may go well. Raises what none survives."""
    failure = failure_of(error)
    if failure.exit_code in (READER_GONE, NO_COMFYUI) or not failure.is_expected:
        raise error
    if is_json:
        output.write_json({"ok": False, "command": "run", "error": failure.to_json()})
    else:
        output.say(failure.message)


async def _run_once(
    discomfort: Discomfort, typed: Typed, files: Mapping[str, ValueFile], asked: Asked
) -> None:
    how = asked.how
    inputs, known = await inputs_of(discomfort, typed.workflows, typed.given, files)
    until = _Until(how.until, known)
    began = time.monotonic()
    results = await discomfort.run(
        list(typed.workflows),
        inputs,
        how.iterations or (None if how.until else 1),
        until=until.is_over,
        on_event=_print_event if asked.output.events else None,
        timeout=how.timeout,
        retries=how.retries,
        randomize_seeds=how.randomize_seeds,
        seed=how.seed,
        record=how.record,
        outputs=how.want or None,
        api_nodes=False if how.no_api_nodes else None,
    )
    seconds = time.monotonic() - began
    described = await asyncio.to_thread(write_results, results, asked.where)
    for note in described.notes:
        output.say(note)
    text = "\n".join(describe(name, about) for name, about in described.results.items())
    if described.problems and not asked.is_json:
        output.answer(False, "run", text, {})
    described.check()
    fields = {
        "workflows": list(typed.workflows),
        "results": described.results,
        "iterations": until.iterations,
        "seconds": round(seconds, 3),
    }
    if asked.output.events:
        fields["event"] = "finished"
    output.answer(asked.is_json, "run", text, fields)


def _print_event(event: Any) -> None:
    output.write_json(event_as_json(event))


class _Until:
    """Counts iterations, and says when they are enough.

    Args:
        text: the condition; None: nothing ends them early.

    Raises:
        WorkflowError: it can't be read, or names what is no port.
    """

    def __init__(self, text: str | None, known: KnownInputs):
        self.iterations = 0
        names = dict.fromkeys((*known.kinds, *known.outputs))
        self._condition = Condition(text, names) if text else None

    def is_over(self, context: WorkflowContext) -> bool:
        self.iterations += 1
        return self._condition is not None and self._condition.is_met(self.iterations, context.load)
