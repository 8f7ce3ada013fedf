"""Measures warm workers: a script from the start of its process to its first node, cold and warm.

    python bench/warm.py [--comfyui FOLDER] [--times 5] [--scripts 200]

The floor of a script that imports torch is `import torch` itself, in a process of its own. Every
second kind is run in turns, so that a machine that slows down slows all of them. Loads of a model
are counted by the events of its loader.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil
from _project import ROOT
from support.small_weights import write_esrgan

SCRIPT = """
{first}
import asyncio, json, sys, time
from discomfort import Discomfort

started = []

def note(event):
    if type(event).__name__ == "NodeStarted":
        started.append((time.time(), event.node_type))

async def main(config, workflow, keep_warm):
    async with await Discomfort.create(config, keep_warm=float(keep_warm)) as discomfort:
        await discomfort.run(json.loads(workflow), on_event=note)
        said = [started[0][0], discomfort.Worker.pid, [kind for _, kind in started]]
    print(json.dumps(said))

asyncio.run(main(*sys.argv[1:]))
"""
MODEL = "tiny.safetensors"


def workflow_of(number: int) -> str:
    """An image, upscaled by a model: what the model's loader did is seen."""
    return json.dumps(
        {
            "1": {"class_type": "UpscaleModelLoader", "inputs": {"model_name": MODEL}},
            "2": {
                "class_type": "EmptyImage",
                "inputs": {"width": 8, "height": 8, "batch_size": 1, "color": number},
            },
            "3": {
                "class_type": "ImageUpscaleWithModel",
                "inputs": {"upscale_model": ["1", 0], "image": ["2", 0]},
            },
            "4": {"class_type": "PreviewImage", "inputs": {"images": ["3", 0]}},
        }
    )


class Scripts:
    """Scripts of one user, as files in a folder where the package is installed."""

    def __init__(self, folder: Path, comfyui: Path):
        (folder / "packages").mkdir()
        (folder / "packages" / "discomfort").symlink_to(ROOT, target_is_directory=True)
        (folder / "upscale_models").mkdir()
        write_esrgan(folder / "upscale_models" / MODEL)
        paths = {"bench": {"base_path": str(folder), "upscale_models": "upscale_models"}}
        (folder / "paths.yaml").write_text(json.dumps(paths))
        self.config = folder / "config.json"
        arguments = ["--extra-model-paths-config", str(folder / "paths.yaml")]
        self.config.write_text(json.dumps({"COMFYUI_PATH": str(comfyui), "EXTRA_ARGS": arguments}))
        self._environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
        self._environment["PYTHONPATH"] = str(folder / "packages")
        self._folder, self._number = folder, 0

    def run(self, keep_warm: float, first: str = "") -> tuple[float, int, list[str]]:
        """Seconds to the first node, the worker's process id, and the classes that ran."""
        script = self._folder / "script.py"
        script.write_text(SCRIPT.format(first=first))
        self._number += 1
        arguments = [str(self.config), workflow_of(self._number), str(keep_warm)]
        began = time.time()
        done = subprocess.run(
            [sys.executable, str(script), *arguments],
            capture_output=True,
            text=True,
            env=self._environment,
            check=False,
        )
        if done.returncode:
            sys.exit(done.stderr)
        at, pid, classes = json.loads(done.stdout)
        return at - began, pid, classes

    def time_of(self, program: str) -> float:
        """Seconds until a Python has run this; its own end, which takes time too, is not in it."""
        program += "; import time; print(time.time())"
        began = time.time()
        command = [sys.executable, "-c", program]
        return float(subprocess.check_output(command, env=self._environment)) - began


def show(what: str, seconds: Sequence[float]) -> None:
    listed = ", ".join(f"{s:.2f}" for s in sorted(seconds))
    print(f"{what:52} {statistics.median(seconds):6.2f} s   ({listed})")


def time_scripts(scripts: Scripts, times: int) -> int:
    """Print the times; the process id of the warm worker."""
    cold = [scripts.run(0)[0] for _ in range(2)]
    _, pid, _ = scripts.run(600)
    warm, loads, floor, with_torch, python = [], 0, [], [], []
    for _ in range(times):
        seconds, got, classes = scripts.run(600)
        assert got == pid, "another worker"
        loads += "UpscaleModelLoader" in classes
        warm.append(seconds)
        python.append(scripts.time_of("import asyncio, json"))
        floor.append(scripts.time_of("import torch"))
        with_torch.append(scripts.run(600, "import torch")[0])
    show("cold: process start to first node", cold)
    show("warm: process start to first node (<= 1.0)", warm)
    show("a Python that imports asyncio and json", python)
    show("`import torch` alone", floor)
    show("warm, with `import torch`", with_torch)
    beyond = [a - b for a, b in zip(with_torch, floor, strict=True)]
    show("  beyond `import torch`, in pairs (<= 0.3)", beyond)
    print(f"models loaded by {times} scripts after the first: {loads}")
    return pid


async def follow_many(scripts: Scripts, count: int, pid: int) -> None:
    """Print what the worker and its keeper have after many scripts."""
    from custom_nodes.discomfort.comfy_serverless import ComfyConnector
    from custom_nodes.discomfort.worker.keeper.found_workers import find_workers

    os.environ.clear()
    os.environ.update(scripts._environment)
    for number in range(count + 1):
        connector = await ComfyConnector.create(scripts.config, keep_warm=600)
        assert connector.pid == pid, "another worker"
        await connector.execute(json.loads(workflow_of(1000 + number)))
        if number in (0, count // 4, count // 2, count):
            keeper = next(w.keeper_pid for w in find_workers() if w.pid == pid)
            print(f"after {number:3} scripts: worker {_has(pid)}; keeper {_has(keeper)}")
        await connector.release()


def _has(pid: int) -> str:
    process = psutil.Process(pid)
    handles = process.num_handles() if sys.platform == "win32" else process.num_fds()  # pyright: ignore[reportAttributeAccessIssue]
    memory = process.memory_info().rss / 1e6
    return f"{memory:.1f} MB, {handles} handles, {process.num_threads()} threads"


def main() -> None:
    from custom_nodes.discomfort.worker.keeper.found_workers import stop_workers
    from custom_nodes.discomfort.worker.launch.find_comfyui import find_comfyui

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--comfyui", type=Path, default=None)
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--scripts", type=int, default=200)
    options = parser.parse_args()
    comfyui: Any = options.comfyui or find_comfyui()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["TMPDIR"] = tempfile.tempdir = folder
        scripts = Scripts(Path(folder), comfyui)
        try:
            pid = time_scripts(scripts, options.times)
            asyncio.run(follow_many(scripts, options.scripts, pid))
        finally:
            stop_workers()


if __name__ == "__main__":
    main()
