"""The keeper's process, once it has its modules: starts the worker, serves scripts to its end."""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import socket
import threading
import time
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any

from ...errors import ConfigError
from ...system.processes import started_at
from ..launch.hello import Ready
from ..launch.process import WorkerProcess
from .job import Job, Script
from .keeper import FIRST_OUTPUT, Hold, Keeper, about_keeper
from .record import KeeperRecord, remove_record, write_record
from .stamps import stamp_folders
from .wire import Wire, listen, welcome
from .worker_key import standard_packs

_LOOK_S = 1.0
_BEGIN_LOOK_S = 0.02
_LAST_WORDS_S = 5.0


def keep(line: bytes, rest: bytes, answers: int) -> None:
    """The whole life of a keeper.

    Args:
        line: its job.
        rest: what else has come from the script that started it.
        answers: the descriptor that this script reads.
    """
    given = Job.read(line)
    own = FIRST_OUTPUT if given.launch.output is None else ""
    launch = replace(given.launch, keeper_token=secrets.token_urlsafe(32), own_output=own)
    job = replace(given, launch=launch)
    keeper = Keeper(job, WorkerProcess(launch))
    _end_by_signal(keeper)
    first = keeper.hold_first(Wire.of_pipes(0, answers, rest), job.script)
    server = _Server(keeper)
    keeper.process.on_end(keeper.look)
    keeper.process.start()
    serving = threading.Thread(target=_serve_first, args=(keeper, server, first), daemon=True)
    serving.start()
    keeper.watch(_LOOK_S)
    server.close()
    keeper.process.stop()
    serving.join(_LAST_WORDS_S)  # a start that failed is told before the end
    keeper.say_ended()
    keeper.wait_for_scripts(_LOOK_S)


def _end_by_signal(keeper: Keeper) -> None:
    """Ctrl+C and a terminal that closes are the scripts'; whoever terminates it means it."""
    for name in ("SIGINT", "SIGHUP", "SIGBREAK"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    signal.signal(
        signal.SIGTERM, lambda *_: threading.Thread(target=keeper.end, daemon=True).start()
    )


def _serve_first(keeper: Keeper, server: _Server, hold: Hold) -> None:
    """Tell the script that started this how far it is, then serve it like others."""
    process = keeper.process
    threading.Thread(target=_follow, args=(keeper, hold), daemon=True).start()
    with contextlib.suppress(OSError):
        while process.pid is None and not process.ready.done():
            time.sleep(_BEGIN_LOOK_S)
        hold.wire.send(what="begun", **_where(process))
        _send_ready(keeper, server, hold, process.ready)


def _send_ready(keeper: Keeper, server: _Server, hold: Hold, ready: Future[Ready]) -> None:
    error = ready.exception()
    if error is not None:
        hold.wire.send(
            what="failed",
            is_config=isinstance(error, ConfigError),
            text=str(error),
            was_killed=bool(getattr(error, "was_killed", False)),
            log_path=keeper.process.log_path,
        )
        keeper.end()
    elif keeper.is_ready(ready.result()):
        server.open(ready.result())
        hold.wire.send(what="ready", **_ready_message(keeper, ready.result()))


def _where(process: WorkerProcess) -> dict[str, Any]:
    return {
        "worker_pid": process.pid,
        "log_path": process.log_path,
        "folder": str(process.folder) if process.folder else None,
        "keeper_pid": os.getpid(),
        "keeper_started": started_at(os.getpid()) or 0.0,
    }


def _ready_message(keeper: Keeper, ready: Ready) -> dict[str, Any]:
    about = {"address": ready.address, "headers": ready.auth_headers, "hello": ready.hello}
    return {**about, **_where(keeper.process)}


def _follow(keeper: Keeper, hold: Hold) -> None:
    """Do what a script that has the worker says, until its connection ends."""
    try:
        while (message := hold.wire.receive()) is not None:
            if message.get("do") == "end" and keeper.holder is hold:
                keeper.process.keeps_log |= bool(message.get("keeps_log"))
                keeper.end()
            elif message.get("do") == "let_go":
                keep_s = message["keep_s"]
                keeper.leave(hold, None if keep_s is None else float(keep_s))
                hold.wire.send(what="left")
    except (OSError, KeyError, TypeError, ValueError):
        pass  # it has gone, or speaks nonsense: that is no script of ours any more
    keeper.is_over(hold)


class _Server:
    """Lets scripts in that have read the record."""

    def __init__(self, keeper: Keeper):
        self._keeper = keeper
        self._secret = secrets.token_hex(32)
        self._socket: socket.socket | None = None

    def open(self, ready: Ready) -> None:
        """Say where the keeper is, and listen there."""
        process, job = self._keeper.process, self._keeper.job
        assert process.folder is not None and process.pid is not None
        self._socket, address = listen(process.folder)
        known = set(map(str, standard_packs(job.launch)))
        packs = [p for p in ready.hello["models"].get("custom_nodes", ()) if p not in known]
        packs = [p for p in packs if not Path(p).is_relative_to(process.folder)]
        record = KeeperRecord(
            pid=os.getpid(),
            started=started_at(os.getpid()) or 0.0,
            worker_pid=process.pid,
            comfyui=str(job.launch.comfyui),
            address=address,
            secret=self._secret,
            place=job.key.place,
            sources=job.key.sources,
            packs=packs,
            packs_stamp=stamp_folders(map(Path, packs)),
        )
        threading.Thread(target=self._accept, args=(self._socket,), daemon=True).start()
        write_record(process.folder, record)

    def _accept(self, server: socket.socket) -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        try:
            wire = welcome(connection, self._secret)
            message = wire.receive() or {}
            wire.wait_for(None)
            if message.get("ask") == "take":
                self._give(wire, Script.from_json(message.get("script")))
                return
            if message.get("ask") == "end":
                self._keeper.end()
            elif message.get("ask") == "outdate":
                self._keeper.outdate()
            wire.send(what="about", **about_keeper(self._keeper))
        except (OSError, KeyError, TypeError, ValueError):
            pass  # who does not know the secret, or speaks nonsense, gets no answer
        connection.close()

    def _give(self, wire: Wire, script: Script) -> None:
        taken = self._keeper.take(wire, script)
        if isinstance(taken, str):
            wire.send(what="refused", why=taken)
            wire.close()
            return
        hold, ready = taken
        with contextlib.suppress(OSError):  # it has gone meanwhile, which `_follow` sees
            wire.send(what="ready", **_ready_message(self._keeper, ready))
        _follow(self._keeper, hold)

    def close(self) -> None:
        folder = self._keeper.process.folder
        if folder is not None:
            remove_record(folder)
        if self._socket is not None:
            self._socket.close()
