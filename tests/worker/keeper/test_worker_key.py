"""Which scripts may share a worker: what makes another key, and what does not."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from custom_nodes.discomfort.worker.keeper.stamps import stamp_folders
from custom_nodes.discomfort.worker.keeper.worker_key import IGNORED_VARIABLES, worker_key
from custom_nodes.discomfort.worker.launch.settings import Launch
from support.package import ROOT, TESTS
from support.servers import FAKE

LAUNCH = Launch(FAKE, (sys.executable, "main.py"), FAKE)


@pytest.mark.parametrize(
    "change",
    [
        {"comfyui": FAKE / "elsewhere"},
        {"command": (sys.executable, "-X", "dev", "main.py")},
        {"cwd": FAKE.parent},
        {"extra_args": ("--cpu",)},
        {"extra_custom_nodes": (FAKE / "pack",)},
        {"initial_port": 9000},
        {"cuda_device": 1},
        {"output": FAKE / "output"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_whatever_was_asked_for_makes_another_place(change: dict[str, object]):
    assert worker_key(replace(LAUNCH, **change)).place != worker_key(LAUNCH).place  # type: ignore[arg-type]


def test_how_long_a_start_may_take_makes_no_other_worker():
    assert worker_key(replace(LAUNCH, start_timeout_s=3.0)) == worker_key(LAUNCH)


def test_variables_count_but_for_those_of_terminals_and_tests():
    environment = {"PATH": "/bin", "HF_HOME": "/x"}
    key = worker_key(LAUNCH, environment)
    assert worker_key(LAUNCH, {**environment, "HF_HOME": "/y"}) != key
    assert worker_key(LAUNCH, {**environment, "NEW": ""}) != key
    ignored = {"PWD": "/", "SHLVL": "3", "_": "x", "PYTEST_CURRENT_TEST": "t", "COLUMNS": "80"}
    assert worker_key(LAUNCH, {**environment, **ignored}) == key
    # A worker does not get these.
    for name in ("PYTHONDONTWRITEBYTECODE", "COMFY_ORG_API_KEY", "DISCOMFORT_KEEP_WARM"):
        assert worker_key(LAUNCH, {**environment, name: "1"}) == key


def test_list_of_ignored_variables_is_the_documents():
    text = (ROOT / "docs" / "warm_workers.md").read_text(encoding="utf-8")
    listed = re.search(r"but for ((?:`[^`]+`,?(?: and)?\s*)+)", text)
    assert listed is not None
    names = re.findall(r"`([^`]+)`", listed[1])
    assert all(IGNORED_VARIABLES.fullmatch(name.replace("*", "X")) for name in names)
    pattern = re.sub(r"\\w[*+]", "*", IGNORED_VARIABLES.pattern)
    for part in re.findall(r"\w*\([\w|]+\)[_*]*", pattern):
        before, inside, after = re.split(r"[()]", part)
        pattern = pattern.replace(part, "|".join(before + one + after for one in inside.split("|")))
    assert sorted(pattern.split("|")) == sorted(names)


@pytest.mark.skipif(sys.platform != "linux", reason="limits and CPUs as Linux has them")
def test_limits_and_cpus_make_another_place():
    program = (
        "import os, resource, support.package\n"
        "from custom_nodes.discomfort.worker.keeper import worker_key as module\n"
        "before = module._limits()\n"
        "soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (soft - 1, hard))\n"
        "assert module._limits() != before\n"
        "before = module._limits()\n"
        "os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})\n"
        "assert module._limits() != before or os.cpu_count() == 1\n"
    )
    subprocess.run([sys.executable, "-c", program], cwd=TESTS, check=True)


def test_sources_that_change_anywhere_in_a_pack_are_seen(tmp_path: Path):
    deep = tmp_path / "pack" / "a" / "b"
    deep.mkdir(parents=True)
    seen = [stamp_folders([tmp_path])]

    def has_changed() -> bool:
        seen.append(stamp_folders([tmp_path]))
        return seen[-1] != seen[-2]

    (deep / "part.py").write_text("x = 1\n")
    assert has_changed()
    (deep / "part.py").write_text("x = 22\n")
    assert has_changed()
    os.utime(deep / "part.py", ns=(1, 1))
    assert has_changed()
    (deep / "native.so").write_bytes(b"x")
    assert has_changed()
    (deep / "part.py").rename(deep / "other.py")
    assert has_changed()


def test_what_a_pack_writes_while_it_runs_is_no_change(tmp_path: Path):
    stamp = stamp_folders([tmp_path])
    for name in ("settings.json", "log.txt", "__pycache__/x.py", ".cache/y.py", "venv/lib/z.py"):
        (tmp_path / "pack" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "pack" / name).write_text("x")
    (tmp_path / "pack" / "venv" / "pyvenv.cfg").write_text("")
    assert stamp_folders([tmp_path]) == stamp


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights on Windows")
def test_links_are_followed_and_circles_end(tmp_path: Path):
    elsewhere, pack = tmp_path / "elsewhere", tmp_path / "packs" / "pack"
    elsewhere.mkdir()
    pack.parent.mkdir()
    pack.symlink_to(elsewhere)
    (elsewhere / "again").symlink_to(elsewhere)
    stamp = stamp_folders([tmp_path / "packs"])
    (elsewhere / "new.py").write_text("")
    assert stamp_folders([tmp_path / "packs"]) != stamp


def test_single_file_stands_for_itself(tmp_path: Path):
    (tmp_path / "pack.py").write_text("x = 1\n")
    stamp = stamp_folders([tmp_path / "pack.py"])
    (tmp_path / "pack.py").write_text("x = 22\n")
    assert stamp_folders([tmp_path / "pack.py"]) != stamp


def test_key_is_the_same_in_another_process():
    program = (
        "import sys, support.package\n"
        "from pathlib import Path\n"
        "from custom_nodes.discomfort.worker.keeper.worker_key import worker_key\n"
        "from custom_nodes.discomfort.worker.launch.settings import Launch\n"
        f"fake = Path({str(FAKE)!r})\n"
        "print(worker_key(Launch(fake, (sys.executable, 'main.py'), fake)))\n"
    )
    said = [
        subprocess.check_output([sys.executable, "-c", program], cwd=TESTS, text=True)
        for _ in range(2)
    ]
    assert said[0] == said[1] and "WorkerKey" in said[0]
