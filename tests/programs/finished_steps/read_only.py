"""Finds a step in a folder that can't be written to.

read_only.py FOLDER
"""

from __future__ import annotations

import sys

import support.package  # noqa: F401
from custom_nodes.discomfort.finished_steps.steps import FinishedSteps
from support.finished_steps import assert_is, key_of, outputs


def main(folder: str) -> None:
    with FinishedSteps(folder) as steps:
        found = steps.find(key_of(1))
        assert found is not None
        assert_is(found, 1)
        reason = steps.keep(key_of(2), outputs(2))
        assert reason is not None and "can't be written to" in reason, reason
    print("found; not kept")


if __name__ == "__main__":
    main(sys.argv[1])
