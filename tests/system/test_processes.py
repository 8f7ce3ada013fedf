"""Other processes in words."""

from __future__ import annotations

import os
import sys

import pytest
from custom_nodes.discomfort.system.processes import describe, is_suspended
from support.programs import Program


def test_process_is_named_with_its_command_and_one_that_is_gone_by_its_number():
    assert describe(os.getpid()).startswith(f"process {os.getpid()} (")
    assert not is_suspended(os.getpid())
    assert describe(2**22 + 7) == f"process {2**22 + 7}"


@pytest.mark.skipif(sys.platform != "linux", reason="counts in /proc")
def test_process_without_a_descriptor_left_is_no_error():
    said = Program("system/look_without_descriptors").end()
    assert said.splitlines() == ["True False", "7 []"]
