"""HTTP to one server over kept-alive connections.

An aiohttp session belongs to one event loop, and a script may run several, one after the other:
each loop gets its own session, closed with the loop's own shutdown. aiohttp comes with the first
request: a script that joins a worker has something else to wait for then.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import time
import weakref
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from ...errors import why_unreached
from ...system.paused_collector import paused_collector

if TYPE_CHECKING:
    import aiohttp

log = logging.getLogger("discomfort.worker")

_KEEPALIVE_S = 30.0
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.02, 1.0
# The server answers one after the other: more at once gain nothing, and each takes a descriptor.
_CONNECTIONS = 32


class TransportError(Exception):
    """No answer came.

    Attributes:
        is_refused: nobody listens there.
        is_unsent: no connection was made, so the server has nothing of it.
    """

    def __init__(self, message: str, *, is_refused: bool = False, is_unsent: bool = False):
        super().__init__(message)
        self.is_refused, self.is_unsent = is_refused, is_unsent


class Reply(NamedTuple):
    """A status and the body, as text."""

    status: int
    text: str

    def json(self) -> Any:
        """The body as JSON; None when it is none."""
        try:
            return json.loads(self.text)
        except ValueError:
            return None


async def until_connected(
    send: Callable[[], Awaitable[Reply]], is_over: Callable[[], bool], refused_for_s: float
) -> Reply:
    """Send a request, again as long as no connection can be made: nothing was sent so far.

    This process may be out of descriptors, and get some back.

    Args:
        is_over: whether nobody wants the reply any more.
        refused_for_s: a server that refuses for longer is gone.

    Raises:
        TransportError: the connection broke later, the server is gone, or it is over.
    """
    pause_s, refused_until = _FIRST_PAUSE_S, None
    while True:
        try:
            return await send()
        except TransportError as e:
            now = time.monotonic()
            refused_until = (refused_until or now + refused_for_s) if e.is_refused else None
            is_gone = refused_until is not None and now >= refused_until
            if not e.is_unsent or is_gone or is_over():
                raise
            log.debug("No connection yet: %s", e)
        await asyncio.sleep(pause_s)
        pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)


class Transport:
    """Requests to `base_url` with our headers, as these are at the time."""

    def __init__(self, base_url: str, headers: dict[str, str]):
        self.base_url = base_url.rstrip("/")
        self.headers = headers
        self._sessions: weakref.WeakKeyDictionary[
            asyncio.AbstractEventLoop, tuple[aiohttp.ClientSession, AsyncGenerator[Any, None]]
        ] = weakref.WeakKeyDictionary()

    @property
    def websocket_url(self) -> str:
        """The address of ComfyUI's websocket, without a client id."""
        return f"ws{self.base_url.removeprefix('http')}/ws"

    async def get(self, path: str, timeout_s: float | None = None) -> Reply:
        """GET.

        Raises:
            TransportError: no answer.
        """
        return await self._request("GET", path, None, timeout_s)

    async def post(self, path: str, body: Any, timeout_s: float | None = None) -> Reply:
        """POST a JSON body.

        Raises:
            TransportError: no answer; the server may have got it nevertheless.
        """
        data = json.dumps(body, allow_nan=True).encode()
        return await self._request("POST", path, data, timeout_s)

    async def _request(
        self, method: str, path: str, data: bytes | None, timeout_s: float | None
    ) -> Reply:
        session, url = await self._session(), self.base_url + path
        import aiohttp  # `_session` took the time

        limit = aiohttp.ClientTimeout(total=timeout_s)
        try:
            sent = {**self.headers, "Content-Type": "application/json"}
            async with session.request(
                method, url, data=data, headers=sent, timeout=limit
            ) as reply:
                return Reply(reply.status, (await reply.read()).decode("utf-8", errors="replace"))
        except asyncio.TimeoutError as e:
            raise TransportError(f"{method} {path}: no answer within {timeout_s} s") from e
        except aiohttp.ClientConnectorError as e:
            raise TransportError(
                f"{method} {path}: {why_unreached(e)}",
                is_refused=isinstance(e.os_error, ConnectionRefusedError),
                is_unsent=True,
            ) from e
        except (aiohttp.ClientError, OSError) as e:
            raise TransportError(f"{method} {path}: {why_unreached(e)}") from e

    async def _session(self) -> aiohttp.ClientSession:
        loop = asyncio.get_running_loop()
        known = self._sessions.get(loop)
        if known is None or known[0].closed:
            keeper = self._keep_session()
            known = (await anext(keeper), keeper)
            self._sessions[loop] = known
        return known[0]

    async def _keep_session(self) -> AsyncGenerator[aiohttp.ClientSession, None]:
        """A session that `asyncio.run` closes: a loop first ends its asynchronous generators."""
        with paused_collector():
            import aiohttp

        session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=_CONNECTIONS, keepalive_timeout=_KEEPALIVE_S),
            trust_env=False,
        )
        try:
            yield session
        finally:
            await session.close()

    def close_soon(self) -> None:
        """Close the sessions of all loops that still run: the server is gone. Any thread."""
        for loop, (_, keeper) in list(self._sessions.items()):
            if not loop.is_closed():
                with contextlib.suppress(RuntimeError):  # it was closed just now
                    loop.call_soon_threadsafe(lambda k=keeper: asyncio.ensure_future(_finish(k)))

    async def close(self) -> None:
        """Close the running loop's session."""
        known = self._sessions.pop(asyncio.get_running_loop(), None)
        if known is not None:
            await _finish(known[1])


async def _finish(keeper: AsyncGenerator[Any, None]) -> None:
    with contextlib.suppress(RuntimeError):  # another task is closing it
        await keeper.aclose()
