"""The options of `run` that a function's calls have, set by `using`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from ..run.options import Options, RunOptions
from .closest import closest_of

if TYPE_CHECKING:
    from ..workflow_context import WorkflowContext


class CallOptions(RunOptions, total=False):
    """All options of `Discomfort.run`; see there."""

    iterations: int | None
    use_ram: bool
    context: WorkflowContext | None
    on_event: Callable[[Any], Any] | None


NAMES = ("context", "iterations", "use_ram", "on_event", *RunOptions.__annotations__)


def merged(before: CallOptions, options: Mapping[str, Any]) -> CallOptions:
    """The options with others in their places.

    Raises:
        TypeError: one that `run` has not.
    """
    for name in options:
        if name not in NAMES:
            raise TypeError(f"run() has no option {name!r}.{closest_of(name, NAMES)}")
    return CallOptions(**{**before, **options})  # type: ignore[typeddict-item]


def to_options(options: CallOptions) -> Options:
    """As the engine takes them; the context goes beside."""
    return Options(**{name: value for name, value in options.items() if name != "context"})  # type: ignore[arg-type]
