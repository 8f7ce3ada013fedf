"""Who is let in, and that nothing goes on which was open for who is shut out: a real server."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web
from custom_nodes.discomfort.worker.launch.guard import TOKEN_HEADER, Guard, Who

DEADLINE_S = 60.0
FIRST, KEEPER = secrets.token_urlsafe(32), secrets.token_urlsafe(32)


class House:
    """A server behind a guard, with handlers of several manners."""

    def __init__(self) -> None:
        self.guard = Guard(FIRST, KEEPER)
        self.entered, self.may_go = asyncio.Event(), asyncio.Event()
        self.ended: list[str] = []
        self.base = ""

    async def wait(self, _: web.Request) -> web.Response:
        """Ends when it is told to."""
        self.entered.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.ended.append("wait")
        raise AssertionError("unreachable")

    async def insist(self, _: web.Request) -> web.Response:
        """Goes on whatever it is told."""
        self.entered.set()
        while not self.may_go.is_set():
            try:
                await self.may_go.wait()
            except asyncio.CancelledError:
                self.ended.append("told")
        return web.Response()

    async def hello(self, _: web.Request) -> web.Response:
        return web.Response(text="hello")

    async def keep(self, _: web.Request) -> web.Response:
        return web.Response(text="kept")


@pytest.fixture
async def house() -> AsyncIterator[House]:
    house = House()
    app = web.Application(middlewares=[house.guard.middleware()])
    names = ("wait", "insist", "hello", "keep")
    app.add_routes([web.get(f"/{name}", getattr(house, name)) for name in names])
    house.guard.reserve([house.keep])
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    house.base = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield house
    house.may_go.set()
    await runner.cleanup()


async def status(session: aiohttp.ClientSession, house: House, name: str, token: str) -> int:
    async with session.get(f"{house.base}/{name}", headers={TOKEN_HEADER: token}) as reply:
        return reply.status


async def assert_got_nothing(request: asyncio.Future[int]) -> None:
    with contextlib.suppress(aiohttp.ClientError):  # it may have asked once more
        assert await request == 401


async def test_whose_token_it_is(house):
    assert house.guard.who(FIRST) is Who.MASTER
    assert house.guard.who(KEEPER) is Who.KEEPER
    for other in ("", "x", FIRST[:-1], KEEPER + "x", "\udcff"):
        assert house.guard.who(other) is Who.NOBODY
    assert Guard(FIRST).who("") is Who.NOBODY


async def test_connections_end_and_requests_are_told(house):
    headers = {TOKEN_HEADER: FIRST}
    async with aiohttp.ClientSession(headers=headers) as session:
        assert await status(session, house, "hello", FIRST) == 200  # kept alive
        waiting = asyncio.ensure_future(status(session, house, "wait", FIRST))
        await house.entered.wait()
        assert await house.guard.shut_out(DEADLINE_S)
        assert house.ended == ["wait"]
        await assert_got_nothing(waiting)
        assert await status(session, house, "hello", FIRST) == 401
        assert await status(session, house, "keep", KEEPER) == 200


async def test_a_request_that_does_not_end_is_noticed(house):
    async with aiohttp.ClientSession() as session:
        going = asyncio.ensure_future(status(session, house, "insist", FIRST))
        await house.entered.wait()
        assert not await house.guard.shut_out(0.05)
        assert "told" in house.ended
        assert not await house.guard.shut_out(0.05)
        house.may_go.set()
        assert await house.guard.shut_out(DEADLINE_S)
        await assert_got_nothing(going)


async def test_the_keepers_own_connection_stays_also_where_he_asked_as_the_master(house):
    connector = aiohttp.TCPConnector(limit=1)
    async with aiohttp.ClientSession(connector=connector) as session:
        assert await status(session, house, "hello", FIRST) == 200
        async with session.get(f"{house.base}/keep", headers={TOKEN_HEADER: KEEPER}) as reply:
            assert await house.guard.shut_out(DEADLINE_S)
            assert await reply.text() == "kept"


async def test_a_token_is_good_once(house):
    other = secrets.token_urlsafe(32)
    assert house.guard.admit(other) == "This worker has a master."
    await house.guard.shut_out(0)
    assert not house.guard.has_master
    for bad in (FIRST, KEEPER, None, "short", b"x" * 40):
        assert house.guard.admit(bad)
        assert not house.guard.has_master
    assert house.guard.admit(other) is None
    assert house.guard.who(other) is Who.MASTER
    await house.guard.shut_out(0)
    assert house.guard.admit(other) == "This token was used before."
