"""What a client asks its server besides running prompts: history, queue, node classes."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import quote

from ...errors import ExecutionError
from ...system.patience import Patience, wait_saying
from ...system.paused_collector import paused_collector
from ..launch.inside_comfyui import HELLO_PATH
from ..launch.pack_rules import PATH as PACK_RULES_PATH
from .ask_together import AskTogether
from .early_question import EarlyQuestion
from .http import Reply, Transport, TransportError, until_connected

log = logging.getLogger("discomfort.worker")

REPLY_TIMEOUT_S = 15.0
_HISTORY_WAIT_S, _HISTORY_PAUSE_S = 10.0, 0.01
_TRIM_AFTER_S = 5.0
_TRIM_AT_ONCE = 32
_CLASSES_PATH = "/object_info"


class Queries:
    """Questions to one server.

    Args:
        log_path: of the server, for errors.
        who: the server in words.

    Attributes:
        refused_since: when it began to refuse connections (monotonic); None while it answers, or
            is merely slow.
    """

    def __init__(
        self, http: Transport, log_path: str | None = None, who: Callable[[], str] | None = None
    ):
        self._http, self._log_path = http, log_path
        self._who = who or (lambda: f"The ComfyUI at {http.base_url}")
        self._silence: Patience | None = None
        self.refused_since: float | None = None
        self._queue = AskTogether(lambda: self._get_dict("/queue"))
        self._hello = AskTogether(lambda: self._get_dict(HELLO_PATH))
        self._early: EarlyQuestion | None = None
        self.forget()

    @property
    def base_url(self) -> str:
        return self._http.base_url

    async def history(self, prompt_id: str) -> dict[str, Any] | None:
        """The prompt's entry in ComfyUI's history; None as long as there is none, or no answer."""
        entries = await self._get_dict(f"/history/{prompt_id}")
        return entries.get(prompt_id) if entries is not None else None

    async def written_history(self, prompt_id: str) -> dict[str, Any] | None:
        """`history` of a prompt that has ended: ComfyUI writes it after it reports the end.

        None without an answer for long.
        """
        deadline = time.monotonic() + _HISTORY_WAIT_S
        while True:
            entry = await self.history(prompt_id)
            if entry is not None or time.monotonic() > deadline:
                return entry
            await asyncio.sleep(_HISTORY_PAUSE_S)

    async def queued_ids(self) -> set[str] | None:
        """The prompts that wait or run; None without an answer."""
        queue = await self._queue.answer()
        if queue is None:
            return None
        return {str(item[1]) for part in queue.values() for item in part}

    async def says_unknown(self, prompt_id: str) -> bool:
        """Whether the server said that the prompt neither waits nor runs nor is in the history.

        It goes from the queue to the history; in neither, asked in that order, it is nowhere. Where
        one of the answers is missing, nothing is said.
        """
        queue = await self.queued_ids()
        if queue is None or prompt_id in queue:
            return False
        entries = await self._get_dict(f"/history/{prompt_id}")
        return entries is not None and prompt_id not in entries

    async def stopped(self) -> str | None:
        """What the server's prompt thread ended with; None while it runs, or without an answer."""
        hello = await self._hello.answer()
        return hello.get("stopped") if hello is not None else None

    async def object_info(self) -> dict[str, Any]:
        """The server's /object_info, asked once, however many ask for it at the same time.

        Raises:
            TransportError: no answer.
            ExecutionError: an answer that is none.
        """
        while True:
            info = self._object_info
            answer = await info.get()
            if info is self._object_info:  # else it is of a server that was there before
                return answer

    def expect_object_info(self) -> None:
        """Have the server begin with the answer to `object_info`, which is wanted soon."""
        if self._early is None and not self._object_info.is_asked:
            self._early = EarlyQuestion(self._http.base_url, _CLASSES_PATH, self._http.headers)

    async def _get_object_info(self) -> Reply:
        early = self._early
        if early is not None:
            reply = await asyncio.wrap_future(early.reply)
            if self._early is early:
                self._early = None
                if reply is not None:
                    return reply
        return await until_connected(
            lambda: self._http.get(_CLASSES_PATH), lambda: False, refused_for_s=0
        )

    async def _ask_object_info(self) -> dict[str, Any]:
        asking = asyncio.ensure_future(self._get_object_info())
        words = Patience(log, lambda: f"{self._who()} is asked for its node classes")
        try:
            await wait_saying((asking,), words)
        finally:
            asking.cancel()
        reply = asking.result()
        with paused_collector():
            info = reply.json()
        if reply.status != 200 or not isinstance(info, dict):
            raise ExecutionError(
                f"/object_info gave status {reply.status}: {reply.text[:200]!r}. A "
                "broken custom node is the usual reason; the log names it.",
                log_path=self._log_path,
            )
        return info

    async def node_replacements(self) -> dict[str, Any]:
        """The server's /node_replacements, asked once; none where it knows no such thing (0.3.64).

        Raises:
            TransportError: no answer.
            ExecutionError: an answer that is none.
        """
        return await self._replacements.get()

    async def pack_rules(self) -> dict[str, Any]:
        """The rules that the server's node packs brought, asked once: `{"packs": ...}`; nothing
        where the server knows no such thing (an older version of this extension).

        Raises:
            TransportError: no answer.
            ExecutionError: an answer that is none.
        """
        return await self._pack_rules.get()

    async def _ask_if_known(self, path: str) -> dict[str, Any]:
        reply = await until_connected(
            lambda: self._http.get(path, REPLY_TIMEOUT_S), lambda: False, refused_for_s=0
        )
        if reply.status in (404, 405):
            return {}
        answer = reply.json()
        if reply.status != 200 or not isinstance(answer, dict):
            raise ExecutionError(
                f"{path} gave status {reply.status}: {reply.text[:200]!r}. Run again.",
                log_path=self._log_path,
            )
        return answer

    def forget(self) -> None:
        """The server may be another one now."""
        self.drop_early()
        self._object_info = _AskedOnce(self._ask_object_info)
        self._replacements = _AskedOnce(lambda: self._ask_if_known("/node_replacements"))
        self._pack_rules = _AskedOnce(lambda: self._ask_if_known(PACK_RULES_PATH))

    def drop_early(self) -> None:
        """Nobody waits any more for what was asked early. Any thread."""
        early, self._early = self._early, None
        if early is not None:
            early.close()

    async def file_names(self, kind: str) -> list[str]:
        """The model files of a kind ("vae") that the server has now; none without an answer."""
        reply = await self._http.get(f"/models/{quote(kind, safe='')}", REPLY_TIMEOUT_S)
        names = reply.json() if reply.status == 200 else None
        return [n for n in names if isinstance(n, str)] if isinstance(names, list) else []

    async def free_memory(self) -> None:
        """Have models unloaded and caches emptied, after the prompt that runs now.

        Raises:
            TransportError: no answer.
        """
        body = {"unload_models": True, "free_memory": True}
        await self._http.post("/free", body, REPLY_TIMEOUT_S)

    async def _get_dict(self, path: str) -> dict[str, Any] | None:
        """An object that the server gave; None where it gave no answer, or one that means nothing.

        Own troubles (too many open files) are no answer, and no refusal.
        """
        try:
            reply = await self._http.get(path, REPLY_TIMEOUT_S)
        except TransportError as e:
            log.debug("No answer: %s", e)
            words = f"gives no answer ({e}); it is waited for"
            self._silence = self._silence or Patience(log, lambda: f"{self._who()} {words}")
            self._silence.look()
            if not e.is_refused:
                self.refused_since = None
            elif self.refused_since is None:
                self.refused_since = time.monotonic()
            return None
        self.refused_since = self._silence = None
        answer = reply.json()
        return answer if reply.status == 200 and isinstance(answer, dict) else None


