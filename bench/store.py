"""How fast values move between two processes, as a ratio to memcpy in the same run.

    python bench/store.py [--max-size 1GiB] [--repeats 5] [--check]

Prints the table of save + load (new key, overwriting, load alone) for 1 KiB to 1 GiB, beside a
plain write into new shared memory (no save of a new key can be faster), cloudpickle in shared
memory, cloudpickle on disk, safetensors on the RAM disk and Ray's object store (where installed),
the extra memory of a save and a load, and the cost of a small save with 10 and 10,000 keys.

Each process measures its own part by its own clock. The message between them, which says that
there is something to load, is no part of the figures and is printed beside them; that both begin
with cold caches, since each has slept while the other worked, is. `--check` exits with 1 when a
target of the table is missed.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import pickle
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from multiprocessing import shared_memory
from pathlib import Path
from typing import Any

import _project  # noqa: F401
import cloudpickle
import numpy as np
import psutil
import torch
from custom_nodes.discomfort.workflow_context import WorkflowContext

SIZES = {"1 KiB": 1 << 10, "1 MiB": 1 << 20, "64 MiB": 64 << 20, "1 GiB": 1 << 30}
# (what, size) -> (limit, unit): "x" is memcpy of the same bytes, "us" microseconds.
TARGETS = {
    ("new", "1 KiB"): (150, "us"),
    ("new", "1 MiB"): (15, "x"),
    ("new", "64 MiB"): (2.6, "x"),
    ("new", "1 GiB"): (2.3, "x"),
    ("over", "1 KiB"): (150, "us"),
    ("over", "1 MiB"): (8, "x"),
    ("over", "64 MiB"): (1.8, "x"),
    ("over", "1 GiB"): (1.7, "x"),
    ("load", "1 KiB"): (60, "us"),
    ("load", "1 MiB"): (100, "us"),
    ("load", "64 MiB"): (1000, "us"),
    ("load", "1 GiB"): (1000, "us"),
}


class Reader:
    """The other process: does what it is told, and answers with the seconds that took."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, __file__, "--reader"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, **request: Any) -> float:
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())

    def close(self) -> None:
        self.process.communicate()


def read_for_others() -> None:
    """The main function of the other process."""
    contexts: dict[str, WorkflowContext] = {}
    held: list[Any] = []  # the last value, as a cache would hold it
    for line in sys.stdin:
        request = json.loads(line)
        kind, place = request["kind"], request["place"]
        if kind == "context" and place not in contexts:
            contexts[place] = WorkflowContext(run_id=place, create=False)
        started = time.perf_counter()
        if kind == "context":
            value = contexts[place].load(request["key"])
        elif kind == "nothing":
            value = None
        elif kind == "shm":
            # Attached and never unlinked here: the tracker must not think otherwise.
            memory = shared_memory.SharedMemory(place)
            value = pickle.loads(memory.buf)  # type: ignore[arg-type]
            memory.close()
        elif kind == "disk":
            value = pickle.loads(Path(place).read_bytes())
        else:
            from safetensors.torch import load_file

            value = load_file(place)["x"]
        seconds = time.perf_counter() - started
        held[:] = [value]
        if kind == "shm":
            from multiprocessing import resource_tracker

            resource_tracker.unregister(memory._name, "shared_memory")  # type: ignore[attr-defined]
        print(seconds, flush=True)


def timed(action: Callable[[], Any]) -> float:
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def memcpy_seconds(size: int, repeats: int) -> float:
    source, target = np.ones(size, np.uint8), np.zeros(size, np.uint8)
    return statistics.median(timed(lambda: np.copyto(target, source)) for _ in range(repeats))


def measure(reader: Reader, size: int, repeats: int) -> dict[str, float]:
    """Median seconds of: new, over (save + load in the other process), load."""
    value = torch.full((size,), 1, dtype=torch.uint8)
    new, over, load = [], [], []
    with WorkflowContext(max_ram_gb=max(1, 6 * size / 2**30)) as context:

        def pair(key: str) -> tuple[float, float]:
            saved = timed(lambda: context.save(key, value))
            loaded = reader.ask(kind="context", place=context.run_id, key=key)
            return saved + loaded, loaded

        for i in range(repeats):
            seconds, loaded = pair(f"new{i}")
            new.append(seconds)
            load.append(loaded)
            if size >= 1 << 28:  # memory for one at a time
                context.save(f"new{i}", 0)
                context.internal.store.blocks.trim()
        for _ in range(4):  # until the blocks go round
            pair("same")
        for _ in range(repeats):
            seconds, loaded = pair("same")
            over.append(seconds)
            load.append(loaded)
    return {k: statistics.median(v) for k, v in (("new", new), ("over", over), ("load", load))}


