"""Real faults: no room, killed processes, several at once. No wrong value, no error."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from custom_nodes.discomfort.finished_steps.steps import FinishedSteps
from support.finished_steps import about, assert_is, key_of, outputs
from support.programs import Program
from support.stores import wait_until

linux = pytest.mark.skipif(sys.platform != "linux", reason="mounts and limits as Linux has them")


def can_mount(folder: str = "/dev/shm") -> bool:
    command = ["unshare", "-m", "mount", "-t", "tmpfs", "tmpfs", folder]
    try:
        return subprocess.run(command, capture_output=True).returncode == 0
    except OSError:
        return False


@pytest.fixture
def start() -> Iterator[Callable[..., Program]]:
    running: list[Program] = []

    def run(name: str, *arguments: object, before: str = "") -> Program:
        running.append(Program(f"finished_steps/{name}", *arguments, before=before))
        return running[-1]

    yield run
    for program in running:
        if not program.has_ended:
            program.kill()


def assert_told_once_and_nothing_half_left(program: Program) -> None:
    counts, left, last = program.end().splitlines()
    not_kept, said = (int(part.split()[0]) for part in counts.split(";"))
    assert not_kept > 3 and said == 1
    assert left == "['owner.lock'] True" and last == "1"


@linux
@pytest.mark.skipif(not can_mount(), reason="may not mount; the test with a limit stands in")
def test_full_disk_keeps_what_fits_and_says_so_once(start, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    before = f"mount -t tmpfs -o size=8m tmpfs '{disk}'"
    assert_told_once_and_nothing_half_left(
        start("keep_until_full", disk / "kept", "disk", before=before)
    )


@linux
def test_files_that_may_not_grow_are_not_kept_and_said_once(start, tmp_path):
    assert_told_once_and_nothing_half_left(start("keep_until_full", tmp_path / "kept", "limit"))


@linux
@pytest.mark.skipif(not can_mount(), reason="may not mount")
def test_folder_on_a_disk_that_is_read_only_is_read(tmp_path):
    folder = tmp_path / "kept"
    with FinishedSteps(folder) as steps:
        assert steps.keep(key_of(1), outputs(1), about(1)) is None
    before = f"mount --bind '{folder}' '{folder}' && mount -o remount,ro,bind '{folder}'"
    done = Program("finished_steps/read_only", folder, before=before).end()
    assert done == "found; not kept"


def test_processes_that_keep_find_and_clear_at_once_never_see_a_wrong_value(start, tmp_path):
    folder = tmp_path / "kept"
    programs = [start("hammer", folder, n, 2, 1_500_000) for n in range(2)]
    counts = [list(map(int, program.end().split())) for program in programs]
    assert all(kept > 3 for kept, _ in counts) and sum(hits for _, hits in counts) > 10
    with FinishedSteps(folder) as steps:
        for n in range(40):
            found = steps.find(key_of(n))
            if found is not None:
                assert_is(found, n, (8, 40, 120)[n % 3])
        steps.clear()
    assert os.listdir(folder / "values") == os.listdir(folder / "steps") == []
    assert os.listdir(folder / "drafts") == []


@pytest.mark.parametrize("seed", range(3))
def test_process_killed_while_it_writes_leaves_whole_steps_only(start, tmp_path, seed):
    folder = tmp_path / "kept"
    draw = random.Random(seed)
    writer = start("keep_for_ever", folder)
    assert writer.line() == "ready"
    count = draw.randrange(4)
    while writer.line() != str(count):
        pass
    # In the middle of the next: as soon as a draft of so many bytes is there.
    size = draw.choice((1, 4096, 100_000, 400_000))
    wait_until(lambda: any(s >= size for s in draft_sizes(folder)), "a draft")
    writer.kill()
    half_written = draft_sizes(folder)
    with FinishedSteps(folder) as steps:
        for n in range(count + 1):
            assert_is(steps.find(key_of(n)), n, 200)
        later = steps.find(key_of(count + 1))
        if later is not None:
            assert_is(later, count + 1, 200)
        steps.clear(older_than=10_000)
        named = set()
        for path in (folder / "steps").iterdir():
            found = steps.find(path.stem)
            assert found is not None
            named |= {r.version for r in found.outputs.values() if r is not None}
        assert set(os.listdir(folder / "values")) == named, half_written
        assert draft_sizes(folder) == []
        assert steps.keep(key_of(count + 1), outputs(count + 1, 200), about(count + 1)) is None
        assert_is(steps.find(key_of(count + 1)), count + 1, 200)
    assert os.listdir(folder / "drafts") == []


def draft_sizes(folder: Path) -> list[int]:
    sizes = []
    for path in (folder / "drafts").glob("*/*"):
        try:
            if path.name != "owner.lock":
                sizes.append(path.stat().st_size)
        except FileNotFoundError:
            pass
    return sizes


def test_a_living_writer_s_drafts_are_left_alone(tmp_path):
    folder = tmp_path / "kept"
    with FinishedSteps(folder) as one, FinishedSteps(folder) as other:
        assert one.keep(key_of(1), outputs(1)) is None
        drafts = os.listdir(folder / "drafts")
        assert other.keep(key_of(2), outputs(2)) is None
        other.clear()
        assert set(drafts) < set(os.listdir(folder / "drafts"))


def test_folder_that_is_removed_below_a_store_is_made_again(tmp_path):
    folder = tmp_path / "kept"
    with FinishedSteps(folder) as steps:
        assert steps.keep(key_of(1), outputs(1), about(1)) is None
        shutil.rmtree(folder)
        assert steps.find(key_of(1)) is None
        assert steps.keep(key_of(1), outputs(1), about(1)) is None
        assert_is(steps.find(key_of(1)), 1)
