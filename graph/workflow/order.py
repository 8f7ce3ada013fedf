"""Topological order of anything that has ids and links: nodes, subgraph definitions."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from ...errors import Problem, WorkflowError

K = TypeVar("K", bound="int | str")


def execution_order(
    node_ids: Iterable[K],
    links: Iterable[tuple[K, K]],
    problem_of: Callable[[K], Problem] | None = None,
    message: str = "The workflow has a cycle: these nodes wait for each other.",
) -> list[K]:
    """Sort ids so that every origin comes before its targets. Otherwise the given order is kept.

    Args:
        node_ids: all ids, in the order that decides between free ones.
        links: `(origin id, target id)`; ends that are not among the ids are ignored.
        problem_of: names a node in the error; without it the id has to do.
        message: the error's first line.

    Raises:
        WorkflowError: there is a cycle; `problems` names its members, in the order of the links.
    """
    ids = list(dict.fromkeys(node_ids))
    waits = dict.fromkeys(ids, 0)
    targets: dict[K, list[K]] = {}
    for origin, target in links:
        if origin in waits and target in waits:
            waits[target] += 1
            targets.setdefault(origin, []).append(target)
    # A stack that is filled backwards gives the file's order to nodes that do not depend on each
    # other.
    ready = [i for i in reversed(ids) if not waits[i]]
    order: list[K] = []
    while ready:
        node_id = ready.pop()
        order.append(node_id)
        for target in reversed(targets.get(node_id, ())):
            waits[target] -= 1
            if not waits[target]:
                ready.append(target)
    if len(order) < len(ids):
        cycle = _one_cycle({i for i in ids if waits[i]}, targets)
        name = problem_of or (lambda i: Problem("it depends on itself", str(i)))
        raise WorkflowError(message, [name(i) for i in cycle])
    return order


def _one_cycle(left: set[K], targets: dict[K, list[K]]) -> list[K]:
    """A cycle among nodes that all wait: walking against the links must meet one again."""
    origins: dict[K, K] = {}
    for origin in left:
        for target in targets.get(origin, ()):
            if target in left:
                origins.setdefault(target, origin)
    node_id = next(iter(sorted(left, key=str)))
    walked: dict[K, int] = {}
    path: list[K] = []
    while node_id not in walked:
        walked[node_id] = len(path)
        path.append(node_id)
        node_id = origins[node_id]
    return path[walked[node_id] :][::-1]
