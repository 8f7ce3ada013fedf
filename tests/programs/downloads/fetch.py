"""A script that downloads one file, and says its hash, or why not.

fetch.py PORT FOLDER [most bytes that a file may have]
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import support.package  # noqa: F401
from custom_nodes.discomfort.downloads.fetch_file import Wanted, fetch_file
from custom_nodes.discomfort.errors import DownloadError
from support.https_server import Host


async def main() -> None:
    host = Host(port=int(sys.argv[1]))
    wanted = Wanted(host.url("/m"), "model.safetensors", Path(sys.argv[2]))
    try:
        print(await fetch_file(wanted, host.network(), lambda *_: None))
    except DownloadError as e:
        print(e)


if len(sys.argv) > 3:
    import resource
    import signal

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), int(sys.argv[3])))
asyncio.run(main())
