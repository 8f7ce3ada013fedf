"""Where nodes save: a folder of the worker's own, with a word before it goes, or the user's."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest
from custom_nodes.discomfort.comfy_serverless import ComfyConnector
from custom_nodes.discomfort.discomfort import Discomfort
from custom_nodes.discomfort.errors import ConfigError
from custom_nodes.discomfort.worker.launch import worker_folder
from support.servers import FAKE, write_config

pytestmark = pytest.mark.usefixtures("leaves_nothing")

SAVE = {
    "1": {
        "class_type": "EmptyImage",
        "inputs": {"width": 8, "height": 8, "batch_size": 1, "color": 255},
    },
    "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "mine/p"}},
}


def warnings_of(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING]


async def test_pictures_in_the_workers_own_folder_go_with_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    async with await Discomfort.create(write_config(tmp_path, FAKE)) as discomfort:
        await discomfort.run(SAVE)
        assert not warnings_of(caplog)
    (warning,) = warnings_of(caplog)
    assert warning.startswith("1 file(s)")
    assert "OUTPUT_DIRECTORY" in warning and "output_directory" in warning
    assert str(worker_folder.base_dir() / "workers") in warning


@pytest.mark.parametrize("by", ["argument", "config", "relative config"])
async def test_pictures_in_the_users_folder_stay(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, by: str
):
    wanted = tmp_path / "pictures" / "of mine"
    given = {"config": str(wanted), "relative config": "pictures/of mine"}
    config = write_config(tmp_path, FAKE, OUTPUT_DIRECTORY=given.get(by))
    argument = wanted if by == "argument" else None
    async with await Discomfort.create(config, output_directory=argument) as discomfort:
        await discomfort.run(SAVE)
    assert [p.name for p in (wanted / "mine").iterdir()] == ["p_00001_.png"]
    assert not warnings_of(caplog)


async def test_folder_that_can_not_be_made_is_refused(tmp_path: Path):
    (tmp_path / "file").write_text(json.dumps({}), encoding="utf-8")
    with pytest.raises(ConfigError, match="OUTPUT_DIRECTORY"):
        await ComfyConnector.create(
            write_config(tmp_path, FAKE), output_directory=tmp_path / "file" / "sub"
        )
