"""Joins a context and stops for good in the middle of writing a block.

hang_while_saving.py RUN_ID
"""

from __future__ import annotations

import signal
import sys

import numpy as np
import support.package  # noqa: F401
from custom_nodes.discomfort.store.encoding import codec, layout
from custom_nodes.discomfort.workflow_context import WorkflowContext


class Hanging(layout.Encoded):
    def header(self, version: str, is_list: bool = False) -> bytes:
        print("writing")
        signal.pause()
        return b""


def main(run_id: str) -> None:
    context = WorkflowContext(run_id=run_id, create=False)
    value = codec.encode(np.ones(3_000_000, np.uint8))
    hanging = Hanging(
        value.total_bytes, value.is_safe, value.stream_bytes, value.rows, value.crc, value.pieces
    )
    context.internal.store.write("x", hanging, True)


if __name__ == "__main__":
    main(sys.argv[1])
