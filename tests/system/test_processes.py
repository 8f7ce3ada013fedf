"""Other processes in words."""

from __future__ import annotations

import os
import sys

import pytest
from custom_nodes.discomfort.system.processes import describe, is_suspended
from support import scripts

_WITHOUT_DESCRIPTORS = """
import os, resource
from custom_nodes.discomfort.system.processes import describe, is_suspended
from custom_nodes.discomfort.worker.launch.activity import read_signs
from custom_nodes.discomfort.worker.launch.tcp_ports import listening_ports
import psutil
used = len(os.listdir("/proc/self/fd"))
resource.setrlimit(resource.RLIMIT_NOFILE, (used - 1, used - 1))
say(describe(os.getpid()) == f"process {os.getpid()}", is_suspended(os.getpid()))
say(read_signs(os.getpid(), 7).lines, listening_ports(os.getpid()))
"""


def test_process_is_named_with_its_command_and_one_that_is_gone_by_its_number():
    assert describe(os.getpid()).startswith(f"process {os.getpid()} (")
    assert not is_suspended(os.getpid())
    assert describe(2**22 + 7) == f"process {2**22 + 7}"


@pytest.mark.skipif(sys.platform != "linux", reason="counts in /proc")
def test_process_without_a_descriptor_left_is_no_error():
    program = scripts.start(_WITHOUT_DESCRIPTORS)
    out, err = program.communicate(timeout=60)
    assert out.splitlines() == ["True False", "7 []"], err
