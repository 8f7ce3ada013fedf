"""Servers for tests: which there are, connectors to them, and the check that nothing of them is
left.

`tests/conftest.py` makes the fixtures of this module known. A `Server` is the fake one of
tests/fakes or a real ComfyUI: COMFYUI_PATH, or those in the user's cache folder (ComfyUI and
ComfyUI-*).
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NoReturn

import psutil
import pytest
from custom_nodes.discomfort.comfy_serverless import ComfyConnector, WorkerOptions
from custom_nodes.discomfort.system.config import WorkerConfig, load_config
from custom_nodes.discomfort.worker.launch import process, worker_folder
from custom_nodes.discomfort.worker.launch.find_comfyui import (
    find_python,
    is_comfyui,
    user_cache_dir,
)
from custom_nodes.discomfort.worker.launch.tcp_ports import listening_ports

TESTS = Path(__file__).resolve().parents[1]
FAKE = TESTS / "fakes"
STUB_NODES = TESTS / "stub_nodes"
NODE_PACKS = TESTS / "node_packs"  # each a folder for custom_nodes
REQUIRE_VARIABLE = "DISCOMFORT_REQUIRE_COMFYUI"
DEADLINE_S = 120.0  # nothing is slow on purpose: a busy machine is


@dataclass(frozen=True)
class Server:
    """A ComfyUI folder; `name` is the id of the test."""

    name: str
    path: Path

    @property
    def is_fake(self) -> bool:
        return self.path == FAKE


def real_servers() -> list[Server]:
    """Every real ComfyUI on this machine that tests may start."""
    asked = os.environ.get("COMFYUI_PATH")
    cache = user_cache_dir()
    places = [Path(asked)] if asked else [cache / "ComfyUI"]
    places += sorted(cache.glob("ComfyUI-*"))
    found = {p.resolve(): p for p in places if is_comfyui(p) and p.resolve() != FAKE}
    return [Server(p.name, p) for p in found.values()]


def server_params() -> list[Any]:
    """The parameters for tests that must hold on every server."""
    params: list[Any] = [pytest.param(Server("fake", FAKE), id="fake")]
    found = real_servers()
    params += [pytest.param(server, id=server.name) for server in found]
    if not found:
        missing = Server("real", Path("no ComfyUI found"))
        params.append(pytest.param(missing, id="real"))
    return params


def require(server: Server) -> Server:
    """Skip when there is no real ComfyUI, or fail where one is required."""
    if not (server.path / "main.py").is_file():
        skip_or_fail(
            "no real ComfyUI was found: set COMFYUI_PATH, or let bootstrap.py install one into "
            f"{user_cache_dir() / 'ComfyUI'}"
        )
    return server


def skip_or_fail(reason: str) -> NoReturn:
    """Skip for want of what this machine lacks; a failure where nothing may be skipped."""
    if os.environ.get(REQUIRE_VARIABLE) == "1":
        pytest.fail(f"{REQUIRE_VARIABLE}=1, and {reason}")
    pytest.skip(reason)


@pytest.fixture(scope="session")
def comfyui_dirs() -> dict[str, Path]:
    """`name -> folder` of the fake and of every real ComfyUI."""
    return {s.name: s.path for s in [Server("fake", FAKE), *real_servers()]}


@pytest.fixture(scope="session", params=server_params())
def server(request: pytest.FixtureRequest) -> Server:
    """Every server in turn."""
    return require(request.param)


Make = Callable[..., Awaitable[ComfyConnector]]


def write_config(folder: Path, comfyui: Path, **config: Any) -> Path:
    """A comfy_serverless.json for that ComfyUI."""
    path = folder / f"comfy_serverless_{abs(hash((comfyui, repr(config))))}.json"
    path.write_text(json.dumps({"COMFYUI_PATH": str(comfyui), **config}), encoding="utf-8")
    return path


@pytest.fixture
async def make_connector(tmp_path: Path) -> AsyncIterator[Make]:
    """`await make_connector(folder, config={}, extra_args=...)`; all are killed at the end of the
    test.
    """
    made: list[ComfyConnector] = []

    async def make(
        comfyui: Path = FAKE, *, config: dict[str, Any] | None = None, **arguments: Any
    ) -> ComfyConnector:
        arguments.setdefault("extra_custom_nodes", [STUB_NODES])
        path = write_config(tmp_path, comfyui, **(config or {}))
        connector = await ComfyConnector.create(path, **arguments)
        made.append(connector)
        return connector

    yield make
    for connector in made:
        await connector.kill_api()


@contextlib.contextmanager
def worker_for_many(
    server: Server,
    folder: Path,
    extra_args: Iterable[str] = (),
    packs: Iterable[Path] = (),
) -> Iterator[ComfyConnector]:
    """A worker that several tests use, each of which has an event loop of its own."""
    path = write_config(folder, server.path)
    # Not by `create`: a test that makes its own must not be given this one, and kill it.
    config = load_config(WorkerConfig, path.name, path)
    options = WorkerOptions(extra_custom_nodes=[STUB_NODES, *packs], extra_args=extra_args)
    connector = ComfyConnector(config, options)
    asyncio.run(connector.start())
    try:
        yield connector
    finally:
        asyncio.run(connector.kill_api())


@pytest.fixture(scope="session")
def shared(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ComfyConnector]:
    """One worker for all tests that only use it."""
    with worker_for_many(server, tmp_path_factory.mktemp("config")) as connector:
        yield connector


@contextlib.contextmanager
def plain_server(
    server: Server,
    base: Path,
    *,
    with_extension: bool,
    port: int = 0,
    arguments: Sequence[str] = ("--cpu",),
    environment: dict[str, str] | None = None,
) -> Iterator[tuple[str, int]]:
    """A ComfyUI as a user starts it, all its folders below `base`; `(address, pid)`.

    Args:
        arguments: for its main.py. The address is on 127.0.0.1, whatever they say.
    """
    nodes = base / "custom_nodes"
    for folder in (nodes, base / "models", base / "input", base / "output", base / "user"):
        folder.mkdir(parents=True, exist_ok=True)
    wanted = {"stub_nodes": STUB_NODES, **({"discomfort": TESTS.parent} if with_extension else {})}
    for name, target in wanted.items():
        if not (nodes / name).exists():
            worker_folder.link_folder(nodes / name, target)
    python = find_python(server.path) or Path(sys.executable)
    command = [str(python), "main.py", "--port", str(port), "--base-directory", str(base)]
    command += arguments
    command += ["--database-url", f"sqlite:///{base / 'comfyui.db'}"]
    with pytest.MonkeyPatch.context() as patch:
        own_data_folder(patch, base / "data")  # a script of this user has it, too
        inherited = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
        if with_extension:
            inherited["PYTHONPATH"] = str(_own_requirements(base / "modules"))
        with (base / "log.txt").open("wb") as log:
            program = subprocess.Popen(
                command,
                cwd=server.path,
                stdout=log,
                stderr=log,
                start_new_session=True,
                env={**inherited, **(environment or {})},
            )
        try:
            wait_until(
                lambda: listening_ports(program.pid) or program.poll() is not None,
                "the start of a plain server",
                deadline_s=300,
            )
            assert program.poll() is None, (base / "log.txt").read_text(errors="replace")
            yield f"http://127.0.0.1:{listening_ports(program.pid)[0]}", program.pid
        finally:
            program.kill()
            program.wait()


def _own_requirements(folder: Path) -> Path:
    """What our requirements.txt brings and ComfyUI 0.3.64 does not: and may not be given."""
    folder.mkdir(exist_ok=True)
    spec = find_spec("simpleeval")
    assert spec is not None and spec.origin is not None
    shutil.copy(spec.origin, folder)
    return folder


def own_data_folder(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Let this process, and those it starts, keep a user's data below `folder`."""
    for name in ("XDG_DATA_HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(name, str(folder))
    if sys.platform == "darwin":
        monkeypatch.setenv("HOME", str(folder))


def children() -> set[int]:
    """The pids of all that this process started and that still runs."""
    found = set()
    for child in psutil.Process().children(recursive=True):
        try:
            if child.status() != psutil.STATUS_ZOMBIE:
                found.add(child.pid)
        except psutil.Error:
            continue
    return found


def worker_folders() -> set[Path]:
    """The folders of this process's workers."""
    place = worker_folder.base_dir() / "workers"
    return set(place.glob(f"{os.getpid()}-*")) if place.is_dir() else set()


def wait_until(condition: Callable[[], Any], what: str, deadline_s: float = DEADLINE_S) -> None:
    """Poll until the condition holds; fail with `what` after the deadline."""
    end = time.monotonic() + deadline_s
    while not condition():
        if time.monotonic() > end:
            pytest.fail(f"it never happened within {deadline_s} s: {what}")
        time.sleep(0.02)


async def wait_for(condition: Callable[[], Any], what: str, deadline_s: float = DEADLINE_S) -> None:
    """`wait_until` that leaves the event loop free."""
    end = time.monotonic() + deadline_s
    while not condition():
        if time.monotonic() > end:
            pytest.fail(f"it never happened within {deadline_s} s: {what}")
        await asyncio.sleep(0.01)


async def until_nothing_is_queued(connector: ComfyConnector) -> None:
    """ComfyUI tells that a prompt has ended a moment before it takes it from its queue."""
    client = await connector._ensure_client()
    end, queue = time.monotonic() + DEADLINE_S, {}
    while time.monotonic() < end:
        queue = (await client.http.get("/queue")).json()
        if not any(queue.values()):
            return
        await asyncio.sleep(0.05)
    pytest.fail(f"something is still in the queue: {queue}")


@pytest.fixture
def leaves_nothing() -> Iterator[None]:
    """After the test: no process and no folder of a worker that was not there before.

    Logs of workers that were made to crash stay by design; here they are taken away.
    """
    before = children(), worker_folders(), set(process._living)
    yield
    gc.collect()
    wait_until(lambda: set(process._living) <= before[2], "the end of the test's workers")
    wait_until(lambda: children() <= before[0], "the end of all processes that the test started")
    worker_folder.remove_retired()  # what nodes saved stays until the process ends
    assert worker_folders() <= before[1]
    used = {folder.name for folder in worker_folders()}
    for log in (worker_folder.base_dir() / "logs").glob(f"{os.getpid()}-*.log"):
        if log.stem not in used:
            log.unlink()


def one_node(value: int = 0) -> dict[str, Any]:
    """The smallest prompt whose result tells that it ran."""
    return {
        "1": {"class_type": "PrimitiveInt", "inputs": {"value": value}},
        "2": {"class_type": "PreviewAny", "inputs": {"source": ["1", 0]}},
    }


def stub(kind: str, **inputs: Any) -> dict[str, Any]:
    """A prompt of one stub node."""
    return {"1": {"class_type": kind, "inputs": inputs, "_meta": {"title": f"my {kind}"}}}


async def assert_works(connector: ComfyConnector) -> None:
    """A good run, as it must be possible after every fault."""
    value = time.monotonic_ns()
    result = await connector.execute(one_node(value), timeout=DEADLINE_S)
    assert result.outputs["2"]["text"] == [str(value)]
