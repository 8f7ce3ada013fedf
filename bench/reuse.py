"""What it costs to find a finished step again, and to keep one, as ratios to the bare disk.

    python bench/reuse.py [--repeats 30] [--side 1024] [--folder FOLDER]

One picture [1, side, side, 3] of float32. `hit`: find and load it, beside a plain mapping of the
same file of which every byte is read once (what a checksum has to do at least), and beside one that
only maps it. First: by a process that has not checked the block before; again: by one that has,
which is what a check in the background would leave in the foreground. `keep`: a new picture each
time, beside a plain write of the same bytes, and an equal one. They take turns; medians. The
hashes, each alone.
"""

from __future__ import annotations

import argparse
import hashlib
import mmap
import os
import statistics
import tempfile
import time
import zlib
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import _project  # noqa: F401
import numpy as np
import torch
from custom_nodes.discomfort.finished_steps.content import content_of
from custom_nodes.discomfort.finished_steps.steps import FinishedSteps, Output


def seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def write_plainly(path: Path, data: memoryview) -> None:
    with path.open("wb") as file:
        file.write(data)


def map_plainly(path: Path) -> mmap.mmap:
    with path.open("rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)


def read_mapped(path: Path) -> int:
    return int(np.frombuffer(map_plainly(path), np.uint64, offset=64).sum())


def hit(steps: FinishedSteps, key: str) -> None:
    found = steps.find(key)
    assert found is not None and found.load("picture") is not None


def measure(folder: Path, side: int, repeats: int) -> dict[str, float]:
    times: dict[str, list[float]] = defaultdict(list)
    size = side * side * 12
    with FinishedSteps(folder / "kept", limit_bytes=1 << 40) as steps:
        for n in range(repeats):
            key = hashlib.sha256(str(n).encode()).hexdigest()
            same = hashlib.sha256(f"same {n}".encode()).hexdigest()
            picture = torch.rand((1, side, side, 3))
            value = {"picture": Output(picture)}
            data = picture.numpy().data.cast("B")
            times["plain write"].append(seconds(lambda: write_plainly(folder / "plain", data)))  # noqa: B023
            times["keep"].append(seconds(lambda: steps.keep(key, value, {"workflow": "w"})))  # noqa: B023
            times["keep, equal"].append(seconds(lambda: steps.keep(same, value)))  # noqa: B023
            times["its hash and checksum"].append(seconds(lambda: content_of(picture, False)))  # noqa: B023
            found = steps.find(key)
            assert found is not None and found.outputs["picture"] is not None
            path = folder / "kept" / "values" / found.outputs["picture"].version
            times["map"].append(seconds(lambda: map_plainly(path)))  # noqa: B023
            times["map and read"].append(seconds(lambda: read_mapped(path)))  # noqa: B023
            times["hit again"].append(seconds(lambda: hit(steps, key)))  # noqa: B023
            with FinishedSteps(folder / "kept") as fresh:
                fresh.usage()
                times["hit first"].append(seconds(lambda: hit(fresh, key)))  # noqa: B023
            del found
            steps.clear()
    medians = {what: statistics.median(seen) for what, seen in times.items()}
    blob = os.urandom(size)
    for name, work in (
        ("crc32", zlib.crc32),
        ("sha256", hashlib.sha256),
        ("blake2b", hashlib.blake2b),
        ("sha1", hashlib.sha1),
    ):
        medians[name] = statistics.median(seconds(lambda: work(blob)) for _ in range(repeats))  # noqa: B023
    return medians


def main() -> None:
    parser = argparse.ArgumentParser(description="Finished steps against the bare disk.")
    parser.add_argument("--repeats", type=int, default=30)
    parser.add_argument("--side", type=int, default=1024)
    parser.add_argument(
        "--folder", type=Path, help="on the disk to measure; else the temporary one"
    )
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        medians = measure(Path(folder), arguments.side, arguments.repeats)
    size = arguments.side**2 * 12
    floors = {
        "hit first": "map and read",
        "hit again": "map",
        "keep": "plain write",
        "keep, equal": "plain write",
    }
    for what, median in medians.items():
        floor = floors.get(what)
        ratio = f"{median / medians[floor]:6.2f} x {floor}" if floor else ""
        print(f"{what:22} {median * 1e3:8.3f} ms {size / median / 1e9:7.2f} GB/s {ratio}")


if __name__ == "__main__":
    main()
