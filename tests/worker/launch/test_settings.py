"""What is to be started: the options of a call, with a configuration."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import pytest
from custom_nodes.discomfort.comfy_serverless import ComfyConnector, WorkerOptions
from custom_nodes.discomfort.errors import ConfigError
from custom_nodes.discomfort.system.config import WorkerConfig
from custom_nodes.discomfort.worker.launch.settings import (
    make_launch,
    read_config,
    start_limit_s,
)
from support.servers import FAKE


def test_the_door_lists_every_option_of_a_worker():
    parameters = inspect.signature(ComfyConnector.create).parameters
    assert set(parameters) - {"config_path"} == set(WorkerOptions.__dataclass_fields__)


def test_options_from_an_iterator_are_there_at_the_second_look():
    options = WorkerOptions(extra_args=iter(["--a", "1"]), extra_custom_nodes=iter(["here"]))
    for _ in range(2):
        assert tuple(options.extra_args) == ("--a", "1")
        assert tuple(options.extra_custom_nodes) == (Path("here").absolute(),)
    assert options == WorkerOptions(
        extra_args=["--a", "1"], extra_custom_nodes=[Path("here").absolute()]
    )


def test_options_of_a_call_win_over_the_file_and_come_after_its_arguments(tmp_path: Path):
    options = WorkerOptions(output_directory=tmp_path / "out", cuda_device=1, extra_args=["--b"])
    config = read_config(None, options)
    assert str(tmp_path / "out") == config.OUTPUT_DIRECTORY
    launch = make_launch(WorkerConfig(COMFYUI_PATH=str(FAKE), EXTRA_ARGS=["--a"]), options)
    assert launch.extra_args == ("--a", "--b") and launch.cuda_device == 1


@pytest.mark.parametrize("flag", ["--listen", "--listen=0.0.0.0", "--port"])
def test_argument_that_opens_the_worker_is_refused_from_file_and_call(flag: str):
    for config, options in (
        (WorkerConfig(COMFYUI_PATH=str(FAKE), EXTRA_ARGS=[flag]), WorkerOptions()),
        (WorkerConfig(COMFYUI_PATH=str(FAKE)), WorkerOptions(extra_args=[flag])),
    ):
        with pytest.raises(ConfigError, match=flag.split("=", maxsplit=1)[0]):
            make_launch(config, options)


@pytest.mark.parametrize(
    ("config", "limit_s"),
    [
        ({}, None),
        ({"START_TIMEOUT_SECONDS": 40}, 40),
        ({"MAX_COMFY_START_ATTEMPTS": 600, "COMFY_START_ATTEMPTS_SLEEP": 0.2}, 120),
        ({"MAX_COMFY_START_ATTEMPTS": 50}, 10),
        ({"COMFY_START_ATTEMPTS_SLEEP": 1.0}, 600),
        ({"START_TIMEOUT_SECONDS": 40, "MAX_COMFY_START_ATTEMPTS": 600}, 40),
    ],
)
def test_limit_of_a_start_is_what_the_user_set(config: dict, limit_s: float | None):
    assert start_limit_s(WorkerConfig(**config)) == limit_s


def test_packaged_file_sets_no_limit():
    assert start_limit_s(read_config(None, WorkerOptions())) is None


def test_limit_without_any_time_is_refused():
    with pytest.raises(ConfigError, match=r"START_TIMEOUT_SECONDS .* null sets no limit"):
        start_limit_s(WorkerConfig(MAX_COMFY_START_ATTEMPTS=0))


@pytest.mark.parametrize(("value", "kind"), [("9", TypeError), (True, TypeError), (0, ValueError)])
def test_start_timeout_that_is_no_time_is_refused(value: Any, kind: type[Exception]):
    with pytest.raises(kind, match="start_timeout must be"):
        WorkerOptions(start_timeout=value)


def test_start_timeout_makes_no_other_worker_and_is_nothing_for_a_server_that_runs():
    assert repr(WorkerOptions(start_timeout=5)) == repr(WorkerOptions())
    with pytest.raises(ConfigError, match="start_timeout="):
        read_config(None, WorkerOptions(url="http://127.0.0.1:8188", start_timeout=5))
