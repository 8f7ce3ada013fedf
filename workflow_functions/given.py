"""The inputs of one call of a function, as `run` takes them; what is wrong with them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from ..errors import MissingInputError, Problem, printable
from .closest import closest_of
from .shape import Shape
from .words import plain, quoted


def to_names(
    shape: Shape, inputs: Mapping[str, Any], is_address: Callable[[str], bool]
) -> dict[str, Any]:
    """The inputs under the names of the ports: a port's own name wins over an identifier.

    Args:
        is_address: whether a name that is no port's names an input of a node.

    Raises:
        TypeError: an input that there is none of, with the name that is most like it; one that is
            given twice.
    """
    names = {p.name for p in shape.parameters}
    by_identifier = {p.identifier: p.name for p in shape.parameters}
    found: dict[str, Any] = {}
    for given, value in inputs.items():
        if not isinstance(given, str):
            raise TypeError(
                f"{shape.name}() takes its inputs by name: {plain(repr(given))} is none."
            )
        name = given if given in names else by_identifier.get(given)
        if name is None and is_address(given):
            name = given
        if name is None:
            known = list(dict.fromkeys([*by_identifier, *names]))
            close = closest_of(given, known)
            raise TypeError(printable(f"{shape.name}() has no input {quoted(given)}.{close}"))
        if name in found:
            raise TypeError(printable(f"{shape.name}() was given {quoted(name)} twice."))
        found[name] = value
    return found


def check_missing(shape: Shape, given: Collection[str], stored: Collection[str]) -> None:
    """See that all inputs have a value.

    Args:
        stored: what the context of the call has.

    Raises:
        MissingInputError: names all that have none.
    """
    missing = [p for p in shape.required if p.name not in given and p.name not in stored]
    if missing:
        names = ", ".join(f"{plain(p.identifier)}=..." for p in missing)
        raise MissingInputError(
            f"{shape.name}() lacks inputs that have no value in the workflow:",
            [Problem(f"{plain(p.identifier)} ({plain(p.type)})") for p in missing],
            f"Give them, {shape.name}({plain(names, 200)}), or save them to the context of "
            "using(context=...).",
        )


def refuse_unnamed(shape: Shape, unnamed: Collection[Any]) -> None:
    """Raises TypeError for inputs without a name: their order in a workflow means nothing."""
    if unnamed:
        names = ", ".join(f"{p.identifier}=..." for p in shape.parameters)
        raise TypeError(
            f"{shape.name}() takes its inputs by name: {shape.name}({plain(names, 200)})."
        )
