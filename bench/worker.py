"""Measures the worker: its start against plain `main.py`, and a run against the bare floor.

    python bench/worker.py [--comfyui FOLDER] [--starts 3] [--runs 300]

The floor is what nobody can beat: POST /prompt on a kept-alive connection to the
`execution_success` on an open websocket, by the simplest client.
"""

from __future__ import annotations

import argparse
import asyncio
import http.client
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import uuid
from pathlib import Path
from typing import Any

import websocket
from _project import ROOT


def prompt(value: int) -> dict[str, Any]:
    return {
        "1": {"class_type": "PrimitiveInt", "inputs": {"value": value}},
        "2": {"class_type": "PreviewAny", "inputs": {"source": ["1", 0]}},
    }


def time_plain_start(comfyui: Path) -> float:
    """Seconds from the process's start until /system_stats answers."""
    from custom_nodes.discomfort.worker.launch.find_comfyui import find_python
    from custom_nodes.discomfort.worker.launch.tcp_ports import listening_ports

    python = str(find_python(comfyui) or sys.executable)
    with tempfile.TemporaryDirectory() as folder:
        begin = time.perf_counter()
        command = [python, "main.py", "--cpu", "--port", "0", "--temp-directory", folder]
        command += ["--database-url", "sqlite:///:memory:"]
        program = subprocess.Popen(
            command, cwd=comfyui, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            while True:
                for port in listening_ports(program.pid):
                    try:
                        urllib.request.urlopen(f"http://127.0.0.1:{port}/system_stats", timeout=5)
                        return time.perf_counter() - begin
                    except (OSError, urllib.error.URLError):
                        pass
                if program.poll() is not None:
                    sys.exit(f"plain main.py ended with {program.returncode}")
                time.sleep(0.05)
        finally:
            program.kill()
            program.wait()


async def time_worker_start(config: Path) -> float:
    from custom_nodes.discomfort.comfy_serverless import ComfyConnector

    begin = time.perf_counter()
    connector = await ComfyConnector.create(config)
    taken = time.perf_counter() - begin
    await connector.kill_api()
    return taken


def time_floor(address: str, headers: dict[str, str], runs: int) -> list[float]:
    """Milliseconds of POST to `execution_success`, with nothing around it."""
    host = address.removeprefix("http://")
    client_id = uuid.uuid4().hex
    socket = websocket.create_connection(
        f"ws://{host}/ws?clientId={client_id}", header=[f"{k}: {v}" for k, v in headers.items()]
    )
    connection = http.client.HTTPConnection(host)
    taken = []
    for i in range(runs):
        prompt_id = str(uuid.uuid4())
        body = {
            "prompt": prompt(time.time_ns() + i),
            "prompt_id": prompt_id,
            "client_id": client_id,
        }
        begin = time.perf_counter()
        connection.request("POST", "/prompt", json.dumps(body), headers)
        connection.getresponse().read()
        while True:
            message = socket.recv()
            if (
                isinstance(message, str)
                and '"execution_success"' in message
                and prompt_id in message
            ):
                break
        taken.append((time.perf_counter() - begin) * 1000)
    socket.close()
    connection.close()
    return taken


async def time_runs(connector: Any, runs: int) -> list[float]:
    taken = []
    for i in range(runs):
        begin = time.perf_counter()
        await connector.execute(prompt(time.time_ns() + i))
        taken.append((time.perf_counter() - begin) * 1000)
    return taken


def show(name: str, values: list[float], unit: str) -> float:
    middle = statistics.median(values)
    largest = sorted(values)[int(len(values) * 0.95)] if len(values) > 1 else middle
    print(f"{name:42} median {middle:7.2f} {unit}   p95 {largest:7.2f} {unit}   n={len(values)}")
    return middle


async def bench_runs(config: Path, runs: int) -> None:
    from custom_nodes.discomfort.comfy_serverless import ComfyConnector

    connector = await ComfyConnector.create(config)
    try:
        await time_runs(connector, 50)
        assert connector.server_address is not None
        floors: list[float] = []
        ours: list[float] = []
        for _ in range(4):  # in turns, so that both see the same load of the machine
            floors += await asyncio.to_thread(
                time_floor, connector.server_address, connector.auth_headers, runs // 4
            )
            ours += await time_runs(connector, runs // 4)
    finally:
        await connector.kill_api()
    floor = show("floor: POST to execution_success", floors, "ms")
    run = show("execute()", ours, "ms")
    print(f"{'execute() / floor':42} {run / floor:.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--comfyui", type=Path)
    parser.add_argument("--starts", type=int, default=3)
    parser.add_argument("--runs", type=int, default=400)
    arguments = parser.parse_args()
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # both sides with compiled files
    from custom_nodes.discomfort.worker.launch.find_comfyui import find_comfyui

    comfyui = find_comfyui(str(arguments.comfyui) if arguments.comfyui else None, ROOT)
    if comfyui is None:
        sys.exit("No ComfyUI was found: give --comfyui FOLDER, or set COMFYUI_PATH.")
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "comfy_serverless.json"
        config.write_text(json.dumps({"COMFYUI_PATH": str(comfyui)}), encoding="utf-8")
        print(comfyui)
        plain, ours = [], []
        for _ in range(arguments.starts):
            plain.append(time_plain_start(comfyui))
            ours.append(asyncio.run(time_worker_start(config)))
        if arguments.starts:
            first = show("start: plain main.py --cpu", plain, "s ")
            second = show("start: worker, until ready", ours, "s ")
            print(f"{'worker / plain':42} {second / first:.2f}")
        asyncio.run(bench_runs(config, arguments.runs))


if __name__ == "__main__":
    main()
