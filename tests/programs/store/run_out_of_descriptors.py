"""Holds 150 large values with a limit of 128 open files, then uses up what is left.

It says how many were left, what each action raised, and what it loads once there is room again.
"""

from __future__ import annotations

import errno
import os
import resource

import numpy as np
import support.package  # noqa: F401
from custom_nodes.discomfort.workflow_context import WorkflowContext


def use_up_descriptors() -> list[int]:
    opened: list[int] = []
    try:
        while True:
            opened.append(os.open(os.devnull, os.O_RDONLY))
    except OSError as e:
        assert e.errno == errno.EMFILE
    return opened


def main() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (128, hard))
    with WorkflowContext(max_ram_gb=1) as context:
        for i in range(150):
            context.save(f"k{i}", np.full(100_000, i, np.uint8))
        held = [context.load(f"k{i}") for i in range(150)]
        others = use_up_descriptors()
        print(len(others))
        for action in (
            lambda: context.load("k1"),
            lambda: context.save("k1", np.zeros(100_000, np.uint8)),
            lambda: context.save("k1", 0),
        ):
            try:
                action()
            except OSError as e:
                print(errno.errorcode[e.errno or 0])
        for descriptor in others:
            os.close(descriptor)
        assert all((array == i).all() for i, array in enumerate(held))
        assert (context.load("k1") == 1).all()
        context.save("k1", "again")
        print(context.load("k1"))


if __name__ == "__main__":
    main()
