"""Scripts that tests start as programs of their own, because they are to be killed."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TypeAlias

Program: TypeAlias = "subprocess.Popen[str]"
_TESTS = Path(__file__).resolve().parents[1]

_HEAD = f"""
import asyncio, sys
sys.path.insert(0, {str(_TESTS)!r})
from support import package
from support.servers import STUB_NODES, one_node, stub
from custom_nodes.discomfort.comfy_serverless import ComfyConnector

def say(*words):
    print(*words, flush=True)
"""

RUN_FOR_EVER = """
async def main():
    connector = await ComfyConnector.create(sys.argv[1], extra_custom_nodes=[STUB_NODES])
    say("ready", connector.pid)
    number = 0
    while True:
        number += 1
        await connector.execute(stub("StubSleep", seconds=0.2, nonce=number))
asyncio.run(main())
"""

CARRIES_A_VALUE = """
import json
import numpy as np
from pathlib import Path
from custom_nodes.discomfort.discomfort import Discomfort

ROUND = {
    "1": {"class_type": "DiscomfortPort", "inputs": {"unique_id": "value"}},
    "2": {"class_type": "DiscomfortPort", "inputs": {"unique_id": "value", "input_data": ["1", 0]}},
}

async def main():
    discomfort = await Discomfort.create(sys.argv[1])
    context = discomfort.Context()
    token = json.loads(Path(context.folder, "receipts.json").read_text(encoding="utf-8"))["token"]
    say("ready", discomfort.Worker.pid)
    say(token)
    say(context.folder)
    for_ever = {"iterations": None, "until": lambda context: False}
    await discomfort.run(ROUND, {"value": np.zeros(200_000)}, context=context, **for_ever)
asyncio.run(main())
"""

FILLS_THE_DISK = """
import os, tempfile
from pathlib import Path
import psutil
from custom_nodes.discomfort.discomfort import Discomfort
from custom_nodes.discomfort.errors import NodeFailed

def empty(side, color):
    return {
        "class_type": "EmptyImage",
        "inputs": {"width": side, "height": side, "batch_size": 1, "color": color},
    }

def save(color):
    inputs = {"images": ["1", 0], "filename_prefix": "p"}
    return {"1": empty(2048, color), "2": {"class_type": "SaveImage", "inputs": inputs}}

def keep(color):
    port = {"unique_id": "picture", "input_data": ["1", 0]}
    return {"1": empty(2048, color), "2": {"class_type": "DiscomfortPort", "inputs": port}}

async def main():
    async with await Discomfort.create(sys.argv[1]) as discomfort:
        worker = psutil.Process(discomfort.Worker.pid)
        ballast = Path(tempfile.gettempdir(), "ballast")
        unlimited = worker.rlimit(psutil.RLIMIT_FSIZE)
        with discomfort.Context() as context:
            context.save("before", "kept")
            if sys.argv[2] == "limit":
                worker.rlimit(psutil.RLIMIT_FSIZE, (4096, unlimited[1]))
            else:
                room = os.statvfs(ballast.parent)
                ballast.write_bytes(bytes(room.f_bavail * room.f_frsize - 8192))
            for prompt in (save(1), keep(2)):
                try:
                    await discomfort.run(prompt, context=context)
                    say("it worked")
                except NodeFailed as e:
                    say(e.node_type, "OUTPUT_DIRECTORY" in str(e) and "TMPDIR" in str(e))
            ballast.unlink(missing_ok=True)
            worker.rlimit(psutil.RLIMIT_FSIZE, unlimited)
            await discomfort.run(save(3), context=context)
            results = await discomfort.run(keep(4), context=context)
            say(tuple(results["picture"].shape), context.load("before"), worker.is_running())
asyncio.run(main())
"""

MANY_AT_ONCE = """
import resource, psutil
from custom_nodes.discomfort.discomfort import Discomfort
from custom_nodes.discomfort.worker.client.http import Transport

ROUND = {
    "1": {"class_type": "DiscomfortPort", "inputs": {"unique_id": "value"}},
    "2": {"class_type": "DiscomfortPort", "inputs": {"unique_id": "made", "input_data": ["1", 0]}},
}

