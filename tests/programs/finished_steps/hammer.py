"""Keeps, finds and clears steps in a folder that others use at once; every value that it finds must
be the right one.

    hammer.py FOLDER NUMBER SECONDS LIMIT_BYTES

It says how many steps it kept and found.
"""

from __future__ import annotations

import random
import sys
import time

import support.package  # noqa: F401
from custom_nodes.discomfort.finished_steps.steps import FinishedSteps
from support.finished_steps import about, assert_is, key_of, outputs

SIDES = (8, 40, 120)


def main(folder: str, number: int, seconds: float, limit_bytes: int) -> None:
    draw = random.Random(number)
    kept, hits, held = 0, 0, []
    end = time.monotonic() + seconds
    with FinishedSteps(folder, limit_bytes) as steps:
        while time.monotonic() < end:
            n = draw.randrange(40)
            side = SIDES[n % 3]
            found = steps.find(key_of(n))
            if found is not None:
                hits += 1
                assert_is(found, n, side)
                held.append((found, n, side))
            else:
                reason = steps.keep(key_of(n), outputs(n, side), about(n))
                assert reason in (None, "other processes removed what it needs"), reason
                kept += reason is None
            if draw.random() < 0.05:
                steps.clear(workflow=f"w{draw.randrange(3)}.json")
            if draw.random() < 0.02:
                steps.clear()
            if len(held) > 20:  # what was found long ago, and removed since
                assert_is(*held.pop(0))
    print(kept, hits)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4]))
