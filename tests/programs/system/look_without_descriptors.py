"""Looks at processes while no descriptor is left, and says what it sees."""

from __future__ import annotations

import os
import resource

import psutil  # noqa: F401  # loaded while there are descriptors
import support.package  # noqa: F401
from custom_nodes.discomfort.system.processes import describe, is_suspended
from custom_nodes.discomfort.worker.launch.activity import read_signs
from custom_nodes.discomfort.worker.launch.tcp_ports import listening_ports

if __name__ == "__main__":
    used = len(os.listdir("/proc/self/fd"))
    resource.setrlimit(resource.RLIMIT_NOFILE, (used - 1, used - 1))
    print(describe(os.getpid()) == f"process {os.getpid()}", is_suspended(os.getpid()))
    print(read_signs(os.getpid(), 7).lines, listening_ports(os.getpid()))
