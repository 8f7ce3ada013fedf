"""What a sequence of workflows needs and does not get, and what is given but not needed.

Both are reported before anything runs, with the way out: which stored value would fit, which name
was meant.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence

from ...errors import MissingInputError, Problem
from .find_ports import Port, Ports
from .port_types import ANY
from .value_types import fits

_LISTED = 5
_UNKNOWN_LISTED = 10


def check_inputs(
    workflows: Sequence[tuple[str, Ports]],
    stored: Iterable[str],
    kind_of: Callable[[str], str] = lambda unique_id: ANY,
) -> None:
    """See that every INPUT of a sequence of workflows gets a value: a stored one, or an OUTPUT.

    Args:
        workflows: (name, ports) in the order of the run.
        stored: the unique_ids that have a value before the first of them: stored, or given.
        kind_of: the ComfyUI type of what is stored; only called if something is missing.

    Raises:
        MissingInputError: every missing unique_id with its type, where it is used, and the stored
            values that would fit.
    """
    missing = find_missing(workflows, stored)
    if not any(missing):
        return
    kinds = {unique_id: kind_of(unique_id) for unique_id in stored}
    problems = []
    for (name, ports), unique_ids in zip(workflows, missing, strict=True):
        problems += [Problem(_describe(name, uid, ports, kinds)) for uid in unique_ids]
        kinds |= {uid: port.type for uid, port in ports.stored.items()}
    raise MissingInputError(
        "These INPUT ports have no value. Pass them in inputs={...}, save them to the "
        "context, or run a workflow first that outputs them:",
        problems,
    )


def find_missing(
    workflows: Sequence[tuple[str, Ports]], stored: Iterable[str]
) -> list[tuple[str, ...]]:
    """For each workflow the unique_ids that nothing meets, and that have no default."""
    known = set(stored)
    missing = []
    for _, ports in workflows:
        unmet = (uid for uid in ports.inputs if uid not in known)
        missing.append(tuple(uid for uid in unmet if ports.default(uid) is None))
        known |= ports.stored.keys()
    return missing


def find_fitting(unique_id: str, wanted: str, kinds: Mapping[str, str]) -> list[str]:
    """The keys among `kinds` (key -> type) whose value could be given, the likeliest first."""
    keys = [key for key, kind in kinds.items() if key != unique_id and fits(kind, wanted)]
    close = difflib.get_close_matches(unique_id, keys, n=len(keys) or 1, cutoff=0)
    return sorted(keys, key=close.index)


def _describe(name: str, unique_id: str, ports: Ports, kinds: Mapping[str, str]) -> str:
    wanted = ports.input_type(unique_id)
    where = "; ".join(map(_describe_port, ports.inputs[unique_id]))
    text = f"{unique_id!r} of type {wanted} in {name} ({where})"
    if reason := ports.inputs[unique_id][0].no_default:
        text += f": {reason}"
    close = difflib.get_close_matches(unique_id, sorted(kinds), n=1)
    if close:
        text += f". Did you mean {close[0]!r}, which has a value?"
    fitting = [] if wanted == ANY else find_fitting(unique_id, wanted, kinds)
    if fitting:
        shown = ", ".join(f"{key!r} ({kinds[key]})" for key in fitting[:_LISTED])
        more = len(fitting) - _LISTED
        shown += f" and {more} more" if more > 0 else ""
        text += f"{'' if close else '.'} What has a value and would fit: {shown}"
    return text


def _describe_port(port: Port) -> str:
    feeds = ", ".join(f"node {use.node_id}.{use.input_name}" for use in port.uses)
    text = f"port {port.node_id}" + (f" feeding {feeds}" if feeds else "")
    if port.cut is None:
        return text if feeds else f"{text}, connected to nothing"
    how, remedy = ("muted", "unmute it") if port.cut.is_muted else ("bypassed", "end its bypass")
    return (
        f"{text}, whose link comes from node {port.cut.node_id} {port.cut.title!r}, which is "
        f"{how}: {remedy}, or give a value"
    )


def unknown_inputs(
    given: Iterable[str],
    workflows: Sequence[tuple[str, Ports]],
    meant: Callable[[str], str | None] = lambda name: None,
) -> str | None:
    """The warning for given inputs that no workflow has a port for; None: there are none.

    Args:
        meant: finds what else a name may mean, that is like no port's.
    """
    known = sorted({uid for _, ports in workflows for uid in ports.inputs})
    unknown = [uid for uid in given if uid not in known]
    if not unknown:
        return None
    shown = [_with_meant(uid, known, meant) for uid in unknown[:_UNKNOWN_LISTED]]
    more = len(unknown) - len(shown)
    shown += [f"and {more} more"] if more else []
    what, end = ("an INPUT port", "it is") if len(unknown) == 1 else ("INPUT ports", "they are")
    return (
        f"No workflow of this run has {what} {', '.join(shown)}; {end} stored but not used. "
        f"Known inputs: {', '.join(map(repr, known)) or 'none'}."
    )


def _with_meant(unique_id: str, known: Sequence[str], meant: Callable[[str], str | None]) -> str:
    close = next(iter(difflib.get_close_matches(unique_id, known, n=1)), None) or meant(unique_id)
    return f"{unique_id!r}" + (f" (did you mean {close!r}?)" if close else "")
