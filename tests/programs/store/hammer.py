"""Saves and loads shared and own keys; every value says of itself whether it is whole.

    hammer.py RUN_ID NUMBER SECONDS

It says how many rounds it came to.
"""

from __future__ import annotations

import random
import sys
import time

import numpy as np
import support.package  # noqa: F401
from custom_nodes.discomfort.workflow_context import WorkflowContext


def main(run_id: str, number: int, seconds: float) -> None:
    random.seed(number)
    context = WorkflowContext(run_id=run_id, create=False)
    end = time.monotonic() + seconds
    rounds = 0
    while time.monotonic() < end:
        rounds += 1
        shared = f"shared{random.randrange(4)}"
        size = random.choice((10, 1000, 100_000, 1_500_000))
        stamp = (number * 1_000_003 + rounds) % 251
        array = np.full(size, stamp, np.uint8)
        context.save(shared, {"stamp": stamp, "array": array})
        got = context.load(f"shared{random.randrange(4)}")
        assert (got["array"] == got["stamp"]).all(), "torn"
        own = f"own{number}"
        context.save(own, rounds)
        assert context.load(own) == rounds, "lost"
    print(rounds)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))
