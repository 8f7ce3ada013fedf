"""TCP ports of this machine: which a process listens on, and which are free."""

from __future__ import annotations

import os
import socket

import psutil

from ...errors import WorkerStartError

HOST = "127.0.0.1"


def listening_ports(pid: int) -> list[int]:
    """The TCP ports that the process, or a child of it, listens on."""
    try:
        process = psutil.Process(pid)
        ports = _own_ports(process)
        # A launcher (Windows' venv, a shell script of the user's) runs ComfyUI as its child.
        return ports or [
            port for child in process.children(recursive=True) for port in _own_ports(child)
        ]
    except (psutil.Error, OSError):
        return []


def _own_ports(process: psutil.Process) -> list[int]:
    try:
        # psutil before 6.0 has the old name only.
        ask = getattr(process, "net_connections", None) or process.connections
        connections = ask(kind="tcp")
    except (psutil.Error, OSError):
        return []
    return [c.laddr.port for c in connections if c.status == psutil.CONN_LISTEN]


def free_port(first: int) -> int:
    """The first port from `first` on that is not in use now."""
    for port in range(first, min(first + 100, 65536)):
        if is_free(port):
            return port
    raise WorkerStartError(
        f"No port between {first} and {first + 99} is free. Change INITIAL_PORT."
    )


def is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As ComfyUI's own server does; on Windows it would mean something else.
        if os.name == "posix":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True
