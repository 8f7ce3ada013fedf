"""Behind `discomfort run`: values by their ports' types, the run, its results.

With --watch again whenever a file has changed.
"""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..run.stop_condition import Condition
from ..workflows.files import is_json_text
from . import output
from .events_as_json import event_as_json
from .failures import NO_COMFYUI, READER_GONE, Failure, failure_of
from .known_inputs import KnownInputs, find_inputs
from .progress import is_bar_shown
from .typed_values import Assignment, check_names, value_of_text
from .value_files import ValueFile, find_files, read_value
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
    how: RunChoice
    output: OutputChoice
    is_json: bool

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
            yield find_files(self.given, Path(folder), self.how.allow_pickle)

    @property
    def workflow_files(self) -> list[Path]:
        return [Path(w).expanduser() for w in self.workflows if not is_json_text(w)]

    @property
    def where(self) -> Where:
        folder = self.output.output
        return Where(Path(folder).expanduser() if folder else None, self.output.force)


def _no_file(name: str) -> str:
    hint = "" if "." in name or "/" in name else f" A value is written as {name}=..."
    return f"There is no workflow file {name}. Check the path.{hint}"


async def run_typed(discomfort: Discomfort, typed: Typed, files: Mapping[str, ValueFile]) -> None:
    """Run once; with --watch, again whenever a file has changed."""
    if not typed.how.watch:
        await _run_once(discomfort, typed, files)
        return
    paths = [*typed.workflow_files, *(file.path for file in files.values())]
    while True:
        stamps = stamps_of(paths)
        await _try_once(discomfort, typed, files)
        output.say(f"Waiting for a change of {', '.join(map(str, paths))}; Ctrl+C ends.")
        await wait_for_change(stamps)


async def _try_once(discomfort: Discomfort, typed: Typed, files: Mapping[str, ValueFile]) -> None:
    """A run of many: what went wrong in it is told, and the next may go well."""
    try:
        await _run_once(discomfort, typed, files)
    except Exception as e:
        failure = failure_of(e)
        is_final = failure.exit_code in (READER_GONE, NO_COMFYUI) or not failure.is_expected
        if is_final:
            raise
        _tell(failure, typed.is_json)


def _tell(failure: Failure, is_json: bool) -> None:
    if is_json:
        output.write_json({"ok": False, "command": "run", "error": failure.to_json()})
    else:
        output.say(failure.message)


async def _run_once(discomfort: Discomfort, typed: Typed, files: Mapping[str, ValueFile]) -> None:
    known = await find_inputs(discomfort, typed.workflows, [one.name for one in typed.given])
    check_names([one.name for one in typed.given], list(known.kinds))
    inputs = await asyncio.to_thread(_values, typed.given, files, known)
    how, until = typed.how, _Until(typed.how.until, known)
    iterations = how.iterations or (None if how.until else 1)
    began = time.monotonic()
    results = await discomfort.run(
        list(typed.workflows),
        inputs,
        iterations,
        until=until.is_over,
        on_event=_print_event if typed.output.events else None,
        progress=is_bar_shown(),
        timeout=how.timeout,
        retries=how.retries,
        randomize_seeds=how.randomize_seeds,
        seed=how.seed,
        record=how.record,
        outputs=how.want or None,
        api_nodes=False if how.no_api_nodes else None,
    )
    seconds = time.monotonic() - began
    described = await asyncio.to_thread(write_results, results, typed.where)
    fields = {
        "workflows": list(typed.workflows),
        "results": described,
        "iterations": until.iterations,
        "seconds": round(seconds, 3),
    }
    if typed.output.events:
        fields["event"] = "finished"
    text = "\n".join(describe(name, about) for name, about in described.items())
    output.answer(typed.is_json, "run", text, fields)


def _values(
    given: tuple[Assignment, ...], files: Mapping[str, ValueFile], known: KnownInputs
) -> dict[str, Any]:
    values = {}
    for one in given:
        kind, choices = known.kinds[one.name], known.choices.get(one.name)
        if one.text is not None:
            values[one.name] = value_of_text(one.name, one.text, kind, choices)
        else:
            values[one.name] = read_value(files[one.name], kind, choices)
    return values


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
