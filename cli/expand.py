"""Options that several commands share: a parameter that is a dataclass becomes its fields.

@dataclass(frozen=True, slots=True)
class Choice:
    device: Annotated[int | None, typer.Option(help="...")] = None

@expanded
def run(workflow: ..., choice: Choice) -> int: ...      # has the option --device
"""

from __future__ import annotations

import dataclasses
import functools
import inspect
from collections.abc import Callable, Iterator
from typing import Any, get_type_hints


def expanded(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function with the fields of its dataclasses as parameters of its own."""
    hints = get_type_hints(function, include_extras=True)
    groups: dict[str, Any] = {n: k for n, k in hints.items() if dataclasses.is_dataclass(k)}

    @functools.wraps(function)
    def call(**given: Any) -> Any:
        for name, kind in groups.items():
            given[name] = kind(**{f.name: given.pop(f.name) for f in dataclasses.fields(kind)})
        return function(**given)

    parameters = list(_parameters(function, hints))
    call.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    call.__annotations__ = {p.name: p.annotation for p in parameters}
    return call


def _parameters(function: Callable[..., Any], hints: dict[str, Any]) -> Iterator[inspect.Parameter]:
    for name, parameter in inspect.signature(function).parameters.items():
        kind = hints[name]
        if not dataclasses.is_dataclass(kind):
            yield parameter.replace(annotation=kind, kind=parameter.KEYWORD_ONLY)
            continue
        own = get_type_hints(kind, include_extras=True)
        for field in dataclasses.fields(kind):
            has_default = field.default is not dataclasses.MISSING
            yield inspect.Parameter(
                field.name,
                inspect.Parameter.KEYWORD_ONLY,
                default=field.default if has_default else inspect.Parameter.empty,
                annotation=own[field.name],
            )
