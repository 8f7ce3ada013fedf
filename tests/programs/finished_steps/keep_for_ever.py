"""Keeps one step after the other until it is killed.

    keep_for_ever.py FOLDER

It says "ready", and then the number of each step that it has kept.
"""

from __future__ import annotations

import itertools
import sys

import support.package  # noqa: F401
from custom_nodes.discomfort.finished_steps.steps import FinishedSteps
from support.finished_steps import about, key_of, outputs

SIDE = 200


def main(folder: str) -> None:
    steps = FinishedSteps(folder, limit_bytes=200_000_000)
    print("ready")
    for n in itertools.count():
        assert steps.keep(key_of(n), outputs(n, SIDE), about(n)) is None
        print(n)


if __name__ == "__main__":
    main(sys.argv[1])
