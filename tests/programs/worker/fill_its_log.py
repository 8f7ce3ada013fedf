"""Keeps the log of a program while its file may not grow, and then may again.

    fill_its_log.py LOG COUNT

It says how large the file was when there was no room.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from pathlib import Path

import support.package  # noqa: F401
from custom_nodes.discomfort.worker.launch.output_log import OutputLog


def main(path: Path, count: str) -> None:
    program = [sys.executable, str(Path(__file__).with_name("write_lines.py")), count]
    writer = subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert writer.stdin
    output = OutputLog(path)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1003, resource.RLIM_INFINITY))
    output.follow(writer)
    while output.last_lines(1) != ("all",):
        time.sleep(0.01)
    print(path.stat().st_size)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    writer.stdin.write(b"there is room\n")
    writer.stdin.flush()
    while "room again" not in path.read_text(encoding="utf-8"):
        time.sleep(0.01)
    writer.stdin.close()
    writer.wait()
    assert output._thread
    output._thread.join()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