def others(reader: Reader, size: int, repeats: int) -> dict[str, float | None]:
    """The same hand-off by other means: median seconds of save + load."""
    value = torch.full((size,), 1, dtype=torch.uint8)
    with tempfile.TemporaryDirectory() as folder:
        disk, ram_disk = Path(folder, "x.pkl"), Path("/dev/shm", f"bench_{os.getpid()}")

        def shm() -> float:
            started = time.perf_counter()
            data = cloudpickle.dumps(value)
            memory = shared_memory.SharedMemory(create=True, size=len(data))
            memory.buf[: len(data)] = data  # type: ignore[index]
            saved = time.perf_counter() - started
            try:
                return saved + reader.ask(kind="shm", place=memory.name)
            finally:
                memory.close()
                memory.unlink()

        def on_disk() -> float:
            saved = timed(lambda: disk.write_bytes(cloudpickle.dumps(value)))
            return saved + reader.ask(kind="disk", place=str(disk))

        def safetensors() -> float:
            from safetensors.torch import save_file

            try:
                saved = timed(lambda: save_file({"x": value}, ram_disk))
                return saved + reader.ask(kind="safetensors", place=str(ram_disk))
            finally:
                ram_disk.unlink(missing_ok=True)

        def plain() -> float:
            try:
                return timed(lambda: ram_disk.write_bytes(value.numpy().data))
            finally:
                ram_disk.unlink(missing_ok=True)

        def message() -> float:
            return timed(lambda: reader.ask(kind="nothing", place=""))

        found: dict[str, float | None] = {}
        for name, action in (
            ("(the message, not counted)", message),
            ("plain write, shared memory", plain),
            ("cloudpickle, shared memory", shm),
            ("cloudpickle, disk", on_disk),
            ("safetensors, RAM disk", safetensors),
        ):
            needs_files = action in (plain, safetensors) and not ram_disk.parent.is_dir()
            found[name] = (
                None if needs_files else statistics.median(action() for _ in range(repeats))
            )
        found["Ray"] = ray_seconds(value, repeats)
    return found


def ray_seconds(value: torch.Tensor, repeats: int) -> float | None:
    if importlib.util.find_spec("ray") is None:
        return None
    import ray  # type: ignore[import-not-found]

    if not ray.is_initialized():
        ray.init(
            num_cpus=1, logging_level="ERROR", object_store_memory=4 * max(1 << 28, len(value))
        )
    remote = ray.remote(lambda refs: timed(lambda: ray.get(refs[0])))
    array = value.numpy()
    seconds = []
    for _ in range(repeats + 1):
        started = time.perf_counter()
        reference = ray.put(array)
        saved = time.perf_counter() - started
        seconds.append(saved + ray.get(remote.remote([reference])))
        del reference
    return statistics.median(seconds[1:])


class PeakOfSystem:
    """The most memory taken while the block runs, above what was taken before: processes and
    shared memory.
    """

    def __enter__(self) -> PeakOfSystem:
        self.before, self.least, self.is_over = _available(), _available(), False
        self.thread = threading.Thread(target=self._watch)
        self.thread.start()
        return self

    def _watch(self) -> None:
        while not self.is_over:
            self.least = min(self.least, _available())

    def __exit__(self, *_: Any) -> None:
        self.is_over = True
        self.thread.join()

    @property
    def mebibytes(self) -> float:
        return (self.before - self.least) / 2**20


def _available() -> int:
    return psutil.virtual_memory().available


def memory(size: int) -> None:
    value = torch.ones(size, dtype=torch.uint8)
    with WorkflowContext(max_ram_gb=4) as context:
        with PeakOfSystem() as saving:
            context.save("x", value)
        with PeakOfSystem() as loading:
            loaded = context.load("x")
        print(
            f"\nextra memory, {size / 2**20:.0f} MiB: saving {saving.mebibytes:.0f} MiB "
            f"(target: under {size / 2**20 + 64:.0f}), loading {loading.mebibytes:.1f} MiB (under "
            "16)"
        )
        del loaded


def growth() -> None:
    for count in (10, 10_000):
        with WorkflowContext(max_ram_gb=1) as context:
            for i in range(count):
                context.save(f"k{i}", i)
            times = [timed(lambda: context.save("k5", "small")) for _ in range(2000)]
            size = (context.folder / "receipts.json").stat().st_size
            print(
                f"small save with {count:>6} keys: median {statistics.median(times) * 1e6:.0f} us, "
                "mean "
                f"{statistics.mean(times) * 1e6:.0f} us; receipts.json {size / 1024:.0f} KiB"
            )


def size_of(text: str) -> int:
    sizes = {name.replace(" ", ""): size for name, size in SIZES.items()}
    if text.replace(" ", "") not in sizes:
        raise argparse.ArgumentTypeError(f"it must be one of {', '.join(sizes)}, not {text!r}")
    return sizes[text.replace(" ", "")]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reader", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--max-size", type=size_of, default=1 << 30)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--check", action="store_true", help="exit with 1 when a target is missed")
    options = parser.parse_args()
    if options.reader:
        read_for_others()
        return 0
    missed = []
    reader = Reader()
    print(f"{os.cpu_count()} cores, torch {torch.__version__}, Python {sys.version.split()[0]}")
    for name, size in SIZES.items():
        if size > options.max_size:
            continue
        copy = memcpy_seconds(size, max(options.repeats, 9))
        repeats = options.repeats if size > 1 << 20 else options.repeats * 20
        print(f"\n{name}   memcpy {copy * 1e6:.1f} us")
        for what, seconds in measure(reader, size, repeats).items():
            limit, unit = TARGETS[what, name]
            figure = seconds * 1e6 if unit == "us" else seconds / copy
            is_met = figure < limit
            missed += [] if is_met else [(what, name)]
            print(
                f"  {what:<28}{seconds * 1e6:>12.0f} us {seconds / copy:>9.2f} x memcpy   "
                f"target {limit} {unit}: {'met' if is_met else 'MISSED'}"
            )
        for what, other in others(reader, size, options.repeats).items():
            text = (
                "not installed"
                if other is None
                else f"{other * 1e6:>12.0f} us {other / copy:>9.2f} x"
            )
            print(f"  {what:<28}{text}")
    memory(min(options.max_size, 1 << 30))
    growth()
    reader.close()
    return 1 if missed and options.check else 0


if __name__ == "__main__":
    sys.exit(main())
