"""Keeps steps where there is no room for all of them, and finds what it kept.

    keep_until_full.py FOLDER disk     the folder is on a small disk, which other files fill, too
    keep_until_full.py FOLDER limit    files may not be larger than 64 KiB

It says how many it kept, how many not, what the log said, and what is there in the end.
"""

from __future__ import annotations

import logging
import os
import resource
import sys
from pathlib import Path

import support.package  # noqa: F401
from custom_nodes.discomfort.finished_steps.steps import FinishedSteps, Output
from support.finished_steps import about, assert_is, key_of, outputs, picture

SIDE = 120
MOST_FILE_BYTES = 64 << 10


def fill(folder: Path, but_bytes: int) -> Path:
    ballast = folder.parent / "ballast"
    room = os.statvfs(folder.parent)
    ballast.write_bytes(bytes(max(0, room.f_bavail * room.f_frsize - but_bytes)))
    return ballast


def main(folder: Path, how: str) -> None:
    said: list[str] = []
    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: said.append(record.getMessage())
    logging.getLogger("discomfort").addHandler(handler)
    ballast = None
    with FinishedSteps(folder, limit_bytes=1 << 30) as steps:
        assert steps.keep(key_of(0), outputs(0, SIDE), about(0)) is None
        if how == "limit":
            resource.setrlimit(resource.RLIMIT_FSIZE, (MOST_FILE_BYTES, MOST_FILE_BYTES))
        else:
            ballast = fill(folder, int(5.6 * picture(0, SIDE).nbytes))  # the last one fits half
        reasons = [steps.keep(key_of(n), outputs(9 * n, SIDE), about(9 * n)) for n in range(1, 12)]
        kept = [0, *(n for n, reason in enumerate(reasons, 1) if reason is None)]
        assert all("full" in reason for reason in reasons if reason is not None), reasons
        for n in range(12):
            found = steps.find(key_of(n))
            assert (found is not None) == (n in kept), n
            if found is not None:
                assert_is(found, 9 * n, SIDE)
        drafts = [p for p in (folder / "drafts").rglob("*") if p.is_file()]
        named = sum(len(outputs(n)) - 1 for n in kept)
        print(len(reasons) - len(kept) + 1, "not kept;", len(said), "said")
        print([p.name for p in drafts], len(os.listdir(folder / "values")) <= named)
        if ballast is not None:
            ballast.unlink()
            assert steps.keep(key_of("more"), outputs(99, SIDE), about(99)) is None
            assert_is(steps.find(key_of("more")), 99, SIDE)
        assert steps.keep(key_of("small"), {"a": Output(1)}) is None
        small = steps.find(key_of("small"))
        print(small and small.load("a"))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
