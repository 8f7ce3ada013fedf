"""One job in five tools: set text and seed of a downloaded workflow, get its picture.

    python bench/peers/run_peers.py http://127.0.0.1:8188 VENVS [--proxy http://127.0.0.1:8189]

VENVS is a folder with a virtual environment for each peer, named as on PyPI: comfyui-autograph,
comfy-cli, comfy-sdk and comfy-script (`comfy-script[default]`). The server is a running ComfyUI
with this extension, KJNodes and Use Everywhere, and with a checkpoint
`v1-5-pruned-emaonly-fp16.safetensors` (`tests/support/checkpoint.py --small` makes one). comfy-sdk
needs comfy-api-proxy in front of it.

The picture of each is compared with that of `NAME.expected.json`: the prompt that the page queued
after text and seed had been typed in.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

import numpy
from PIL import Image

HERE = Path(__file__).resolve().parent
TIMEOUT_S = 120


class Job(NamedTuple):
    """A workflow, and what each tool calls the text's and the seed's place in it."""

    name: str
    ours: tuple[str, str] = ("Positive.text", "KSampler.seed")
    by_id: tuple[str, str] = ("2.text", "5.seed")
    inner_ids: tuple[str, str, str] = ("2", "5", "7")  # text, seed, and what saves


JOBS = (
    Job("plain"),
    Job(
        "subgraph",
        ("Text to Image.text", "Text to Image.seed"),
        ("8.text", "8.seed"),
        ("8:2", "8:5", "7"),
    ),
    Job("set_get"),
    Job("use_everywhere"),
)


class Peer(NamedTuple):
    name: str
    script: str


PEERS = (
    Peer("discomfort", "ours.py"),
    Peer("comfyui-autograph", "autograph_.py"),
    Peer("comfy-cli", "comfy_cli.sh"),
    Peer("comfy-sdk", "comfy_sdk_.py"),
    Peer("comfy-script", "comfyscript.py"),
)


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("server")
    options.add_argument("venvs", type=Path)
    options.add_argument("--proxy", default="http://127.0.0.1:8189")
    asked = options.parse_args()
    print(f"| tool | lines | {' | '.join(job.name for job in JOBS)} |")
    for peer in PEERS:
        found = [outcome(peer, job, asked) for job in JOBS]
        print(f"| {peer.name} | {lines_of(HERE / peer.script)} | {' | '.join(found)} |")


def lines_of(script: Path) -> int:
    """The lines of the job: imports count, arguments, comments and empty lines do not."""
    lines = script.read_text(encoding="utf-8").splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("# The job"))
    imports = [x for x in lines[:start] if x.startswith(("import ", "from ")) and "sys" not in x]
    return len(imports) + sum(bool(x.strip()) and "#" not in x[:1] for x in lines[start:])


def outcome(peer: Peer, job: Job, asked: argparse.Namespace) -> str:
    with tempfile.TemporaryDirectory() as work:
        workflow, out = Path(work) / f"{job.name}.json", Path(work) / "out"
        shutil.copy(HERE / "workflows" / workflow.name, workflow)
        out.mkdir()
        forget_what_is_cached(asked.server)
        try:
            done = run(peer, job, asked, workflow, out)
        except subprocess.TimeoutExpired:
            return f"refused: nothing within {TIMEOUT_S} s"
        pictures = [numpy.asarray(Image.open(p).convert("RGB")) for p in out.rglob("*.png")]
    if done.returncode or not pictures:
        lines = (done.stderr.strip() or done.stdout.strip() or "no picture").splitlines()
        return f"refused: {lines[-1][:200]}"
    wanted = expected(asked.server, job)
    is_right = len(pictures) == 1 and is_same(pictures[0], wanted)
    return "right" if is_right else "wrong"


def is_same(picture: Any, wanted: Any) -> bool:
    """The same but for rounding: SaveImage cuts what a tensor has behind the point of 0..255."""
    return picture.shape == wanted.shape and bool(
        numpy.abs(picture.astype(int) - wanted.astype(int)).max() <= 1
    )


def run(
    peer: Peer, job: Job, asked: argparse.Namespace, workflow: Path, out: Path
) -> subprocess.CompletedProcess[str]:
    where = asked.venvs / peer.name / ("Scripts" if os.name == "nt" else "bin")
    python = sys.executable if peer.name == "discomfort" else str(where / "python")
    command = ["bash"] if peer.script.endswith(".sh") else [python]
    server = asked.proxy if peer.name == "comfy-sdk" else asked.server
    places = {"discomfort": job.ours, "comfy-cli": job.by_id, "comfy-sdk": job.inner_ids}
    command += [str(HERE / peer.script), str(workflow), server, str(out)]
    return subprocess.run(
        [*command, *places.get(peer.name, ())],
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        cwd=out.parent,
        env={**os.environ, "PATH": f"{where}{os.pathsep}{os.environ['PATH']}", "DO_NOT_TRACK": "1"},
    )


def forget_what_is_cached(server: str) -> None:
    """Each tool has the whole work done: ComfyUI forgets after the next prompt at the latest."""
    call(f"{server}/free", {"free_memory": True})
    number = {"class_type": "PrimitiveInt", "inputs": {"value": time.time_ns() % 10**9}}
    shown = {"class_type": "PreviewAny", "inputs": {"source": ["1", 0]}}
    queue(server, {"1": number, "2": shown})


def expected(server: str, job: Job) -> Any:
    """The pixels of the picture that the page's prompt makes."""
    entry = queue(
        server, json.loads((HERE / "workflows" / f"{job.name}.expected.json").read_text())
    )
    (saved,) = [picture for shown in entry["outputs"].values() for picture in shown["images"]]
    with urllib.request.urlopen(f"{server}/view?{urlencode(saved)}") as reply:
        return numpy.asarray(Image.open(reply).convert("RGB"))


def queue(server: str, prompt: Any) -> Any:
    """Run a prompt; its history entry."""
    prompt_id = json.loads(call(f"{server}/prompt", {"prompt": prompt}))["prompt_id"]
    while True:
        entry = json.loads(call(f"{server}/history/{prompt_id}")).get(prompt_id)
        if entry:
            return entry
        time.sleep(0.1)


def call(url: str, body: Any = None) -> bytes:
    data = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(url, data, headers)) as reply:
        return reply.read()


if __name__ == "__main__":
    main()