class _AskedOnce:
    """An answer that is kept, however many ask for it at the same time."""

    def __init__(self, ask: Callable[[], Awaitable[dict[str, Any]]]):
        self._asked = AskTogether(ask, join_sent=True)
        self._answer: dict[str, Any] | None = None
        self.is_asked = False

    async def get(self) -> dict[str, Any]:
        self.is_asked = True
        if self._answer is None:
            self._answer = await self._asked.answer()
        return self._answer


class HistoryTrimmer:
    """Has the server drop finished runs from its history, a batch at a time.

    ComfyUI keeps 10,000, with graph and outputs. It writes the history after it reports the end, so
    a run is due when the writing was reported too, or after a while, where it was not.
    """

    def __init__(self, http: Transport):
        self._http = http
        self._finished: dict[str, float] = {}
        self._written: deque[str] = deque()
        self._lock = threading.Lock()
        self._tasks: set[asyncio.Task[None]] = set()

    def note_written(self, prompt_id: str) -> None:
        """The server wrote this one. Any thread."""
        if prompt_id in self._finished:
            self._written.append(prompt_id)

    def note_finished(self, prompt_id: str, is_written: bool) -> None:
        """The run is over here; trims when enough are due. Called in a loop."""
        now = time.monotonic()
        with self._lock:
            self._finished[prompt_id] = now - (_TRIM_AFTER_S if is_written else 0)
            if len(self._finished) < _TRIM_AT_ONCE:
                return
            while self._written:
                self._finished[self._written.popleft()] = now - _TRIM_AFTER_S
            due = [i for i, at in self._finished.items() if now - at >= _TRIM_AFTER_S]
            if len(due) < _TRIM_AT_ONCE:
                return
            for i in due:
                del self._finished[i]
        task = asyncio.ensure_future(self._delete(due))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _delete(self, prompt_ids: list[str]) -> None:
        try:
            await self._http.post("/history", {"delete": prompt_ids}, REPLY_TIMEOUT_S)
        except TransportError as e:
            log.debug("The history was not trimmed: %s", e)
