"""The command line of a worker: ours, the user's, and what this version of ComfyUI knows."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from custom_nodes.discomfort.errors import ConfigError
from custom_nodes.discomfort.worker.launch.arguments import (
    WorkerPaths,
    check_extra,
    split_command,
    worker_arguments,
)

PATHS = WorkerPaths(Path("w/t"), Path("w/o"), Path("w/u"), Path("w/p"))


def arguments(
    *extra: str, known: str = '"--cache-classic" "--database-url"', use_cpu: bool = False
) -> list[str]:
    return worker_arguments(PATHS, known=known, port=0, use_cpu=use_cpu, extra=extra)


@pytest.mark.parametrize(
    "argument",
    ["--listen", "--listen=0.0.0.0", "--liste", "--l=0.0.0.0", "--enable-cors", "--tls-c", "--po"],
)
def test_what_opens_the_worker_is_refused_in_full_and_in_short(argument: str):
    with pytest.raises(ConfigError, match=argument.split("=")[0]):
        check_extra([argument])


def test_what_opens_nothing_is_taken():
    check_extra(["--enable-assets", "--port-of-mine", "-l", "--", "--cpu", "a picture --listen"])


def test_only_known_flags_are_used():
    assert "--cache-classic" in arguments() and "--cache-classic" not in arguments(known="")
    assert "--database-url" in arguments() and "--database-url" not in arguments(known="")
    newer = '"--enable-assets" "--disable-assets"'
    assert "--disable-assets" in arguments(known=newer)
    assert "--disable-assets" not in arguments() + arguments("--enable-assets", known=newer)


@pytest.mark.parametrize(
    ("extra", "without"),
    [
        (("--cache-lru", "9"), "--cache-classic"),
        (("--cuda-device", "1"), "--cpu"),
        (("--directml",), "--cpu"),
    ],
)
def test_users_choice_replaces_ours(extra: tuple[str, ...], without: str):
    assert without not in arguments(*extra, use_cpu=True)
    assert without in arguments(use_cpu=True)


def test_users_folder_is_given_once():
    for form in (("--output-directory", "mine"), ("--output-directory=mine",)):
        line = arguments(*form)
        assert sum(a.startswith("--output-directory") for a in line) == 1


def test_extension_stays_when_all_others_are_disabled():
    line = arguments("--disable-all-custom-nodes")
    assert line[line.index("--whitelist-custom-nodes") + 1] == "discomfort"


@pytest.mark.skipif(sys.platform == "win32", reason="the split is another on Windows")
def test_command_line_is_split_as_a_shell_does():
    assert split_command("'/my python/bin' -s main.py") == [
        "/my python/bin",
        "-s",
        "main.py",
    ]
