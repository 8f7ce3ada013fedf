"""A script that has a warm worker run something, and is killed. It imports little: there are many.

    hold_a_worker.py CONFIG KEEP_S [PROMPT]

It says the pid of its worker, and whether that was there; then it queues the prompt (JSON).
"""

from __future__ import annotations

import json
import sys
import time
import urllib.request

import support.package  # noqa: F401
from custom_nodes.discomfort.system.config import WorkerConfig, load_config
from custom_nodes.discomfort.worker.keeper.kept_process import KeptProcess
from custom_nodes.discomfort.worker.launch.settings import WorkerOptions, make_launch

STUB_NODES = support.package.TESTS / "stub_nodes"


def main(config: str, keep_s: float, prompt: str | None) -> None:
    worker = load_config(WorkerConfig, "comfy_serverless.json", config)
    launch = make_launch(worker, WorkerOptions(extra_custom_nodes=[STUB_NODES]))
    process = KeptProcess(launch, keep_s)
    process.start()
    while process.pid is None and not process.ready.done():
        time.sleep(0.01)
    print("ready", process.pid, process.was_joined)
    ready = process.ready.result()
    if prompt is not None:
        body = json.dumps({"prompt": json.loads(prompt)}).encode()
        url, headers = f"http://{ready.address}/prompt", ready.auth_headers
        urllib.request.urlopen(urllib.request.Request(url, body, headers)).read()
        print("queued")
    time.sleep(600)


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]), sys.argv[3] if sys.argv[3:] else None)
