"""A worker that waits for the next script: who joins it, what is left of the last, and faults."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import psutil
import pytest
from custom_nodes.discomfort.errors import WorkerDied, WorkerStartError
from custom_nodes.discomfort.system.processes import started_at
from custom_nodes.discomfort.worker.keep_warm import VARIABLE
from custom_nodes.discomfort.worker.keeper import hand_over, start_keeper
from custom_nodes.discomfort.worker.keeper.found_workers import find_workers, stop_workers
from custom_nodes.discomfort.worker.keeper.job import Job
from custom_nodes.discomfort.worker.keeper.job import Script as Holder
from custom_nodes.discomfort.worker.keeper.keeper import Keeper, State
from custom_nodes.discomfort.worker.keeper.record import has_keepers
from custom_nodes.discomfort.worker.keeper.start_keeper import join_keeper
from custom_nodes.discomfort.worker.keeper.wire import Wire
from custom_nodes.discomfort.worker.keeper.worker_key import worker_key
from custom_nodes.discomfort.worker.launch.process import WorkerProcess
from custom_nodes.discomfort.worker.launch.settings import WorkerOptions, make_launch
from support.keepers import Script, is_gone, until_idle
from support.programs import Program
from support.servers import (
    FAKE,
    STUB_NODES,
    Server,
    assert_works,
    stub,
    wait_for,
    wait_until,
    write_config,
)

pytestmark = pytest.mark.usefixtures("ends_keepers")

posix = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")

SAVE = {
    "1": {
        "class_type": "EmptyImage",
        "inputs": {"width": 8, "height": 8, "batch_size": 1, "color": 255},
    },
    "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "mine"}},
}
SAVE_TOO = {
    "4": SAVE["1"],
    "5": {"class_type": "SaveImage", "inputs": {"images": ["4", 0], "filename_prefix": "mine"}},
}


async def warm(folder: Path, **options: Any) -> int:
    """Have a worker wait for the next script; its process id."""
    script = Script(folder, **options)
    await script.start()
    pid = script.worker_pid
    await script.let_go()
    until_idle(pid)
    return pid


def run_for_long(script: Script) -> tuple[asyncio.Future[Any], list[str]]:
    """A run that does not end by itself, and the names of its events so far."""
    events: list[str] = []
    prompt = stub("StubSleep", seconds=600)
    run = script.execute(prompt, on_event=lambda event: events.append(type(event).__name__))
    return asyncio.ensure_future(run), events


async def test_next_script_gets_the_worker_and_nothing_of_the_last_one(tmp_path: Path):
    first, second = Script(tmp_path), Script(tmp_path)
    await first.start()
    assert not first.kept.was_joined
    saved = (await first.execute(SAVE)).files["2"][0].path
    await assert_works(first)
    headers, address, pid = first.auth_headers, first.server_address, first.worker_pid
    async with aiohttp.ClientSession(headers=headers) as session:
        listening = await session.ws_connect(f"{address}/ws?clientId=mine")
        await first.let_go()
        await second.start()
        assert second.kept.was_joined and second.worker_pid == pid
        while not listening.closed:  # it was told of the state of the queue before
            await listening.receive()
        async with session.get(f"{address}/system_stats") as reply:
            assert reply.status == 401
    assert second.auth_headers != headers
    assert saved.is_file()  # the script that saved it still runs
    assert second.folders["output"] != first_output(saved) and not os.listdir(
        second.folders["output"]
    )
    assert "starting" not in second.logs(None).lower()  # what it said for the first script is gone
    await assert_works(second)
    with pytest.raises(WorkerStartError, match="was killed"):
        await first.start()
    await second.kill_api()
    assert is_gone(pid) and saved.is_file()
    first.end_as_a_script()
    wait_until(lambda: not saved.exists(), "the end of what was saved")


def first_output(saved: Path) -> str:
    return str(saved.parent)


async def test_scripts_in_a_row_load_a_model_once(server: Server, tmp_path: Path):
    pids, loads = set(), []
    for seed in range(3):
        script = Script(tmp_path, server.path)
        await script.start()
        result = await script.execute(
            {
                "1": {
                    "class_type": "StubLoadFile",
                    "inputs": {"file": "base.safetensors", "precision": "default"},
                },
                "2": {"class_type": "StubUseModel", "inputs": {"model": ["1", 0], "seed": seed}},
                "3": {"class_type": "PreviewAny", "inputs": {"source": ["2", 1]}},
            }
            | SAVE_TOO
        )
        pids.add(script.worker_pid)
        loads += result.outputs["3"]["text"]
        assert [file.path.name for file in result.files["5"]] == ["mine_00001_.png"]
        await script.let_go()
    assert len(pids) == 1 and loads == ["1", "1", "1"]


async def test_two_scripts_at_once_have_a_worker_each(tmp_path: Path):
    first, second = Script(tmp_path), Script(tmp_path)
    await asyncio.gather(first.start(), second.start())
    assert first.worker_pid != second.worker_pid
    await asyncio.gather(assert_works(first), assert_works(second))
    await first.let_go()
    await second.let_go()
    until_idle(first.kept.pid or 0)


async def test_of_thirty_scripts_at_once_one_gets_the_worker(tmp_path: Path):
    pid = await warm(tmp_path)
    path = write_config(tmp_path, FAKE)
    script = Script(tmp_path)
    key = worker_key(make_launch(script._config, script._options))
    holder = Holder(os.getpid(), started_at(os.getpid()) or 0.0, 60.0)
    got: list[Any] = []
    threads = [
        threading.Thread(target=lambda: got.append(join_keeper(key, holder))) for _ in range(30)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (joined,) = [one for one in got if one is not None]
    assert path.is_file() and joined.ready["worker_pid"] == pid
    joined.wire.close()
    until_idle(pid)


@posix
async def test_twenty_masters_killed_in_a_row_leave_the_worker_to_a_good_one(tmp_path: Path):
    pid, config = await warm(tmp_path), write_config(tmp_path, FAKE)
    sleep = '{"1": {"class_type": "StubSleep", "inputs": {"seconds": 60, "nonce": %d}}}'
    for number in range(20):
        prompt = [sleep % number] if number % 2 else []  # every other one in the middle of a run
        program = Program("worker/hold_a_worker", config, 60, *prompt)
        assert program.line() == f"ready {pid} True"
        if prompt:
            assert program.line() == "queued"
        program.kill()
    good = Script(tmp_path)
    await good.start()
    assert good.worker_pid == pid
    await assert_works(good)
    await good.kill_api()


@posix
def test_master_killed_while_its_worker_starts_takes_it_along(tmp_path: Path):
    config = write_config(tmp_path, FAKE, EXTRA_ARGS=["--misbehave", "slow-start=60"])
    program = Program("worker/hold_a_worker", config, 60)
    pid = program.worker_pid()
    program.kill()
    wait_until(lambda: is_gone(pid), "the end of the worker")
    assert find_workers() == []


@posix
def test_value_that_a_killed_script_carried_is_freed(tmp_path: Path):
    config = write_config(tmp_path, FAKE, KEEP_WARM_S=60)
    program = Program("worker/carry_a_value", config)
    pid, token, folder = program.worker_pid(), program.line(), Path(program.line())
    wait_until(lambda: _blocks_of(token) or not Path("/dev/shm").is_dir(), "a value")
    program.kill()
    until_idle(pid)
    assert not folder.exists() and _blocks_of(token) == []


def _blocks_of(token: str) -> list[str]:
    shared = Path("/dev/shm")
    return [p.name for p in shared.iterdir() if token in p.name] if shared.is_dir() else []


async def test_worker_that_nobody_wants_ends_after_its_time(tmp_path: Path):
    script = Script(tmp_path, keep_s=0.5)
    await script.start()
    pid, keeper, log = script.worker_pid, script.keeper_pid, script.log_path
    await script.let_go()
    wait_until(lambda: is_gone(pid) and is_gone(keeper), "the end of both")
    assert find_workers() == [] and log is not None
    wait_until(lambda: not Path(log).exists(), "the end of its log")


async def test_seconds_that_the_last_script_asks_for_count(tmp_path: Path):
    await warm(tmp_path, keep_s=600.0)
    script = Script(tmp_path, keep_s=100.0)
    await script.start()
    await script.let_go()
    until_idle(script.kept.pid or 0)
    (found,) = find_workers()
    assert found.left_s is not None and 50 < found.left_s <= 100
    assert script.logs(None) == ""  # nothing of a script lies about while nobody has the worker


async def test_script_that_says_nothing_takes_one_that_waits_and_leaves_it_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv(VARIABLE)
    alone = Script(tmp_path, keep_s=None)
    await alone.start()
    assert not has_keepers()
    await alone.let_go()
    pid = await warm(tmp_path, keep_s=600.0)
    quiet, beside, asking = (Script(tmp_path, keep_s=seconds) for seconds in (None, None, 0))
    await asking.start()
    await quiet.start()
    assert quiet.worker_pid == pid
    await beside.start()
    own = beside.worker_pid
    assert own != pid
    for script in (asking, beside, quiet):
        await assert_works(script)
        await script.let_go()
    until_idle(pid)
    wait_until(lambda: is_gone(own), "the end of the one that nobody wants")
    (found,) = find_workers()
    assert found.left_s is not None and found.left_s > 500


@posix
async def test_keeper_that_is_killed_takes_the_worker_along(tmp_path: Path):
    script = Script(tmp_path)
    await script.start()
    pid, keeper = script.worker_pid, script.keeper_pid
    running, events = run_for_long(script)
    await wait_for(lambda: "NodeStarted" in events, "the run")
    os.kill(keeper, signal.SIGKILL)
    with pytest.raises(WorkerDied):
        await running
    wait_until(lambda: is_gone(pid), "the end of the worker")
    await assert_works(script)
    await script.kill_api()


async def test_worker_that_dies_is_told_with_its_last_lines_and_replaced(tmp_path: Path):
    script = Script(tmp_path)
    await script.start()
    keeper = script.keeper_pid
    with pytest.raises(WorkerDied, match="StubKill") as caught:
        await script.execute(stub("StubKill", signal_name="SIGKILL"))
    assert caught.value.exit_code not in (None, 0) and caught.value.last_log_lines
    wait_until(lambda: is_gone(keeper), "the end of the keeper")
    assert find_workers() == []
    await assert_works(script)
    await script.kill_api()
    assert find_workers() == []


@posix
async def test_keeper_that_is_terminated_ends_its_worker_and_its_folder(tmp_path: Path):
    pid = await warm(tmp_path)
    (found,) = start_keeper.find_keepers()
    os.kill(found.record.pid, signal.SIGTERM)
    wait_until(lambda: is_gone(found.record.pid) and is_gone(pid), "the end of both")
    assert not found.folder.exists()


async def test_idle_worker_that_dies_takes_its_keeper_along(tmp_path: Path):
    pid = await warm(tmp_path)
    (found,) = find_workers()
    psutil.Process(pid).kill()
    wait_until(lambda: is_gone(found.keeper_pid), "the end of the keeper")
    assert await warm(tmp_path) != pid


@posix
async def test_keeper_that_does_not_answer_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    pid = await warm(tmp_path)
    (found,) = find_workers()
    os.kill(found.keeper_pid, signal.SIGSTOP)
    try:
        monkeypatch.setattr("custom_nodes.discomfort.worker.keeper.wire._PROOF_TIMEOUT_S", 0.2)
        (silent,) = find_workers()
        assert silent.state == "silent"
        assert await warm(tmp_path) != pid
    finally:
        os.kill(found.keeper_pid, signal.SIGCONT)


async def test_node_pack_that_has_changed_makes_another_worker_and_ends_the_old(tmp_path: Path):
    pack = tmp_path / "pack"
    pack.mkdir()
    (pack / "__init__.py").write_text("NODE_CLASS_MAPPINGS = {}\n")
    packs = [STUB_NODES, pack]
    old = await warm(tmp_path, extra_custom_nodes=packs)
    assert await warm(tmp_path, extra_custom_nodes=packs) == old
    (pack / "deep").mkdir()
    (pack / "deep" / "part.py").write_text("x = 1\n")
    assert await warm(tmp_path, extra_custom_nodes=packs) != old
    wait_until(lambda: is_gone(old), "the end of the outdated worker")


async def test_held_worker_whose_sources_have_changed_ends_with_its_script(tmp_path: Path):
    pack = tmp_path / "pack.py"
    pack.write_text("NODE_CLASS_MAPPINGS = {}\n")
    first, second = (Script(tmp_path, extra_custom_nodes=[STUB_NODES, pack]) for _ in range(2))
    await first.start()
    pid = first.worker_pid
    pack.write_text("NODE_CLASS_MAPPINGS = {}  # changed\n")
    await second.start()
    await assert_works(first)
    await first.let_go()
    wait_until(lambda: is_gone(pid), "the end of the outdated worker")
    await second.kill_api()


async def test_start_that_fails_says_why_and_leaves_nothing(tmp_path: Path):
    script = Script(tmp_path, extra_args=["--misbehave", "exit-at-start=3"])
    with pytest.raises(WorkerStartError) as caught:
        await script.start()
    assert "with exit code 3" in str(caught.value)
    assert str(caught.value).endswith("| [ERROR] This server gives up at once.")
    await script.kill_api()
    assert find_workers() == []


async def test_keeper_that_can_not_start_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    program = tmp_path / "program.py"
    program.write_text("raise RuntimeError('no keeper today')\n")
    script = Script(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(start_keeper, "_PROGRAM", program)
        with pytest.raises(WorkerStartError, match="no keeper today") as caught:
            await script.start()
    assert "keep_warm=0" in str(caught.value)
    await assert_works(script)
    await script.kill_api()


def is_there(log_path: str | None) -> bool:
    assert log_path is not None
    return Path(log_path).exists()


async def test_start_that_is_given_up_ends_the_worker(tmp_path: Path):
    script = Script(tmp_path, extra_args=["--misbehave", "slow-start=60"])
    starting = asyncio.ensure_future(script.start())
    await wait_for(lambda: script._server and script.kept.pid, "a process of the worker")
    pid, log_path = script.worker_pid, script.kept.log_path
    assert is_there(log_path)
    await script.let_go()
    assert is_gone(pid)
    with pytest.raises(WorkerStartError, match="stopped while it started"):
        await starting
    assert not is_there(log_path)


async def test_log_that_an_error_names_stays(tmp_path: Path):
    script = Script(tmp_path, extra_args=["--misbehave", "slow-start=60"])
    starting = asyncio.ensure_future(script.start())
    await wait_for(lambda: script._server and script.kept.pid, "a process of the worker")
    with pytest.raises(WorkerStartError, match="start_timeout=") as caught:
        await script.start(0.1)
    log_path = script.kept.log_path
    assert log_path is not None and log_path in str(caught.value)
    await script.let_go()
    with pytest.raises(WorkerStartError, match="stopped while it started"):
        await starting
    assert is_there(log_path)


async def test_stop_ends_the_worker_that_was_named_and_a_script_hears_of_it(tmp_path: Path):
    held, idle = Script(tmp_path), await warm(tmp_path, extra_args=["--cpu"])
    await held.start()
    with pytest.raises(ValueError, match="no warm worker 1"):
        stop_workers([1])
    assert stop_workers([idle]) == [idle]
    (left,) = find_workers()
    assert (left.pid, left.state, left.held_by) == (held.worker_pid, "held", os.getpid())
    assert left.memory_bytes and left.comfyui == str(FAKE)
    running, events = run_for_long(held)
    await wait_for(lambda: "NodeStarted" in events, "the run")
    await asyncio.to_thread(stop_workers)
    with pytest.raises(WorkerDied):
        await running
    assert find_workers() == []


def test_ephemeral_upload_goes_when_the_script_is_killed(tmp_path: Path):
    config = write_config(tmp_path, FAKE, KEEP_WARM_S=60)
    program = Program("worker/upload", config, "wait")
    pid, path = program.worker_pid(), Path(program.line())
    assert path.is_file()
    program.kill()
    until_idle(pid)
    assert not path.exists()


@posix
def test_ctrl_c_in_the_terminal_of_the_script_is_not_the_workers(tmp_path: Path):
    program = Program("worker/hold_a_worker", write_config(tmp_path, FAKE), 60)
    pid = program.worker_pid()
    wait_until(lambda: bool(find_workers()), "its record")
    (found,) = find_workers()
    assert os.getpgid(found.keeper_pid) != os.getpgid(program.pid) != os.getpgid(pid)
    os.killpg(program.pid, signal.SIGINT)  # as a terminal does
    program.wait()
    until_idle(pid)


@posix
def test_ctrl_c_that_only_lets_it_go_does_not_say_that_it_is_ended(tmp_path: Path):
    config = write_config(tmp_path, FAKE, KEEP_WARM_S=60)
    program = Program("worker/wait_beside_comfyui", config)
    pid = program.worker_pid()
    os.kill(program.pid, signal.SIGINT)
    out, err = program.wait()
    assert out.splitlines() == ["interrupted"] and "being ended" not in err, err
    until_idle(pid)


async def test_worker_that_does_not_get_idle_in_time_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """The keeper's part, in this process: 30 s are too long for a test."""
    monkeypatch.setattr(hand_over, "IDLE_WAIT_S", 0.3)
    options = WorkerOptions(extra_custom_nodes=[STUB_NODES])
    script = Script(tmp_path)
    launch = replace(make_launch(script._config, options), keeper_token="k" * 40)
    holder = Holder(os.getpid(), started_at(os.getpid()) or 0.0, 60.0)
    keeper = Keeper(Job(launch, worker_key(launch), holder), WorkerProcess(launch))
    read, write = os.pipe()
    hold = keeper.hold_first(Wire.of_pipes(read, write), holder)
    ready = await asyncio.wrap_future(keeper.process.start())
    assert keeper.is_ready(ready)
    async with aiohttp.ClientSession(headers=ready.auth_headers) as session:
        body = {"prompt": stub("StubBlock", seconds=60, nonce=1)}
        await session.post(f"http://{ready.address}/prompt", json=body)
        running: list[Any] = []
        while not running:
            async with session.get(f"http://{ready.address}/queue") as reply:
                running = (await reply.json())["queue_running"]
    keeper.leave(hold)
    await wait_for(lambda: keeper.state is not State.LEAVING, "the end of the try")
    assert keeper.state is State.ENDING
    keeper.process.stop()
    os.close(read)


async def test_nothing_but_a_script_of_this_user_gets_an_answer(tmp_path: Path):
    pid = await warm(tmp_path)
    (found,) = start_keeper.find_keepers()
    kind, place = found.record.address
    reader, writer = await (
        asyncio.open_unix_connection(place)
        if kind == "unix"
        else asyncio.open_connection("127.0.0.1", place)
    )
    writer.write(b'{"nonce": "x"}\n{"proof": "wrong"}\n{"ask": "end"}\n')
    await reader.readline()  # its own proof
    assert await reader.read() == b""
    writer.close()
    with pytest.raises(OSError, match="does not know"):
        start_keeper.connect(found.record.address, "another secret")
    assert [w.pid for w in find_workers()] == [pid]
