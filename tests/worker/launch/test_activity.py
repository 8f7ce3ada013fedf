"""When a start that gives no answer counts as standing still."""

from __future__ import annotations

import os
import time

import pytest
from custom_nodes.discomfort.worker.launch.activity import Activity, Signs, read_signs

BEFORE = Signs(lines=5, cpu_s=1.0, disk_bytes=1 << 20, pids=frozenset({1, 2}))


@pytest.mark.parametrize(
    "after",
    [
        Signs(6, 1.0, 1 << 20, BEFORE.pids),
        Signs(5, 1.03, 1 << 20, BEFORE.pids),
        Signs(5, 1.0, (1 << 20) + (64 << 10), BEFORE.pids),
        Signs(5, 0.4, 1 << 20, frozenset({1})),
        Signs(5, 1.0, 1 << 20, frozenset({1, 2, 3})),
    ],
    ids=["a line", "CPU", "disk", "a child ended", "a child began"],
)
def test_every_sign_of_work_begins_the_count_anew(after: Signs):
    activity = Activity(0.0, BEFORE)
    activity.look(2.0, BEFORE)
    assert activity.still_s == 2.0
    activity.look(4.0, after)
    assert activity.still_s == 0.0
    activity.look(6.0, after)
    assert activity.still_s == 2.0


def test_threads_that_only_wake_up_are_no_work():
    activity = Activity(0.0, BEFORE)
    for i in range(1, 61):
        slept = Signs(5, 1.0 + i * 0.005, (1 << 20) + i * 4096, BEFORE.pids)
        activity.look(2.0 * i, slept)
    assert activity.still_s == 120.0


def test_machine_that_slept_counts_for_one_look():
    activity = Activity(0.0, BEFORE)
    activity.look(8 * 3600.0, BEFORE)
    assert activity.still_s == 10.0


def test_signs_are_those_of_the_process_and_a_process_that_is_gone_has_none():
    before = read_signs(os.getpid(), 3)
    until = time.process_time() + 0.1
    while time.process_time() < until:
        pass
    after = read_signs(os.getpid(), 3)
    assert after.cpu_s > before.cpu_s and os.getpid() in after.pids
    assert read_signs(2**22 + 7, 3) == Signs(3)
