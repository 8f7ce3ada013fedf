"""Scripts that tests start as programs of their own, because they are to be killed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

_TESTS = Path(__file__).resolve().parent

_HEAD = f"""
import asyncio, sys
sys.path.insert(0, {str(_TESTS)!r})
import conftest
from servers import STUB_NODES, one_node, stub
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

START_ONLY = """
async def main():
    creating = asyncio.ensure_future(ComfyConnector.create(sys.argv[1]))
    from custom_nodes.discomfort.worker import process
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
        conftest.__file__, subfolder="made_by_a_test", is_ephemeral=True
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


def start(script: str, config: Path) -> subprocess.Popen[str]:
    """The script as a program; it says "ready PID" when its worker has that pid."""
    return subprocess.Popen(
        [sys.executable, "-c", _HEAD + script, str(config)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip


def worker_pid(program: subprocess.Popen[str]) -> int:
    """Wait until the script says that its worker runs."""
    assert program.stdout
    for line in program.stdout:
        if line.startswith("ready"):
            return int(line.split()[1])
    assert program.stderr
    raise AssertionError(f"the script ended early: {program.stderr.read()}")
