"""Small programs that the tests start: other processes that use, or misuse, a context.

python programs.py <function> <arguments...>
"""

from __future__ import annotations

import importlib.util
import os
import signal
import sys
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[1] / "support" / "package.py"
_spec = importlib.util.spec_from_file_location("discomfort_tests_package", _PACKAGE)
assert _spec and _spec.loader
_spec.loader.exec_module(importlib.util.module_from_spec(_spec))

import numpy as np  # noqa: E402
from custom_nodes.discomfort.errors import StoreError, StoreFullError  # noqa: E402
from custom_nodes.discomfort.store import worker_side  # noqa: E402
from custom_nodes.discomfort.store.blocks import base  # noqa: E402
from custom_nodes.discomfort.store.encoding import codec, layout  # noqa: E402
from custom_nodes.discomfort.store.save_order import SaveOrder  # noqa: E402
from custom_nodes.discomfort.workflow_context import WorkflowContext  # noqa: E402


def say(text: object) -> None:
    print(text, flush=True)


def own_a_context(run_id: str) -> None:
    """A master with a value in RAM, one on disk, one lent to a run; lives until it is told to
    end.
    """
    with WorkflowContext(run_id=run_id, max_ram_gb=1) as context:
        context.save("ram", np.ones(3_000_000, np.uint8))
        context.save("disk", np.ones(3_000_000, np.uint8), use_ram=False)
        context.internal.lend(["ram"])
        say(context.folder)
        sys.stdin.readline()


def hang_while_saving(run_id: str) -> None:
    """Joins a context and stops for good in the middle of writing a block."""

    class Hanging(layout.Encoded):
        def header(self, version: str, is_list: bool = False) -> bytes:
            say("writing")
            signal.pause()
            return b""

    context = WorkflowContext(run_id=run_id, create=False)
    value = codec.encode(np.ones(3_000_000, np.uint8))
    hanging = Hanging(
        value.total_bytes, value.is_safe, value.stream_bytes, value.rows, value.crc, value.pieces
    )
    context.internal.store.write("x", hanging, True)


def hold_more_than_descriptors() -> None:
    """Loads 20 large values with room for 8 more open files."""
    import resource

    import psutil

    with WorkflowContext(max_ram_gb=1) as context:
        for i in range(20):
            context.save(f"k{i}", np.full(100_000, i, np.uint8))
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (psutil.Process().num_fds() + 8, hard))
        held = [context.load(f"k{i}") for i in range(20)]
        say([int(array[0]) for array in held])


def run_out_of_descriptors() -> None:
    """Holds 150 large values with a limit of 128 open files, then uses up what is left."""
    import errno
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (128, hard))
    with WorkflowContext(max_ram_gb=1) as context:
        for i in range(150):
            context.save(f"k{i}", np.full(100_000, i, np.uint8))
        held = [context.load(f"k{i}") for i in range(150)]
        others = []
        try:
            while True:
                others.append(os.open(os.devnull, os.O_RDONLY))
        except OSError as e:
            assert e.errno == errno.EMFILE
        say(len(others))
        for action in (
            lambda: context.load("k1"),
            lambda: context.save("k1", np.zeros(100_000, np.uint8)),
            lambda: context.save("k1", 0),
        ):
            try:
                action()
            except OSError as e:
                say(errno.errorcode[e.errno or 0])
        for descriptor in others:
            os.close(descriptor)
        assert all((array == i).all() for i, array in enumerate(held))
        assert (context.load("k1") == 1).all()
        context.save("k1", "again")
        say(context.load("k1"))


def hang_while_holding_the_lock(run_id: str) -> None:
    """Writes half a line of the receipts and stops, with their lock held."""
    context = WorkflowContext(run_id=run_id, create=False)
    book = context.internal.store.book
    with book.lock:
        size = os.path.getsize(book.path)
        with open(book.path, "r+b") as file:
            file.seek(size - 3)
            file.write(b',"half":{"version":"ab')
        say("locked")
        signal.pause()


