"""The script's side of a keeper: starts one, or takes the worker of one that is there."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from ...system.config import PACKAGE_DIR
from ...system.login import VARIABLE
from ..launch.worker_folder import base_dir
from .job import Job, Script
from .record import FoundKeeper, find_keepers
from .stamps import stamp_folders
from .wire import Wire, connect, no_keeper
from .worker_key import WorkerKey

log = logging.getLogger("discomfort.worker")

_TAKE_S = 20.0  # for a worker that forgets the last script, and takes the next
_OWN_GROUP, _DETACHED, _OUT_OF_JOB = 0x200, 0x8, 0x01000000  # of Windows' CreateProcess
_PROGRAM = Path(__file__).with_name("program.py")


@dataclass(frozen=True, slots=True)
class Joined:
    """A worker that was there.

    Attributes:
        ready: what its keeper said: the message.
    """

    keeper: FoundKeeper
    wire: Wire
    ready: dict[str, Any]


def join_keeper(key: WorkerKey, script: Script) -> Joined | None:
    """Take a worker that nobody has and whose key is this one. Ends those that are outdated."""
    for found in find_keepers():
        record = found.record
        if record.place != key.place:
            continue
        is_same = record.sources == key.sources
        if is_same and stamp_folders(map(Path, record.packs)) == record.packs_stamp:
            joined = _take(found, script)
            if joined is not None:
                return joined
        else:
            log.info("The worker of keeper %d is outdated: sources have changed.", record.pid)
            ask_keeper(found, "outdate")
    return None


def _take(found: FoundKeeper, script: Script) -> Joined | None:
    try:
        wire = connect(found.record.address, found.record.secret)
        wire.wait_for(_TAKE_S)
        wire.send(ask="take", script=script.to_json())
        answer = wire.receive()
        wire.wait_for(None)
    except OSError as e:
        log.debug("Keeper %d does not answer: %s", found.record.pid, e)
        return None
    if answer is not None and answer.get("what") == "ready":
        return Joined(found, wire, answer)
    log.debug("Keeper %d has nothing to give: %s", found.record.pid, (answer or {}).get("why"))
    wire.close()
    return None


def ask_keeper(found: FoundKeeper, question: str) -> dict[str, Any] | None:
    """What a keeper says about itself; None: it does not answer.

    Args:
        question: "about", "outdate" (end when nobody has it) or "end" (at once).
    """
    try:
        wire = connect(found.record.address, found.record.secret)
        try:
            wire.send(ask=question)
            return wire.receive()
        finally:
            wire.close()
    except OSError as e:
        log.debug("Keeper %d does not answer: %s", found.record.pid, e)
        return None


@dataclass(frozen=True, slots=True)
class Started:
    """A keeper that was started. `errors` has what it complains of."""

    wire: Wire
    errors: IO[bytes]

    def last_words(self) -> str:
        """Why it may have ended."""
        self.errors.seek(0)
        return self.errors.read().decode(errors="replace").strip()[-1000:]


def start_keeper(job: Job) -> Started:
    """Start a process of our own that outlives this one, and give it its job.

    Raises:
        WorkerStartError: it can't be started.
    """
    line = json.dumps(
        {
            "root": str(PACKAGE_DIR),
            "path": [path or os.getcwd() for path in sys.path],
            "no_bytecode": sys.dont_write_bytecode,
            "job": job.to_json(),
        }
    )
    errors = tempfile.TemporaryFile(dir=base_dir())  # noqa: SIM115 - `Started` has it
    try:
        keeper = _spawn(errors)
    except OSError as e:
        raise no_keeper(f"can't be started ({e})") from e
    assert keeper.stdin is not None and keeper.stdout is not None
    wire = Wire.of_pipes(os.dup(keeper.stdout.fileno()), os.dup(keeper.stdin.fileno()))
    keeper.stdin.close()
    keeper.stdout.close()
    with contextlib.suppress(OSError):  # what it has to say about that is in `errors`
        wire.send_line(line.encode())
    if os.name == "posix":
        keeper.wait()  # the first of the two processes; the other is nobody's child
    else:
        keeper.returncode = 0  # it lives on: no warning that it still runs
    return Started(wire, errors)


def _spawn(errors: IO[bytes]) -> subprocess.Popen[bytes]:
    """In a session of its own: what ends a terminal, or its programs, does not reach it."""
    command = [sys.executable, "-I", "-S", str(_PROGRAM)]
    environment = {k: v for k, v in os.environ.items() if k != VARIABLE}

    def start(flags: int) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            env=environment,
            cwd=base_dir(),  # no folder of the user's is kept busy by it
            start_new_session=os.name == "posix",
            creationflags=flags,
        )

    if os.name == "posix":
        return start(0)
    try:
        return start(_OWN_GROUP | _DETACHED | _OUT_OF_JOB)
    except OSError:  # a job (of a terminal, of an IDE) that lets nothing out
        return start(_OWN_GROUP | _DETACHED)
