"""Feed the converter broken workflows: nothing but a WorkflowError may come out, and in time.

    python bench/fuzz_conversion.py [--seconds 60] [--seed 0]

Each round takes a workflow of the oracle and breaks it: wrong types anywhere, parts cut out,
doubled or moved, ids exchanged, text cut off. Prints each new kind of failure with the seed that
repeats it; exit status 1 if there was one.
"""

from __future__ import annotations

import argparse
import copy
import json
import random
import sys
import time
import traceback
from collections import Counter
from pathlib import Path
from typing import Any

import _project  # noqa: F401
from custom_nodes.discomfort.errors import WorkflowError
from custom_nodes.discomfort.graph.convert.draw_seeds import Draw
from custom_nodes.discomfort.graph.convert.flatten import flatten
from custom_nodes.discomfort.graph.convert.to_prompt import convert
from custom_nodes.discomfort.graph.node_classes.widgets import index_object_info
from custom_nodes.discomfort.graph.workflow.parse import parse_workflow
from support.oracle import cases, object_info

SLOW_S = 2.0


def deep(levels: int) -> Any:
    value: Any = "bottom"
    for _ in range(levels):
        value = {"nodes": [value]}
    return value


ODD: list[Any] = [
    None,
    True,
    False,
    -1,
    0,
    1,
    4,
    2.5,
    1e308,
    float("nan"),
    float("inf"),
    10**40,
    "",
    "x",
    "1",
    "-10",
    -10,
    -20,
    "Reroute",
    "PrimitiveNode",
    "Note",
    "workflow>x",
    "KSampler",
    "%KSampler.seed%",
    "\0",
    "\ud800",
    "{" * 3000,
    "a|b}",
    [],
    {},
    [[]],
    [None],
    [1, 2],
    {"id": 1},
    {"link": 3},
    deep(10_000),
]


def places(value: Any) -> list[tuple[Any, Any]]:
    """(container, key) of everything inside a JSON value."""
    found: list[tuple[Any, Any]] = []
    stack = [value]
    while stack:
        item = stack.pop()
        keys = (
            list(item)
            if isinstance(item, dict)
            else range(len(item))
            if isinstance(item, list)
            else ()
        )
        for key in keys:
            found.append((item, key))
            stack.append(item[key])
    return found


def broken(data: Any, rng: random.Random) -> Any:
    """A copy with one to five faults."""
    new = copy.deepcopy(data)
    spots = places(new)
    for _ in range(rng.randint(1, 5)):
        container, key = rng.choice(spots)
        other, other_key = rng.choice(spots)
        try:
            kind = rng.randrange(5)
            if kind == 0:
                container[key] = rng.choice(ODD)
            elif kind == 1:
                del container[key]
            elif kind == 2:
                # A copy, so that the workflow stays a tree: JSON can't hold anything else.
                container[key] = json.loads(json.dumps(other[other_key]))
            elif kind == 3 and isinstance(container, list):
                container.insert(
                    rng.randrange(len(container) + 1), json.loads(json.dumps(container[key]))
                )
            elif isinstance(container[key], (int, str)):
                container[key] = other[other_key]
        except (KeyError, IndexError, TypeError, ValueError, RecursionError):
            continue  # an earlier fault took the place away
    return new


def run(data: Any, info: Any, rng: random.Random) -> str:
    """What came out: "converted" or "refused"; anything else is raised."""
    outcome = "converted"
    try:
        convert(data, info, seed=1, draw=Draw() if rng.random() < 0.3 else None)
    except WorkflowError as e:
        outcome = "refused"
        if not str(e).strip():
            raise AssertionError("a WorkflowError without a message") from e
    try:
        flatten(parse_workflow(data))
    except WorkflowError:
        return outcome
    return outcome


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument(
        "--seed", type=int, default=0, help="of the first round; each round adds one"
    )
    options = parser.parse_args()
    info = index_object_info(object_info())
    workflows = [c.workflow for c in cases()]
    outcomes: Counter[str] = Counter()
    failures: Counter[str] = Counter()
    seed, end = options.seed, time.monotonic() + options.seconds
    while time.monotonic() < end:
        rng = random.Random(seed)
        data = broken(rng.choice(workflows), rng)
        start = time.monotonic()
        try:
            outcomes[run(data, info, rng)] += 1
        except Exception as e:
            where = traceback.extract_tb(e.__traceback__)[-1]
            name = (
                f"{type(e).__name__} in {Path(where.filename).name}:{where.lineno}: {str(e)[:80]}"
            )
            failures[name] += 1
            if failures[name] == 1:
                print(f"seed {seed}: {name}", flush=True)
        if time.monotonic() - start > SLOW_S:
            print(f"seed {seed}: took {time.monotonic() - start:.1f} s", flush=True)
            failures["slow"] += 1
        seed += 1
    print(
        f"{sum(outcomes.values())} rounds well ({dict(outcomes)}), "
        f"{sum(failures.values())} failures"
    )
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
