"""A master with a value in RAM, one on disk, one lent to a run; lives until it is told to end.

    own_a_context.py RUN_ID

It says the folder of its context.
"""

from __future__ import annotations

import sys

import numpy as np
import support.package  # noqa: F401
from custom_nodes.discomfort.workflow_context import WorkflowContext


def main(run_id: str) -> None:
    with WorkflowContext(run_id=run_id, max_ram_gb=1) as context:
        context.save("ram", np.ones(3_000_000, np.uint8))
        context.save("disk", np.ones(3_000_000, np.uint8), use_ram=False)
        context.internal.lend(["ram"])
        print(context.folder)
        sys.stdin.readline()


if __name__ == "__main__":
    main(sys.argv[1])
