"""A notebook's kernel with runs in it: what is shown, and what its buttons do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from support.kernels import Cell, Kernel, started_kernel
from support.servers import FAKE, STUB_NODES, Server, wait_until, write_config

pytestmark = pytest.mark.one_version

START = """
from discomfort import Discomfort
from discomfort.comfy_serverless import ComfyConnector
from discomfort.sync import Discomfort as Sync
from discomfort.sync.loop_thread import loop_thread
connector = await ComfyConnector.create({config!r}, extra_custom_nodes=[{stubs!r}])
discomfort, sync = Discomfort(connector), Sync(Discomfort(connector), loop_thread())
echo = {{"1": {{"class_type": "PrimitiveString", "inputs": {{"value": "<b>go"}}}},
        "2": {{"class_type": "PreviewAny", "inputs": {{"source": ["1", 0]}},
              "_meta": {{"title": "<script>alert(1)</script>\\udc80"}}}}}}
sleep = {{"1": {{"class_type": "StubSleep", "inputs": {{"seconds": 600.0}}}}}}
print(connector.state)
"""


@pytest.fixture(scope="module")
def kernel(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    folder = tmp_path_factory.mktemp("notebook")
    config = str(write_config(folder, server.path))
    with started_kernel(folder) as started:
        begun = started.good(START.format(config=config, stubs=str(STUB_NODES)))
        assert begun.stdout == "ready\n"
        assert [shown["text/plain"] for shown in begun.places.values()] in ([], [""])
        yield started


def worker_pid(kernel: Kernel) -> int:
    return int(kernel.good("print(connector._server.process.pid)").stdout)


def test_a_run_at_top_level_shows_itself_and_leaves_one_line(kernel: Kernel):
    cell = kernel.good("await discomfort.run(echo, iterations=3)")
    (left,) = cell.places.values()
    assert left["text/plain"].startswith("3 runs done in ") and not cell.stderr
    assert left["text/html"] == f"<div>{left['text/plain']}</div>"
    assert "of 3 done" in cell.history[0]
    assert "<table>" in cell.result["text/html"] and "<script>" not in cell.result["text/html"]
    assert "&lt;b&gt;go" in cell.result["text/html"]


def test_a_loop_of_runs_and_runs_at_once_leave_one_line(kernel: Kernel):
    for code in (
        "for _ in range(4): await discomfort.run(echo)",
        "import asyncio; _ = await asyncio.gather(*(discomfort.run(echo) for _ in range(4)))",
    ):
        cell = kernel.good(code)
        (left,) = cell.places.values()
        assert left["text/plain"].startswith("4 runs done in ")


def test_a_title_is_text_while_it_is_shown(kernel: Kernel):
    cell = kernel.good(
        "from discomfort.run import notebook_view\n"
        "every_s, notebook_view._EVERY_S = notebook_view._EVERY_S, 0\n"
        "_ = await discomfort.run(echo)\n"
        "notebook_view._EVERY_S = every_s"
    )
    assert any("<script>alert(1)</script>\\udc80" in text for text in cell.history)
    assert not any("<script" in page for page in cell.pages)
    assert any("&lt;script&gt;alert(1)" in page for page in cell.pages)


def test_nothing_is_shown_where_that_was_asked_for(kernel: Kernel):
    assert not kernel.good("_ = await discomfort.run(echo, progress=False)").places


def is_at_work(cell: Cell) -> bool:
    return any("step " in shown for shown in cell.history)


@pytest.mark.parametrize("is_sync", [False, True])
def test_interrupting_the_kernel_ends_the_run_and_keeps_the_worker(kernel: Kernel, is_sync: bool):
    before = worker_pid(kernel)
    run = "sync.run" if is_sync else "await discomfort.run"
    cell = kernel.run(f"{run}(sleep)", interrupt_when=is_at_work)
    assert cell.error == ("KeyboardInterrupt" if is_sync else "CancelledError")
    (left,) = cell.places.values()
    assert "interrupted after" in left["text/plain"]
    assert worker_pid(kernel) == before
    assert kernel.good(f"{run}(echo)").result


def test_a_kernel_that_is_killed_leaves_no_worker(kernel: Kernel):
    """As "Restart" does, where the kernel does not answer. The last: no other has a kernel then."""
    process = psutil.Process(worker_pid(kernel))
    kernel.manager.shutdown_kernel(now=True)
    wait_until(lambda: not process.is_running() or process.status() == "zombie", "its end")


@pytest.mark.usefixtures("ends_keepers")
def test_a_restarted_kernel_has_the_worker_of_before(tmp_path: Path):
    config = str(write_config(tmp_path, FAKE))
    begin = f"from discomfort import Discomfort\ndiscomfort = await Discomfort.create({config!r})"
    pids = []
    for _ in range(2):
        with started_kernel(tmp_path, DISCOMFORT_KEEP_WARM="") as kernel:  # the default
            begun = kernel.good(begin)
            assert begun.stderr.count("stays warm for 300 s") == 1
            assert len(begun.stderr.splitlines()) == 1
            pids.append(kernel.good("print(discomfort.Worker._server.process.pid)").stdout)
            assert kernel.good("print(discomfort.Worker.state)").stdout == "ready\n"
    assert pids[0] == pids[1]
