"""What is to be started: the options of a call, with a configuration."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest
from custom_nodes.discomfort.comfy_serverless import ComfyConnector, WorkerOptions
from custom_nodes.discomfort.errors import ConfigError
from custom_nodes.discomfort.system.config import WorkerConfig
from custom_nodes.discomfort.worker.launch.settings import make_launch, read_config
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
