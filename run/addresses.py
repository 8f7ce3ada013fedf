"""The ports that workflows have for one call: made from the names in `inputs` and `outputs`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial

from ..graph.addresses.resolve import (
    Part,
    find_meant,
    is_address,
    list_of_asked,
    names_of_nodes,
    resolve_call,
)
from ..graph.ports.missing_inputs import unknown_inputs
from ..workflows.prepare import Prepared, Preparer


def with_call_ports(
    prepared: Sequence[Prepared],
    given: Iterable[str],
    asked: Sequence[str] | None,
    preparer: Preparer,
    rules: Mapping[str, str],
) -> list[Prepared]:
    """The workflows with INPUTs at the addresses that are given, and OUTPUTs for what is asked.

    Raises:
        WorkflowError: an address names a node that has no such thing, or several nodes.
    """
    calls = resolve_call(_parts(prepared, preparer), given, asked, rules)
    return [preparer.with_call(p, call) for p, call in zip(prepared, calls, strict=True)]


def names_in(prepared: Sequence[Prepared]) -> tuple[set[str], set[str]]:
    """The addresses that are given, and the names of INPUT ports."""
    addresses = {name for p in prepared for name in p.call.inputs}
    return addresses, {name for p in prepared for name in p.ports.inputs} - addresses


def odd_names(
    prepared: Sequence[Prepared],
    called: Sequence[Prepared],
    given: Iterable[str],
    stored: Iterable[str],
    preparer: Preparer,
) -> list[str]:
    """What is to be said of names that are given or stored, and that no workflow obeys.

    Args:
        prepared: without the ports of the call.
        called: with them.
    """
    parts = _parts(prepared, preparer)
    given = list(given)
    unknown = [name for name in given if not is_address(parts, name)]
    found = [
        unknown_inputs(unknown, [(p.name, p.ports) for p in prepared], partial(find_meant, parts))
    ]
    found += [
        f"The context has a value under {name!r}, which is the address of a node's input: it is "
        f"not used. An address acts in one call: give it in inputs={{{name!r}: ...}}."
        for name in stored
        if name not in given and is_address(parts, name)
    ]
    used = {name for p in called for name in p.ports.inputs}
    had = {name for p in prepared for name in p.ports.inputs}
    found += [
        f"{name!r} is given and not used: an address gives something else to all that it feeds. "
        "Give one of the two."
        for name in given
        if name in had - used
    ]
    return [text for text in found if text is not None]


def names_in_results(prepared: Sequence[Prepared], preparer: Preparer) -> list[dict[str, str]]:
    """For each workflow: node id -> the name that an output node has in the results."""
    return names_of_nodes(_parts(prepared, preparer))


def nothing_back(prepared: Sequence[Prepared], preparer: Preparer) -> str | None:
    """What is to be said of workflows that give no value at all; None where one does.

    Args:
        prepared: with the ports of the call.
    """
    if any(p.ports.outputs for p in prepared):
        return None
    names = " and ".join(dict.fromkeys(p.name for p in prepared))
    return (
        f"No value comes back from {names}: there is no OUTPUT port, and no node shows a value. "
        f"What could be asked for with outputs=[...]: {could_be_asked(prepared, preparer)}."
    )


def could_be_asked(prepared: Sequence[Prepared], preparer: Preparer) -> str:
    """What `outputs` could name, as a text."""
    return list_of_asked(_parts(prepared, preparer))


def _parts(prepared: Sequence[Prepared], preparer: Preparer) -> list[Part]:
    return [
        Part(p.name, p.ports, p.written, preparer.info, partial(preparer.directory, p))
        for p in prepared
    ]
