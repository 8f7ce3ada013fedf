"""Whether a program that gives no answer yet makes progress: its log, its CPU time, its disk.

Decides about `Signs`, which `read_signs` takes from the system.
"""

from __future__ import annotations

from dataclasses import dataclass

import psutil

# Below these, in one look, nothing happens: threads that wake up now and then use less.
_LEAST_CPU_SHARE = 0.01
_LEAST_DISK_BYTES = 64 << 10
# What one look may count at most: this process, or the machine, may have slept meanwhile.
_LONGEST_LOOK_S = 10.0


@dataclass(frozen=True, slots=True)
class Signs:
    """What is seen of a program and those that it started, added up since their starts."""

    lines: int
    cpu_s: float = 0.0
    disk_bytes: int = 0
    pids: frozenset[int] = frozenset()


class Activity:
    """How long a program has done nothing; look at it every few seconds."""

    def __init__(self, now: float, signs: Signs):
        self.still_s = 0.0
        self._at, self._signs = now, signs

    def look(self, now: float, signs: Signs) -> None:
        """Compare with what was seen at the last look."""
        passed_s, before = now - self._at, self._signs
        self._at, self._signs = now, signs
        is_still = (
            signs.lines == before.lines
            and signs.pids == before.pids
            and signs.cpu_s - before.cpu_s < _LEAST_CPU_SHARE * passed_s
            and signs.disk_bytes - before.disk_bytes < _LEAST_DISK_BYTES
        )
        self.still_s = self.still_s + min(passed_s, _LONGEST_LOOK_S) if is_still else 0.0


def read_signs(pid: int, lines: int) -> Signs:
    """The signs of a program; what the system does not tell counts as none."""
    cpu_s, disk_bytes, pids = 0.0, 0, set()
    try:
        process = psutil.Process(pid)
        family = [process, *process.children(recursive=True)]
    except (psutil.Error, OSError):
        return Signs(lines)
    for member in family:
        try:
            cpu_s += sum(member.cpu_times()[:2])
            pids.add(member.pid)
            # macOS has none of it. On Linux it is the disk's, not what goes through pipes.
            counters = getattr(member, "io_counters", None)
            if counters is not None:
                found = counters()
                disk_bytes += found.read_bytes + found.write_bytes
        except (psutil.Error, OSError):
            continue
    return Signs(lines, cpu_s, disk_bytes, frozenset(pids))
