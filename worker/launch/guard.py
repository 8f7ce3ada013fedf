"""Runs inside a worker: lets in its master, and its keeper to the routes that are the keeper's.

Who has been shut out never comes in again, and what was open for him is ended. Put in place by
`inside_comfyui.py`; `keeping.py` hands over from one master to the next.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import socket
import weakref
from collections.abc import Callable, Iterable
from enum import Enum
from typing import Any

TOKEN_HEADER = "X-Discomfort-Token"
LEAST_TOKEN_CHARS = 20


class Who(Enum):
    MASTER = "master"
    KEEPER = "keeper"
    NOBODY = "nobody"


_REFUSALS = {
    Who.NOBODY: (401, "This ComfyUI belongs to a script. Its token is missing.\n"),
    Who.MASTER: (403, "This is for the keeper of this worker.\n"),
    Who.KEEPER: (403, "The keeper of a worker may hand it over, and nothing else.\n"),
}


class Guard:
    """The tokens, and what is open for the master.

    Args:
        token: of the first master.
        keeper: of the one who hands the worker over; None: nobody does.
    """

    def __init__(self, token: str, keeper: str | None = None):
        self._master: bytes | None = _digest(token)
        self._keeper = None if keeper is None else _digest(keeper)
        self._used = {self._master, self._keeper}
        self._keeper_handlers: set[Callable[..., Any]] = set()
        self._tasks: set[asyncio.Task[Any]] = set()
        # What aiohttp still sends after a handler has returned goes through these as well.
        self._transports: weakref.WeakSet[asyncio.Transport] = weakref.WeakSet()

    @property
    def has_master(self) -> bool:
        return self._master is not None

    def reserve(self, handlers: Iterable[Callable[..., Any]]) -> None:
        """Let the keeper alone reach these: under whatever path, since ComfyUI gives each two."""
        self._keeper_handlers.update(handlers)

    def who(self, given: str) -> Who:
        """Whose token this is now. It takes as long for a wrong one as for a right one."""
        # What is no UTF-8 comes as surrogates.
        digest = _digest(given)
        is_keeper = hmac.compare_digest(digest, self._keeper or b"")
        is_master = hmac.compare_digest(digest, self._master or b"")
        return Who.MASTER if is_master else Who.KEEPER if is_keeper else Who.NOBODY

    def middleware(self) -> Any:
        from aiohttp import web

        @web.middleware
        async def guard(request: Any, handler: Any) -> Any:
            who = self.who(request.headers.get(TOKEN_HEADER, ""))
            is_for_keeper = request.match_info.handler in self._keeper_handlers
            if who is not (Who.KEEPER if is_for_keeper else Who.MASTER):
                status, text = _REFUSALS[who]
                return web.Response(status=status, text=text)
            if is_for_keeper:
                self._transports.discard(request.transport)  # he may have asked as the master too
                return await handler(request)
            return await self._answer_master(request, handler)

        return guard

    async def _answer_master(self, request: Any, handler: Any) -> Any:
        task = asyncio.current_task()
        assert task is not None
        if request.transport is not None:
            self._transports.add(request.transport)
        self._tasks.add(task)
        try:
            return await handler(request)
        finally:
            self._tasks.discard(task)

    async def shut_out(self, wait_s: float) -> bool:
        """Refuse the master's token from now on, for good, and end all that is open for it.

        Returns:
            Whether all requests have ended within that time.
        """
        self._master = None
        for transport in list(self._transports):
            _end(transport)
        self._transports.clear()
        for task in self._tasks:
            task.cancel()
        if not self._tasks:
            return True
        _, left = await asyncio.wait(self._tasks, timeout=wait_s)
        # A connection's task may go on after its request.
        return not any(task in self._tasks for task in left)

    def admit(self, token: object) -> str | None:
        """Make it the master's, if there is no master and it was never used.

        Returns:
            Why not.
        """
        if not isinstance(token, str) or len(token) < LEAST_TOKEN_CHARS:
            return f"A token is a text of {LEAST_TOKEN_CHARS} characters or more."
        if self._master is not None:
            return "This worker has a master."
        digest = _digest(token)
        if digest in self._used:
            return "This token was used before."
        self._used.add(digest)
        self._master = digest
        return None


def _end(transport: asyncio.Transport) -> None:
    """End a connection for both sides.

    Not by `abort`: a file that is being sent (`loop.sendfile`) would never hear of it, and hold up
    the connection that gets the same descriptor next.
    """
    connection = transport.get_extra_info("socket")
    if connection is not None:
        with contextlib.suppress(OSError):  # it has ended already
            connection.shutdown(socket.SHUT_RDWR)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
