"""Saves values larger than RLIMIT_FSIZE allows, in memory and on disk.

    save_under_file_limit.py RUN_ID LIMIT_BYTES

It says what each attempt raised, then the small value, its successor and how many files there are.
"""

from __future__ import annotations

import os
import resource
import sys

import numpy as np
import support.package  # noqa: F401
from custom_nodes.discomfort.errors import StoreFullError
from custom_nodes.discomfort.workflow_context import WorkflowContext


def main(run_id: str, limit_bytes: int) -> None:
    with WorkflowContext(run_id=run_id, max_ram_gb=1) as context:
        context.save("small", 1)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, limit_bytes))
        for use_ram in (True, False):
            try:
                context.save("small", np.ones(2 * limit_bytes, np.uint8), use_ram=use_ram)
            except StoreFullError as e:
                print(f"StoreFullError: {e}")
        print(context.load("small"))
        context.save("small", 2)
        print(context.load("small"))
        print(len(os.listdir(context.folder / "values")))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
