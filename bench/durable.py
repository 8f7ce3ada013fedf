"""What a durable save costs, as a ratio to writing the same bytes to a file and syncing it.

    python bench/durable.py [--repeats 20]

A durable save writes the block, syncs it and its folder, computes its checksum, and appends and
syncs a receipt, before the old value goes. Both take turns in one process, on the disk of this
user's data folder; medians. `load` is the first one, which checks the checksum, and the next,
which need not, as GB/s and microseconds.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import _project  # noqa: F401
import numpy as np
from custom_nodes.discomfort.workflow_context import WorkflowContext

SIZES = {"1 KiB": 1 << 10, "1 MiB": 1 << 20, "64 MiB": 64 << 20}


def seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def write_and_sync(path: Path, data: np.ndarray) -> None:
    with path.open("wb") as file:
        file.write(data.data)
        file.flush()
        os.fsync(file.fileno())


def main() -> None:
    parser = argparse.ArgumentParser(description="Durable saves against a synced file.")
    parser.add_argument("--repeats", type=int, default=20)
    repeats = parser.parse_args().repeats
    print(f"{'size':>8} {'file ms':>9} {'save ms':>9} {'ratio':>6} {'first load':>12} {'again':>9}")
    with tempfile.TemporaryDirectory() as home:
        os.environ["XDG_DATA_HOME"] = home
        with WorkflowContext(run_id="bench", durable=True) as context:
            for name, size in SIZES.items():
                data = np.random.default_rng(0).integers(0, 255, size, np.uint8)
                plain, saves, firsts, again = [], [], [], []
                for _ in range(repeats if size < 1 << 25 else max(3, repeats // 4)):
                    plain.append(seconds(lambda: write_and_sync(Path(home, "plain"), data)))  # noqa: B023
                    saves.append(seconds(lambda: context.save("value", data)))  # noqa: B023
                    firsts.append(seconds(lambda: context.load("value")))
                    again.append(seconds(lambda: context.load("value")))
                file_s, save_s = statistics.median(plain), statistics.median(saves)
                first, later = statistics.median(firsts), statistics.median(again)
                print(
                    f"{name:>8} {file_s * 1e3:9.2f} {save_s * 1e3:9.2f} {save_s / file_s:6.2f} "
                    f"{size / first / 1e9:7.2f} GB/s {later * 1e6:6.0f} us"
                )


if __name__ == "__main__":
    main()
