"""What an address names: `"KSampler.seed"`, `"6.text"`, `"57:27.text"`, `"VAE Decode.IMAGE"`.

A node is looked up by its id, then by its title, then by its class; the first that has a match
decides. Every dot is tried as the border, since titles and inputs have dots.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from ...errors import Problem
from ..ports.connections import Use
from ..prompt import Source
from .directory import Directory, NamedNode
from .shown_values import shown_inputs

_LISTED = 12
_LONGEST = 200  # characters of a name that is looked at for what is like it
_NAMES: tuple[Callable[[NamedNode], str], ...] = (
    lambda node: node.id,
    lambda node: node.title,
    lambda node: node.class_type,
)


class Refused(NamedTuple):
    """A node is named, but what is asked of it can't be had: why not.

    `is_lacking`: no node of that name has it; else it is there more than once.
    """

    problems: tuple[Problem, ...]
    is_lacking: bool = False


class _Named(NamedTuple):
    """A reading of an address: a node, and what is asked of it ("" for the node alone)."""

    node: NamedNode
    name: str


def find_input(directory: Directory, address: str) -> tuple[Use, ...] | Refused | None:
    """The inputs that an address names; None where no node is named.

    Several are those that one widget of a subgraph instance, or one PrimitiveNode, feeds.
    """
    named = _readings(directory, address)
    if not named:
        return None
    found = [(n, uses) for n in _active(named) if (uses := directory.uses(n.node, n.name))]
    if len(found) == 1:
        return found[0][1]
    if found:
        return _several(address, [n for n, _ in found])
    return _no_such(address, named, lambda node: _input_names(directory, node), "input")


def find_output(directory: Directory, address: str) -> Source | Refused | None:
    """The output that an address names: `"node.output"`, or the node alone if it has one output,
    or shows or saves one value; None where no node is named.
    """
    named = _readings(directory, address, is_alone=True)
    if not named:
        return None
    found = [(n, sources) for n in _active(named) if (sources := _sources(directory, n))]
    if len(found) == 1 and len(found[0][1]) == 1:
        return found[0][1][0]
    if len(found) == 1:
        node = found[0][0].node
        asked = _several_outputs(directory, node)
        return Refused((node.problem(f"{address!r} names several of its outputs: {asked}"),))
    if found:
        return _several(address, [n for n, _ in found])
    return _no_such(address, named, lambda node: _output_names(directory, node), "output")


def closest(directory: Directory, address: str) -> str | None:
    """The address of an input that is most like one that names no node."""
    if len(address) > _LONGEST:
        return None
    known = [
        f"{name(node)}.{input_name}"
        for node in directory.nodes
        if not node.idle
        for name in _NAMES[1:]
        for input_name in node.inputs
        if len(name(node)) <= _LONGEST
    ]
    return next(iter(difflib.get_close_matches(address, known, n=1, cutoff=0.75)), None)


def _readings(directory: Directory, address: str, is_alone: bool = False) -> list[_Named]:
    """All readings of an address by the first kind of name that any node has."""
    for name_of in _NAMES:
        named = []
        for node in directory.nodes:
            name = name_of(node)
            # By the node's name, not by the dots: a title may have thousands of them.
            if name and address.startswith(f"{name}.") and len(address) > len(name) + 1:
                named.append(_Named(node, address[len(name) + 1 :]))
            elif is_alone and name == address:
                named.append(_Named(node, ""))
        if named:
            return named
    return []


def _active(named: Sequence[_Named]) -> Iterator[_Named]:
    return (n for n in named if not n.node.idle)


def _sources(directory: Directory, named: _Named) -> tuple[Source, ...]:
    if named.name:
        return directory.sources(named.node, named.name)
    if directory.is_output_node(named.node):
        return tuple(s for _, s in shown_inputs(directory.prompt, directory.info, named.node.id))
    return tuple(source for _, source in named.node.outputs)


def _several(address: str, named: Sequence[_Named]) -> Refused:
    reason = f"{address!r} may be this one; with its id it is: "
    return Refused(tuple(n.node.problem(f"{reason}{_by_id(n)!r}") for n in named))


def _by_id(named: _Named) -> str:
    return f"{named.node.id}.{named.name}" if named.name else named.node.id


def _several_outputs(directory: Directory, node: NamedNode) -> str:
    return ", ".join(repr(f"{node.id}.{name}") for name in _output_names(directory, node))


def _no_such(
    address: str,
    named: Sequence[_Named],
    names_of: Callable[[NamedNode], list[str]],
    what: str,
) -> Refused:
    """Why none of the nodes has what is asked of it."""
    active = list(_active(named))
    problems = []
    for node, name in active or named:
        if node.idle:
            remedy = "unmute it" if node.idle == "muted" else "end its bypass"
            problems.append(
                node.problem(f"{address!r}: it is {node.idle} and does not run; {remedy}")
            )
            continue
        known = names_of(node)
        close = difflib.get_close_matches(name, known, n=1)
        meant = f" Did you mean {close[0]!r}?" if close else ""
        listed = ", ".join(map(repr, known[:_LISTED])) or "none"
        more = f" and {len(known) - _LISTED} more" if len(known) > _LISTED else ""
        asked = f"it has no {what} {name!r}" if name else f"it has no {what} that gives a value"
        problems.append(node.problem(f"{asked}.{meant} It has: {listed}{more}"))
    return Refused(tuple(problems), is_lacking=True)


def _input_names(directory: Directory, node: NamedNode) -> list[str]:
    labels = (label for label, name in node.labels.items() if name in node.inputs)
    return list(dict.fromkeys([*node.inputs, *labels]))


def _output_names(directory: Directory, node: NamedNode) -> list[str]:
    if directory.is_output_node(node):
        return [name for name, _ in shown_inputs(directory.prompt, directory.info, node.id)]
    names = [names[0] if names else str(i) for i, (names, _) in enumerate(node.outputs)]
    return [n if names.count(n) == 1 else str(i) for i, n in enumerate(names)]
