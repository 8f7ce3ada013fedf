"""A plain script that ends without shutting down.

forgetful.py COMFYUI
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import support.package  # noqa: F401
from custom_nodes.discomfort.sync import Discomfort
from support.servers import write_config


def main(comfyui: str) -> None:
    discomfort = Discomfort.create(write_config(Path(tempfile.mkdtemp()), Path(comfyui)))
    print("ready", discomfort.Worker.pid)


if __name__ == "__main__":
    main(sys.argv[1])