async def main():
    count, limit = int(sys.argv[2]), int(sys.argv[3])
    async with await Discomfort.create(sys.argv[1]) as discomfort:
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
        runs = [discomfort.run(ROUND, {"value": {"number": i}}) for i in range(count)]
        results = await asyncio.gather(*runs)
        say([r["made"] for r in results] == [{"number": i} for i in range(count)])
        http = Transport(discomfort.Worker.server_address, discomfort.Worker.auth_headers)
        say((await http.get("/fake/requests")).json().get("/object_info"))
        await http.close()
asyncio.run(main())
"""

EXECUTES_WITH_FEW_DESCRIPTORS = """
import os, resource
async def main():
    connector = await ComfyConnector.create(sys.argv[1], extra_custom_nodes=[STUB_NODES])
    await connector.execute(one_node(0))
    used = len(os.listdir("/proc/self/fd"))
    resource.setrlimit(resource.RLIMIT_NOFILE, (used + 6, 4096))
    taken = [os.dup(0) for _ in range(6)]
    async def give_back():
        await asyncio.sleep(2)  # until then every connection fails
        for fd in taken[:4]:
            os.close(fd)
    runs = [connector.execute(one_node(i)) for i in range(1, 41)]
    *results, _ = await asyncio.gather(*runs, give_back())
    say([r.outputs["2"]["text"][0] for r in results] == [str(i) for i in range(1, 41)])
    for fd in taken[4:]:
        os.close(fd)
    await connector.kill_api()
asyncio.run(main())
"""

START_ONLY = """
async def main():
    creating = asyncio.ensure_future(ComfyConnector.create(sys.argv[1]))
    from custom_nodes.discomfort.worker.launch import process
    while not any(w.pid for w in process._living):
        await asyncio.sleep(0.005)
    say("ready", *[w.pid for w in process._living])
    await creating
    await asyncio.sleep(60)
asyncio.run(main())
"""

UPLOADS = """
async def main():
    connector = await ComfyConnector.create(sys.argv[1])
    path = connector.upload_data(
        package.__file__, subfolder="made_by_a_test", is_ephemeral=True
    )
    say("ready", connector.pid)
    say(path)
    if {wait}:
        await asyncio.sleep(60)
asyncio.run(main())
"""

ENDS_WITHOUT_KILL = """
async def main():
    connector = await ComfyConnector.create(sys.argv[1], extra_custom_nodes=[STUB_NODES])
    say("ready", connector.pid)
    await connector.execute(one_node(1))
asyncio.run(main())
"""

FORKS = """
import os
async def main():
    connector = await ComfyConnector.create(sys.argv[1], extra_custom_nodes=[STUB_NODES])
    say("ready", connector.pid)
    if os.fork() == 0:
        sys.exit(0)  # runs the exit handlers of a child that owns no worker
    os.wait()
    result = await connector.execute(one_node(5))
    say("still", result.outputs["2"]["text"][0])
asyncio.run(main())
"""


def start(script: str, *arguments: object, before: str = "", **environment: str) -> Program:
    """The script as a program with those arguments; mostly it says "ready PID" of its worker.

    Args:
        before: shell commands to run first, in a name space for mounts of their own.
        environment: further variables.
    """
    command = [sys.executable, "-c", _HEAD + script, *map(str, arguments)]
    if before:
        command = ["unshare", "-m", "sh", "-c", f"{before} && exec {shlex.join(command)}"]
    return subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, **environment},
    )


def run(
    script: str | Path, *arguments: object, cwd: Path | None = None, **environment: str | None
) -> subprocess.CompletedProcess[str]:
    """A user's script, run to its end, with nothing of the tests in it; it must end well.

    Args:
        environment: variables to set, or (None) to take out.
    """
    changed = {"PYTHONDONTWRITEBYTECODE": None, **environment}
    kept = {k: v for k, v in os.environ.items() if k not in changed}
    done = subprocess.run(
        [sys.executable, str(script), *map(str, arguments)],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=300,
        env={**kept, **{k: v for k, v in changed.items() if v is not None}},
    )
    assert done.returncode == 0 and "Traceback" not in done.stderr, done.stderr
    return done


def worker_pid(program: subprocess.Popen[str]) -> int:
    """Wait until the script says that its worker runs."""
    assert program.stdout
    for line in program.stdout:
        if line.startswith("ready"):
            return int(line.split()[1])
    assert program.stderr
    raise AssertionError(f"the script ended early: {program.stderr.read()}")
