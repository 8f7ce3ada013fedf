"""Who holds a worker, in the keeper's process: one script at a time, then nobody, then the next.

`keep.py` starts it. The state changes under one lock; what takes time (the worker is asked, ended)
is done outside of it.
"""

from __future__ import annotations

import logging
import shutil
import threading
import time
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from ...system.processes import is_running
from ..client.uploads import JOURNAL_NAME, remove_journaled
from ..launch.hello import Ready
from ..launch.process import WorkerProcess
from .hand_over import HandOver
from .job import Job, Script
from .wire import Wire

log = logging.getLogger("discomfort.worker")

FIRST_OUTPUT = "1"  # in the worker's own output folder; the next scripts count on
_LINES_AT_END = 1000
_LEAVING_WAIT_S = 5.0  # that the next script waits for the one before to be forgotten


class State(Enum):
    """What the worker is for. After ENDING comes nothing."""

    STARTING = "starting"
    HELD = "held"
    LEAVING = "leaving"
    IDLE = "idle"
    TAKING = "taking"
    ENDING = "ending"


@dataclass(eq=False, slots=True)
class Hold:
    """One script that has, or had, the worker; over when its connection ends."""

    wire: Wire
    script: Script
    number: int
    keep_s: float


class Keeper:
    """Owns one worker. `begin`, then `watch` until the worker is gone.

    Attributes:
        idle_since: seconds since 1970; None: it is not idle.
    """

    def __init__(self, job: Job, process: WorkerProcess):
        self.job, self.process = job, process
        self.state = State.STARTING
        self.holder: Hold | None = None
        self.idle_since: float | None = None
        self.is_outdated = False
        self._deadline = 0.0
        self._keep_s = 0.0  # as the last script has said that said something
        self._scripts = 0
        self._with_files: set[Hold] = set()  # scripts that still run, and may look at their files
        self._hand_over: HandOver | None = None
        self._changed = threading.Condition()

    # What scripts do. Each is served by a thread of its own.

    def hold_first(self, wire: Wire, script: Script) -> Hold:
        """The script that had the worker started."""
        with self._changed:
            return self._hold(wire, script)

    def take(self, wire: Wire, script: Script) -> tuple[Hold, Ready] | str:
        """Give the worker to the next script, if nobody has it.

        Returns:
            The hold and what the script needs; or why not.
        """
        with self._changed:
            self._changed.wait_for(lambda: self.state is not State.LEAVING, _LEAVING_WAIT_S)
            if self.state is not State.IDLE or self.is_outdated:
                return f"it is {self.state.value}"
            self.state, self.idle_since = State.TAKING, None
            hold = self._hold(wire, script)
        self.process.begin_log_anew()
        assert self._hand_over is not None
        try:
            ready = self._hand_over.take(self._output_of(hold))
        except OSError as e:
            log.warning("The worker is ended: %s", e)
            self.end()
            return "it is ending"
        with self._changed:
            if self.state is not State.TAKING:
                return f"it is {self.state.value}"
            self.state = State.HELD
            self._changed.notify_all()
        return hold, ready

    def leave(self, hold: Hold, keep_s: float | None = None) -> None:
        """The script lets the worker go, or is gone. Returns once nobody has it any more.

        Args:
            keep_s: how long it may be idle; None: as the script has said before.
        """
        with self._changed:
            if self.holder is not hold:
                return
            self.holder = None
            if keep_s is not None:
                hold.keep_s = self._keep_s = keep_s
            if self.state is State.STARTING or hold.keep_s <= 0:
                self._end_locked()
            if self.state is State.ENDING:
                return
            self._changed.wait_for(lambda: self.state is not State.TAKING)
            if self.state is not State.HELD:
                return
            self.state = State.LEAVING
            self._changed.notify_all()
        threading.Thread(target=self._forget, args=(hold,), daemon=True).start()

    def is_over(self, hold: Hold) -> None:
        """The script has ended: what nodes saved for it goes, too."""
        self.leave(hold)
        hold.wire.close()
        folder = self._output_of(hold)
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)
        with self._changed:
            self._with_files.discard(hold)
            self._changed.notify_all()

    def end(self) -> None:
        """Have the worker ended at once."""
        with self._changed:
            self._end_locked()

    def outdate(self) -> None:
        """Nobody can use it any more: end it as soon as nobody does."""
        with self._changed:
            self.is_outdated = True
            if self.state is State.IDLE:
                self._end_locked()

    def seconds_left(self) -> float | None:
        """Until an idle worker ends; None: it is not idle."""
        return None if self.state is not State.IDLE else max(0.0, self._deadline - time.monotonic())

    # What the worker does.

    def is_ready(self, ready: Ready) -> bool:
        """It has started. Whether somebody still wants it."""
        with self._changed:
            self._hand_over = HandOver(ready.address, self.job.launch.keeper_token)
            if self.state is State.STARTING:
                self.state = State.HELD
                self._changed.notify_all()
            return self.state is State.HELD

    def look(self) -> None:
        """Something may have happened that `watch` waits for."""
        with self._changed:
            self._changed.notify_all()

    def watch(self, pause_s: float) -> None:
        """Return when the worker has ended, or has to."""
        while not self.process.ended.is_set():
            with self._changed:
                if self.state is State.IDLE and time.monotonic() >= self._deadline:
                    self._end_locked()
                if self.state is State.ENDING:
                    return
                holder = self.holder
                self._changed.wait(min(pause_s, self.seconds_left() or pause_s))
            # A forked child of a dead script may keep its connection open.
            if holder is not None and not is_running(holder.script.pid, holder.script.started):
                self.is_over(holder)

    def say_ended(self) -> None:
        """Tell those who may still listen that the worker has ended."""
        self.end()
        lines = self.process.last_lines(_LINES_AT_END)
        for hold in list(self._with_files):
            try:
                of_it = lines if hold is self.holder else ()
                hold.wire.send(what="ended", exit_code=self.process.exit_code, lines=of_it)
            except OSError:
                continue

    def wait_for_scripts(self, pause_s: float) -> None:
        """Wait until the scripts have ended that may still look at what nodes saved for them."""
        while True:
            with self._changed:
                left = [hold for hold in self._with_files if self._has_files(hold)]
                if not left:
                    return
                self._changed.wait(pause_s)
            for hold in left:
                if not is_running(hold.script.pid, hold.script.started):
                    self.is_over(hold)

    def _hold(self, wire: Wire, script: Script) -> Hold:
        self._scripts += 1
        if script.keep_s is not None:
            self._keep_s = script.keep_s
        self.holder = Hold(wire, script, self._scripts, self._keep_s)
        self._with_files.add(self.holder)
        return self.holder

    def _forget(self, hold: Hold) -> None:
        """Have the worker forget a script; if it can't, it ends."""
        assert self._hand_over is not None
        why = self._hand_over.let_go()
        if why is not None:
            log.warning("The worker is ended, since it can't be handed on: %s", why)
            self.end()
            return
        folder = self.process.folder
        if folder is not None:
            remove_journaled(folder)
            (folder / JOURNAL_NAME).unlink(missing_ok=True)
        self.process.begin_log_anew()
        with self._changed:
            if self.state is State.LEAVING:
                self.state, self.idle_since = State.IDLE, time.time()
                self._deadline = time.monotonic() + hold.keep_s
            if self.is_outdated:
                self._end_locked()
            self._changed.notify_all()
        if not self._has_files(hold):  # there is nothing that it could still look at
            self.is_over(hold)

    def _end_locked(self) -> None:
        self.state, self.idle_since = State.ENDING, None
        self._changed.notify_all()

    def _output_of(self, hold: Hold) -> str | None:
        """Where nodes save for a script; None: where the user wants it."""
        folder = self.process.folder
        if self.job.launch.output is not None or folder is None:
            return None
        return str(folder / "output" / str(hold.number))

    def _has_files(self, hold: Hold) -> bool:
        folder = self._output_of(hold)
        return folder is not None and any(p.is_file() for p in Path(folder).rglob("*"))


def about_keeper(keeper: Keeper) -> dict[str, Any]:
    """What `discomfort workers` shows of it."""
    holder = keeper.holder
    return {
        "state": keeper.state.value,
        "held_by": holder.script.pid if holder else None,
        "idle_since": keeper.idle_since,
        "left_s": keeper.seconds_left(),
    }
