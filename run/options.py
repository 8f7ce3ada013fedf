"""How a run is to go: the options of `Discomfort.run`, and what is wrong with them."""

from __future__ import annotations

import inspect
import numbers
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypedDict

from ..context.context_store import check_unique_id
from ..system.login import Login


@dataclass(frozen=True, slots=True)
class Options:
    """How a run is to go; see `Discomfort.run`.

    Attributes:
        keeps_results: store what is a result only, too: for a context of the caller's own.
    """

    iterations: int | None = 1
    use_ram: bool = True
    until: Callable[[Any], Any] | None = None
    on_event: Callable[[Any], Any] | None = None
    progress: bool | None = None
    timeout: float | None = None
    retries: int = 0
    randomize_seeds: bool = False
    seed: int | None = None
    record: bool | str | None = None
    outputs: Sequence[str] | None = None
    keeps_results: bool = False
    api_nodes: bool | None = None
    login: Login | None = None  # of who asked, in the editor; None: the worker's own


class RunOptions(TypedDict, total=False):
    """The options of `Discomfort.run` that `stream` hands on; see there."""

    until: Callable[[Any], Any] | None
    progress: bool | None
    timeout: float | None
    retries: int
    randomize_seeds: bool
    seed: int | None
    record: bool | str | None
    outputs: Sequence[str] | None
    api_nodes: bool | None


def check_stream_options(options: Mapping[str, Any]) -> None:
    """Raises TypeError for what `stream` does not take."""
    if "on_event" in options:
        raise TypeError("stream() has no on_event: its loop is what gets the events.")
    unknown = [name for name in options if name not in RunOptions.__annotations__]
    if unknown:
        raise TypeError(
            f"stream() has no option {unknown[0]!r}. It takes those of run(): "
            f"{', '.join(RunOptions.__annotations__)}."
        )


def check_options(options: Options) -> None:
    """Raises TypeError or ValueError for an argument that can't be used, with what it may be."""
    n = options.iterations
    if n is None:
        if options.until is None:
            raise ValueError("iterations=None needs until=...: nothing else would end the run.")
    elif not _is_whole(n):
        raise TypeError(f"iterations must be a whole number or None, not {n!r}.")
    elif n < 1:
        raise ValueError(f"iterations must be 1 or more, not {n}.")
    for name in ("until", "on_event"):
        value = getattr(options, name)
        if value is not None and not callable(value):
            raise TypeError(f"{name} must be a function, not {value!r}.")
    if inspect.iscoroutinefunction(options.on_event):
        raise TypeError(
            "on_event must be a plain function: a run does not wait for its listeners. Start "
            "a task in it for what takes time."
        )
    timeout = options.timeout
    if timeout is not None and (not isinstance(timeout, numbers.Real) or isinstance(timeout, bool)):
        raise TypeError(f"timeout must be a number of seconds or None, not {timeout!r}.")
    if timeout is not None and not timeout > 0:
        raise ValueError(f"timeout must be more than 0 seconds, not {timeout!r}.")
    if not _is_whole(options.retries):
        raise TypeError(f"retries must be a whole number, not {options.retries!r}.")
    if options.retries < 0:
        raise ValueError(f"retries must be 0 or more, not {options.retries!r}.")
    check_record(options.record)
    check_outputs(options.outputs)
    if options.seed is not None and not _is_whole(options.seed):
        raise TypeError(f"seed must be a whole number or None, not {options.seed!r}.")
    check_api_nodes(options.api_nodes)
    for name, values in (
        ("use_ram", (bool,)),
        ("randomize_seeds", (bool,)),
        ("progress", (bool, type(None))),
    ):
        value = getattr(options, name)
        if not isinstance(value, values):
            raise TypeError(f"{name} must be True or False, not {value!r}.")


def check_outputs(outputs: Any) -> None:
    """Raises TypeError for an `outputs=` that can't be used."""
    if outputs is None:
        return
    if isinstance(outputs, str) or not isinstance(outputs, Sequence):
        raise TypeError(
            f'outputs must be a list of names, as ["VAE Decode.IMAGE"], not {outputs!r}.'
        )
    for name in outputs:
        if not isinstance(name, str) or not name.strip():
            raise TypeError(f'outputs must be names, as "VAE Decode.IMAGE"; {name!r} is none.')


def _is_whole(value: Any) -> bool:
    """Also numpy's integers."""
    return isinstance(value, numbers.Integral) and not isinstance(value, bool)


def check_record(record: Any) -> None:
    """Raises TypeError for a `record=` that can't be used."""
    if record is not None and not isinstance(record, (bool, str)):
        raise TypeError(f"record must be True, False, None or a title, not {record!r}.")


def check_api_nodes(api_nodes: Any) -> None:
    """Raises TypeError for an `api_nodes=` that can't be used."""
    if api_nodes is not None and not isinstance(api_nodes, bool):
        raise TypeError(f"api_nodes must be True, False or None, not {api_nodes!r}.")


def check_given(inputs: Mapping[str, Any] | None) -> dict[str, Any]:
    """The `inputs` of a run; TypeError for what can't be some."""
    if inputs is None:
        return {}
    if not isinstance(inputs, Mapping):
        raise TypeError(
            f"inputs must be a dict of unique_id to value, not {type(inputs).__name__}."
        )
    for unique_id in inputs:
        check_unique_id(unique_id)
    return dict(inputs)
