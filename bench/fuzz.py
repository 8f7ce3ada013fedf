"""Feed what strangers may send to all that reads it: nothing but our own errors may come out.

    python bench/fuzz.py [--cases 200000] [--seed 0] [--family blocks] [--jobs 1]
    python bench/fuzz.py --case blocks:123 [--seed 0]        one of them, in this process

Blocks, receipts with their contexts, pickle files, references, pictures and records, whole ones
broken and such as nobody writes. Many cases to a child process; a child that dies, or takes more
than 2 s of processor time or 1 GB for a case, names it. Exit status 1 if there was one.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import logging
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

MOST_S = 2.0
MOST_BYTES = 1 << 30
_PER_CHILD = 1000
_SILENT_S = 120.0  # by the clock: other programs may have the processors
_POLL_S = 0.05


@dataclass(frozen=True, slots=True)
class Failure:
    """A case that went wrong, and how."""

    case: str
    reason: str

    def __str__(self) -> str:
        return f"{self.case}: {self.reason}"


# -- in the child --------------------------------------------------------------------------------


def run_cases(names: Iterable[str], seed: int) -> None:
    """Run cases, and say on stdout which is next and what went wrong."""
    import fuzz_targets

    logging.disable()
    warnings.simplefilter("ignore")
    families = {**fuzz_targets.FAMILIES, **fuzz_targets.MISBEHAVING}
    with tempfile.TemporaryDirectory() as made:
        for name in names:
            print(json.dumps({"case": name}), flush=True)
            family, _, number = name.partition(":")
            reason = run_case(families[family], f"{seed}:{family}:{number}", Path(made))
            if reason is not None:
                print(json.dumps({"failed": name, "reason": reason}), flush=True)
    print(json.dumps({"done": True}), flush=True)


def run_case(family: Callable[[random.Random, Path], None], seed: str, folder: Path) -> str | None:
    """What went wrong, if anything did."""
    from custom_nodes.discomfort.errors import DiscomfortError

    chance = random.Random(seed)
    _reset_peak()
    before, started = _peak_bytes(), time.process_time()
    try:
        family(chance, folder)
    except DiscomfortError:
        pass
    except Exception:
        return traceback.format_exc()
    seconds, grown = time.process_time() - started, _peak_bytes() - before
    if seconds > MOST_S:
        return f"it took {seconds:.1f} s"
    return f"it took {grown >> 20} MiB" if grown > MOST_BYTES else None


def _reset_peak() -> None:
    with contextlib.suppress(OSError):  # without it, the peak of all cases so far is looked at
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def _peak_bytes() -> int:
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) << 10
    return psutil.Process().memory_info().rss


# -- in the parent -------------------------------------------------------------------------------


class Child:
    """One child, watched until it is done."""

    def __init__(self, names: list[str], seed: int, patience_s: float):
        self._names, self._patience_s = names, patience_s
        with tempfile.NamedTemporaryFile("w", suffix=".json", delete=False) as file:
            json.dump(names, file)
        self._list = Path(file.name)
        command = [sys.executable, __file__, "--child", file.name, "--seed", str(seed)]
        self._program = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self._last, self._heard = "its start", time.monotonic()
        self._is_started = self._is_done = False
        self._failures: list[Failure] = []
        self._ended_for: str | None = None

    def watch(self) -> tuple[list[Failure], list[str]]:
        """(what went wrong, the cases that are left when it died)."""
        reader = threading.Thread(target=self._read, daemon=True)
        reader.start()
        try:
            while self._program.poll() is None and self._ended_for is None:
                time.sleep(_POLL_S)
                self._look()
        finally:
            self._program.kill()
            self._program.wait()
            reader.join()
            self._list.unlink()
        if not self._is_done:
            reason = self._ended_for or f"the process ended with {self._program.returncode}"
            self._failures.append(Failure(self._last, reason))
        at = self._names.index(self._last) + 1 if self._last in self._names else len(self._names)
        return self._failures, [] if self._is_done else self._names[at:]

    def _read(self) -> None:
        assert self._program.stdout is not None
        for line in self._program.stdout:
            said = json.loads(line)
            self._heard = time.monotonic()
            self._is_started = True
            self._last = said.get("case", self._last)
            self._is_done = said.get("done", False)
            if "failed" in said:
                self._failures.append(Failure(said["failed"], said["reason"]))

    def _look(self) -> None:
        """End it if it overruns."""
        try:
            taken = psutil.Process(self._program.pid).memory_info().rss
        except psutil.Error:
            return
        if taken > 2 * MOST_BYTES:
            self._ended_for = f"it took {taken >> 20} MiB"
        elif self._is_started and time.monotonic() - self._heard > self._patience_s:
            self._ended_for = f"it was not over after {self._patience_s:.0f} s"


def all_cases(families: list[str], count: int) -> Iterator[str]:
    for number in range(count):
        yield f"{families[number % len(families)]}:{number}"


def fuzz(
    families: list[str], count: int, seed: int, jobs: int = 1, patience_s: float = _SILENT_S
) -> list[Failure]:
    """Run so many cases, in turns of the families."""
    waiting = [
        list(all_cases(families, count))[at : at + _PER_CHILD] for at in range(0, count, _PER_CHILD)
    ][::-1]
    failures: list[Failure] = []
    lock = threading.Lock()

    def work() -> None:
        while True:
            with lock:
                if not waiting:
                    return
                names = waiting.pop()
            found, left = Child(names, seed, patience_s).watch()
            with lock:
                failures.extend(found)
                if left:
                    waiting.append(left)
                for failure in found:
                    print(failure, flush=True)

    workers = [threading.Thread(target=work) for _ in range(jobs)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return failures


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--cases", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--family", action="append")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--patience", type=float, default=_SILENT_S, help="seconds for a case")
    parser.add_argument("--case")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        run_cases(json.loads(Path(arguments.child).read_text()), arguments.seed)
        return 0
    if arguments.case:
        run_cases([arguments.case], arguments.seed)
        return 0
    families: list[str] = arguments.family or list(FAMILY_NAMES)
    started = time.monotonic()
    count, seed = arguments.cases, arguments.seed
    failures = fuzz(families, count, seed, arguments.jobs, arguments.patience)
    minutes = (time.monotonic() - started) / 60
    print(f"{arguments.cases} cases, {len(failures)} went wrong, {minutes:.1f} min")
    return 1 if failures else 0


FAMILY_NAMES = ("blocks", "receipts", "pickles", "references", "pictures", "records")

if __name__ == "__main__":
    os.environ.setdefault("PYTHONFAULTHANDLER", "1")
    sys.exit(main())
