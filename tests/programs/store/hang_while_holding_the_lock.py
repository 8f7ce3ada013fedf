"""Writes half a line of the receipts and stops, with their lock held.

hang_while_holding_the_lock.py RUN_ID
"""

from __future__ import annotations

import os
import signal
import sys

import support.package  # noqa: F401
from custom_nodes.discomfort.workflow_context import WorkflowContext


def main(run_id: str) -> None:
    book = WorkflowContext(run_id=run_id, create=False).internal.store.book
    with book.lock:
        size = os.path.getsize(book.path)
        with open(book.path, "r+b") as file:
            file.seek(size - 3)
            file.write(b',"half":{"version":"ab')
        print("locked")
        signal.pause()


if __name__ == "__main__":
    main(sys.argv[1])
