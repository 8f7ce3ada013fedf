"""The API without `await`: from scripts and threads, with Ctrl+C, in a fork, in an event loop."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import io
import os
import pydoc
import signal
import threading
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import psutil
import pytest
from custom_nodes.discomfort.comfy_serverless import ComfyConnector
from custom_nodes.discomfort.discomfort import Discomfort as AsyncDiscomfort
from custom_nodes.discomfort.errors import ExecutionError, MissingInputError
from custom_nodes.discomfort.events import Finished, NodeStarted, Queued
from custom_nodes.discomfort.sync import Discomfort
from custom_nodes.discomfort.sync.loop_thread import loop_thread
from support.programs import Program
from support.prompts import port
from support.servers import FAKE, STUB_NODES, Server, wait_until, write_config

pytestmark = pytest.mark.one_version


@pytest.fixture(scope="module")
def discomfort(server: Server, tmp_path_factory) -> Iterator[Discomfort]:
    thread, config = loop_thread(), write_config(tmp_path_factory.mktemp("sync"), server.path)
    connector = thread.wait(
        lambda _: ComfyConnector.create(config, extra_custom_nodes=[STUB_NODES])
    )
    with Discomfort(AsyncDiscomfort(connector), thread) as made:
        yield made


def echo(kind: str = "PrimitiveInt") -> dict:
    return {
        "1": port("number"),
        "2": {"class_type": kind, "inputs": {"value": ["1", 0]}},
        "3": port("number", ["2", 0]),
    }


def test_a_run_gives_what_the_other_api_gives(discomfort):
    assert discomfort.run(echo(), {"number": 4}) == {"number": 4}
    plan = discomfort.plan(echo())
    assert plan.missing == ("number",)
    with discomfort.Context() as context:
        discomfort.run(echo(), {"number": 5}, context=context)
        assert context.load("number") == 5
    assert discomfort.Tools.run_sequential([echo()], {"number": 6}) == {"number": 6}
    assert "PrimitiveInt" in discomfort.Worker.object_info()
    assert discomfort.Worker.state == "ready"


def test_errors_are_raised_where_it_was_called(discomfort):
    with pytest.raises(MissingInputError, match="'number'"):
        discomfort.run(echo())


def test_functions_are_called_in_the_thread_that_waits_and_may_wait_in_turn(discomfort):
    threads, values = [], []

    def until(context) -> bool:
        threads.append(threading.current_thread())
        values.append(discomfort.run(echo(), {"number": len(values)})["number"])
        return len(values) == 3

    def on_event(event) -> None:
        threads.append(threading.current_thread())

    discomfort.run(echo(), {"number": 1}, iterations=None, until=until, on_event=on_event)
    assert values == [0, 1, 2] and set(threads) == {threading.current_thread()}


@pytest.mark.parametrize("name", ["until", "on_event"])
def test_what_a_function_raises_ends_the_run_and_is_raised(discomfort, name):
    def refuse(_: object) -> None:
        raise LookupError("enough")

    with pytest.raises(LookupError, match="enough"):
        discomfort.run(echo(), {"number": 1}, **{name: refuse})
    assert discomfort.run(echo(), {"number": 2}) == {"number": 2}


@pytest.mark.parametrize("error", [StopIteration, SystemExit])
@pytest.mark.parametrize("name", ["until", "on_event"])
def test_whatever_a_function_raises_is_raised_and_nothing_hangs(discomfort, name, error):
    def refuse(_: object) -> None:
        raise error

    with pytest.raises(error):
        discomfort.run(echo(), {"number": 1}, **{name: refuse})
    assert discomfort.run(echo(), {"number": 2}) == {"number": 2}


def test_functions_may_be_coroutines_where_they_are_asked(discomfort):
    asked = []

    async def until(context) -> bool:
        asked.append(1)
        return len(asked) == 2

    discomfort.run(echo(), {"number": 1}, iterations=None, until=until)
    assert len(asked) == 2

    async def on_event(event) -> None: ...

    with pytest.raises(TypeError, match="on_event must be a plain function"):
        discomfort.run(echo(), {"number": 1}, on_event=on_event)


def test_a_stream_is_a_loop_over_events(discomfort):
    events = list(discomfort.stream(echo(), {"number": 3}))
    kinds = [type(event) for event in events]
    assert Queued in kinds and NodeStarted in kinds
    assert isinstance(events[-1], Finished) and events[-1].results == {"number": 3}


def test_leaving_a_stream_ends_its_run(discomfort):
    slow = {
        "1": {"class_type": "StubSleep", "inputs": {"seconds": 600.0}},
        "2": port("out", ["1", 0]),
    }
    for event in discomfort.stream(slow):
        if isinstance(event, NodeStarted):
            break
    assert discomfort.run(echo(), {"number": 1}) == {"number": 1}


def test_threads_of_a_web_server_share_one(discomfort):
    def app(environ, start_response):
        number = int(environ["QUERY_STRING"])
        results = discomfort.run(echo(), {"number": number})
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [str(results["number"]).encode()]

    class Threaded(ThreadingMixIn, WSGIServer):
        daemon_threads = True

    class Quiet(WSGIRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            pass

    with make_server("127.0.0.1", 0, app, Threaded, Quiet) as httpd:
        threading.Thread(target=httpd.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{httpd.server_port}/?"

        def get(number: int) -> int:
            with urllib.request.urlopen(f"{url}{number}", timeout=120) as answer:
                return int(answer.read())

        with ThreadPoolExecutor(8) as pool:
            assert list(pool.map(get, range(32))) == list(range(32))
        httpd.shutdown()


async def test_in_an_event_loop_it_says_what_to_do(discomfort):
    with pytest.raises(ExecutionError, match="await"):
        discomfort.run(echo(), {"number": 1})
    assert await asyncio.to_thread(discomfort.run, echo(), {"number": 1}) == {"number": 1}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_in_a_forked_child_it_says_what_to_do(tmp_path):
    with Discomfort.create(write_config(tmp_path, FAKE)) as discomfort:
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                discomfort.run(echo(), {"number": 1})
            except ExecutionError as e:
                os.write(writing, str(e).encode())
            finally:
                os._exit(0)
        os.waitpid(child, 0)
        os.close(writing)
        with open(reading, "rb") as pipe:
            assert b"Make one there" in pipe.read()
        assert discomfort.run(echo(), {"number": 1}) == {"number": 1}


def test_ctrl_c_ends_the_run_and_the_script_goes_on():
    program = Program("sync/interrupted", FAKE)
    assert program.line() == "started"
    os.kill(program.pid, signal.SIGINT)
    assert program.line() == "interrupted"
    assert program.line() == "again 7"
    out, error = program.wait()
    assert program.process.returncode == 0, error
    assert "Ctrl+C was heard" in error


def test_a_script_that_forgets_to_shut_down_ends():
    program = Program("sync/forgetful", FAKE)
    worker = program.worker_pid()
    _, error = program.wait()
    assert program.process.returncode == 0 and "Traceback" not in error
    wait_until(lambda: not _lives(worker), "the worker to end")


def _lives(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


@pytest.mark.parametrize(
    "name", ["create", "run", "plan", "check", "fetch_models", "free", "shutdown"]
)
def test_methods_have_the_arguments_and_words_of_the_others(name):
    ours, theirs = getattr(Discomfort, name), getattr(AsyncDiscomfort, name)
    assert inspect.signature(ours).parameters == inspect.signature(theirs).parameters
    assert ours.__doc__ == theirs.__doc__ and not inspect.iscoroutinefunction(ours)
    with contextlib.redirect_stdout(io.StringIO()) as shown:
        pydoc.help(ours)
    assert "async" not in shown.getvalue().split("\n")[2]


def test_what_is_public_in_one_is_in_the_other():
    def public(kind: type) -> set[str]:
        return {name for name in dir(kind) if not name.startswith("_")}

    assert public(AsyncDiscomfort) <= public(Discomfort)
