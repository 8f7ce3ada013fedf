"""Other processes in words."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest
from custom_nodes.discomfort.system.processes import describe, is_running, is_suspended, started_at
from support.programs import Program


def test_process_is_named_with_its_command_and_one_that_is_gone_by_its_number():
    assert describe(os.getpid()).startswith(f"process {os.getpid()} (")
    assert not is_suspended(os.getpid())
    assert describe(2**22 + 7) == f"process {2**22 + 7}"


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the system notes the time itself")
def test_when_a_process_began_does_not_hang_on_the_clock():
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    began = started_at(child.pid)
    own = started_at(os.getpid())
    assert began is not None and own is not None
    assert own <= began <= time.clock_gettime(time.CLOCK_BOOTTIME)  # and no date
    assert is_running(child.pid, began) and not is_running(os.getpid(), began + 1)
    child.communicate()
    assert started_at(child.pid) is None and not is_running(child.pid, began)


@pytest.mark.skipif(sys.platform != "linux", reason="counts in /proc")
def test_process_without_a_descriptor_left_is_no_error():
    said = Program("system/look_without_descriptors").end()
    assert said.splitlines() == ["True False", "7 []"]
