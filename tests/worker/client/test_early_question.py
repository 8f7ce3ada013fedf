"""What is asked before anyone needs it: the same answers and errors as when it is asked late."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from custom_nodes.discomfort.errors import ExecutionError
from custom_nodes.discomfort.worker.client.early_question import EarlyQuestion
from custom_nodes.discomfort.worker.client.http import Transport, TransportError
from custom_nodes.discomfort.worker.client.queries import Queries

WAIT_S = 60.0
TOKEN = {"X-Token": "secret"}


class Server:
    """Answers /object_info as it is told to, in turn; the last way stays.

    Attributes:
        ways: "ok", "broken" (status 500), "hang up" (no answer), "silent" (none until it ends).
    """

    def __init__(self, *ways: str):
        self.ways, self.asked = list(ways), 0
        self.got, self.ends = threading.Event(), threading.Event()
        about = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                about.answer(self)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        way = self.ways.pop(0) if len(self.ways) > 1 else self.ways[0]
        self.asked += 1
        self.got.set()
        if request.headers["X-Token"] != TOKEN["X-Token"] or way == "hang up":
            request.close_connection = True
            return
        if way == "silent":
            self.ends.wait(WAIT_S)
            return
        body = json.dumps({"Make": {"number": self.asked}}).encode()
        request.send_response(500 if way == "broken" else 200)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    def close(self) -> None:
        self.ends.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def serve() -> Iterator[type[Server]]:
    made: list[Server] = []

    def make(*ways: str) -> Server:
        made.append(Server(*ways))
        return made[-1]

    yield make  # type: ignore[misc]
    for server in made:
        server.close()


def early_threads() -> list[threading.Thread]:
    return [t for t in threading.enumerate() if t.name == "discomfort-early-question"]


def assert_threads_end() -> None:
    for thread in early_threads():
        thread.join(WAIT_S)
    assert not early_threads()


async def ask(server: Server, is_expected: bool = True) -> dict[str, object]:
    http = Transport(server.url, TOKEN)
    queries = Queries(http)
    try:
        if is_expected:
            queries.expect_object_info()
            queries.expect_object_info()
        answers = await asyncio.gather(queries.object_info(), queries.object_info())
        assert answers[0] is answers[1] is await queries.object_info()
        queries.expect_object_info()  # it is known
        assert_threads_end()
        return answers[0]
    finally:
        queries.drop_early()
        await http.close()


async def test_what_is_asked_early_is_asked_once(serve):
    server = serve("ok")
    assert await ask(server) == {"Make": {"number": 1}}
    assert server.asked == 1
    assert_threads_end()


async def test_nothing_is_asked_early_unless_it_is_expected(serve):
    server = serve("ok")
    Queries(Transport(server.url, TOKEN))
    assert not server.asked and not early_threads()
    assert await ask(server, is_expected=False) == {"Make": {"number": 1}}


@pytest.mark.parametrize("is_expected", [True, False])
async def test_a_server_that_breaks_is_the_same_error(serve, is_expected):
    server = serve("broken")
    with pytest.raises(ExecutionError, match=r"^/object_info gave status 500: .* broken custom"):
        await ask(server, is_expected)
    assert server.asked == 1


async def test_where_no_early_answer_came_it_is_asked_again(serve):
    server = serve("hang up", "ok")
    assert await ask(server) == {"Make": {"number": 2}}


@pytest.mark.parametrize("is_expected", [True, False])
async def test_no_server_is_the_same_error(is_expected, serve):
    server = serve("ok")
    server.url = "http://127.0.0.1:1"
    with pytest.raises(TransportError, match="GET /object_info: "):
        await ask(server, is_expected)


async def test_another_server_is_asked_anew(serve):
    server = serve("ok")
    http = Transport(server.url, TOKEN)
    queries = Queries(http)
    queries.expect_object_info()
    await asyncio.to_thread(server.got.wait, WAIT_S)
    queries.forget()
    assert await queries.object_info() == {"Make": {"number": 2}}
    await http.close()


async def test_one_who_gives_up_waiting_leaves_the_answer_to_the_next(serve):
    server = serve("silent", "ok")
    http = Transport(server.url, TOKEN)
    queries = Queries(http)
    queries.expect_object_info()
    await asyncio.to_thread(server.got.wait, WAIT_S)
    asking = asyncio.ensure_future(queries.object_info())
    await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    server.ends.set()  # without an answer: then it is asked again
    assert await queries.object_info() == {"Make": {"number": 2}}
    await http.close()


def test_an_end_in_the_middle_leaves_no_thread(serve):
    server = serve("silent")
    question = EarlyQuestion(server.url, "/object_info", TOKEN)
    assert server.got.wait(WAIT_S)
    question.close()
    assert question.reply.result(WAIT_S) is None
    assert_threads_end()
    question.close()


def test_an_end_before_the_connection_is_none_after_it():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        question = EarlyQuestion(f"http://127.0.0.1:{listening.getsockname()[1]}", "/", TOKEN)
        question.close()
        assert question.reply.result(WAIT_S) is None