def worker(save_order: str, action: str) -> None:
    """A saver of a run; `action`: save, or die in the middle, or go on when told."""
    import json

    order = SaveOrder.from_json(json.loads(save_order))
    if action == "slow":
        fast = layout.Encoded.header

        def slow(self: layout.Encoded, version: str, is_list: bool = False) -> bytes:
            with open(base.SHM_DIR / (base.PREFIX + version), "r+b") as file:
                file.truncate(3_000_000)  # as a write does that is not over
            say("writing")
            sys.stdin.readline()
            return fast(self, version, is_list)

        layout.Encoded.header = slow  # type: ignore[method-assign]
    if action == "die":
        original = layout.Encoded.header

        def header(self: layout.Encoded, version: str, is_list: bool = False) -> bytes:
            say("writing")
            signal.pause()
            return original(self, version, is_list)

        layout.Encoded.header = header  # type: ignore[method-assign]
    try:
        worker_side.save(order, "out", np.full(3_000_000, 7, np.uint8), False)
    except StoreError as e:
        say(f"StoreError: {e}")
    else:
        say("saved")


def load_and_print(run_id: str, unique_id: str) -> None:
    say(repr(WorkflowContext(run_id=run_id, create=False).load(unique_id)))


def save_under_file_limit(run_id: str, limit: str) -> None:
    """Saves values larger than RLIMIT_FSIZE allows, in memory and on disk."""
    import resource

    with WorkflowContext(run_id=run_id, max_ram_gb=1) as context:
        context.save("small", 1)
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), int(limit)))
        for use_ram in (True, False):
            try:
                context.save("small", np.ones(2 * int(limit), np.uint8), use_ram=use_ram)
            except StoreFullError as e:
                say(f"StoreFullError: {e}")
        say(context.load("small"))
        context.save("small", 2)
        say(context.load("small"))
        say(len(os.listdir(context.folder / "values")))


def fill_small_memory(run_id: str) -> None:
    """Run where /dev/shm has 8 MiB and the temporary folder 24 MiB."""
    with WorkflowContext(run_id=run_id, max_ram_gb=1) as context:
        stored = {}
        for i in range(8):
            context.save(f"k{i}", np.full(3 << 20, i, np.uint8))
            stored[f"k{i}"] = i
        save_order = context.internal.lend([]).save_order
        worker_side.save(save_order, "fromworker", np.full(3 << 20, 99, np.uint8), False)
        infos = [context.get_storage_info(k) or {} for k in stored]
        say(sorted({info["storage_type"] for info in infos}))
        try:
            for i in range(8, 20):
                context.save(f"k{i % 8}", np.full(4 << 20, i, np.uint8))
                stored[f"k{i % 8}"] = i
        except StoreFullError as e:
            say(f"StoreFullError: {e}")
        for key, number in stored.items():
            assert (context.load(key) == number).all(), key
        try:
            worker_side.save(save_order, "big", np.ones(20 << 20, np.uint8), False)
        except StoreFullError as e:
            say(f"StoreFullError: {e}")
        context.save("k0", "small")
        say(context.load("k0"))


def hammer(run_id: str, number: str, seconds: str) -> None:
    """Saves and loads shared and own keys; every value says of itself whether it is whole."""
    import random
    import time

    random.seed(int(number))
    context = WorkflowContext(run_id=run_id, create=False)
    end = time.monotonic() + float(seconds)
    rounds = 0
    while time.monotonic() < end:
        rounds += 1
        shared = f"shared{random.randrange(4)}"
        size = random.choice((10, 1000, 100_000, 1_500_000))
        stamp = (int(number) * 1_000_003 + rounds) % 251
        array = np.full(size, stamp, np.uint8)
        context.save(shared, {"stamp": stamp, "array": array})
        got = context.load(f"shared{random.randrange(4)}")
        assert (got["array"] == got["stamp"]).all(), "torn"
        own = f"own{number}"
        context.save(own, rounds)
        assert context.load(own) == rounds, "lost"
    say(rounds)


def collect_garbage_or_exit(run_id: str) -> None:
    """Ends without closing its context."""
    context = WorkflowContext(run_id=run_id, max_ram_gb=1)
    context.save("x", np.ones(3_000_000, np.uint8))
    say(context.folder)


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
