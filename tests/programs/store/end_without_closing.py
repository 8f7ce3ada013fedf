"""Ends without closing its context, whose folder it says.

end_without_closing.py RUN_ID
"""

from __future__ import annotations

import sys

import numpy as np
import support.package  # noqa: F401
from custom_nodes.discomfort.workflow_context import WorkflowContext


def main(run_id: str) -> None:
    context = WorkflowContext(run_id=run_id, max_ram_gb=1)
    context.save("x", np.ones(3_000_000, np.uint8))
    print(context.folder)


if __name__ == "__main__":
    main(sys.argv[1])
