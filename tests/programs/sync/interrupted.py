"""A plain script whose run is interrupted by Ctrl+C, and which goes on.

interrupted.py COMFYUI
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import support.package  # noqa: F401
from custom_nodes.discomfort.comfy_serverless import ComfyConnector
from custom_nodes.discomfort.discomfort import Discomfort as AsyncDiscomfort
from custom_nodes.discomfort.events import NodeStarted
from custom_nodes.discomfort.sync import Discomfort
from custom_nodes.discomfort.sync.loop_thread import loop_thread
from support.prompts import port
from support.servers import STUB_NODES, write_config

SLOW = {
    "1": {"class_type": "StubSleep", "inputs": {"seconds": 600.0}},
    "2": port("out", ["1", 0]),
}
ECHO = {
    "1": port("x"),
    "2": {"class_type": "PrimitiveInt", "inputs": {"value": ["1", 0]}},
    "3": port("y", ["2", 0]),
}


def main(comfyui: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        config, thread = write_config(Path(folder), Path(comfyui)), loop_thread()
        made = thread.wait(lambda _: ComfyConnector.create(config, extra_custom_nodes=[STUB_NODES]))
        with Discomfort(AsyncDiscomfort(made), thread) as discomfort:
            try:
                discomfort.run(
                    SLOW, on_event=lambda e: isinstance(e, NodeStarted) and print("started")
                )
            except KeyboardInterrupt:
                print("interrupted")
            print("again", discomfort.run(ECHO, {"x": 7})["y"])


if __name__ == "__main__":
    main(sys.argv[1])
