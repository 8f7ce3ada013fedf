"""Where nodes save: a folder of the worker's own, which the script keeps, or the user's."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest
from custom_nodes.discomfort.comfy_serverless import ComfyConnector
from custom_nodes.discomfort.discomfort import Discomfort
from custom_nodes.discomfort.errors import ConfigError, WorkerDied
from custom_nodes.discomfort.worker import own_output
from custom_nodes.discomfort.worker.launch import worker_folder
from support.programs import Program
from support.servers import FAKE, stub, write_config

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


@pytest.fixture(autouse=True)
def nothing_was_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_output, "_said", set())


async def test_files_in_the_workers_own_folder_stay_and_one_line_says_where(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    async with await Discomfort.create(write_config(tmp_path, FAKE)) as discomfort:
        results = await discomfort.run(SAVE)
        (line,) = warnings_of(caplog)
        assert "save_files(" in line and "output_directory=" in line
        await discomfort.run(
            SAVE | {"3": {**SAVE["2"], "inputs": {"images": ["1", 0], "filename_prefix": "q"}}}
        )
    (path,) = results.files["SaveImage"]
    folder = path.parents[2]
    assert str(path.parents[1]) in line and path.is_file()
    assert sorted(p.name for p in folder.iterdir()) == ["output", "owner.lock"]
    (copied,) = results.save_files(tmp_path / "kept")
    assert copied.read_bytes() == path.read_bytes()
    assert warnings_of(caplog) == [line]
    worker_folder.make_worker_folder().remove(with_log=True)  # another start purges
    assert path.is_file()
    worker_folder.remove_retired()
    assert not folder.exists() and warnings_of(caplog) == [line]
    with pytest.raises(FileNotFoundError, match=path.name):
        results.save_files(tmp_path / "late")


async def test_files_outlive_a_worker_that_dies_and_the_next_one(tmp_path: Path, make_connector):
    discomfort = Discomfort(await make_connector(FAKE))
    first = await discomfort.run(SAVE)
    with pytest.raises(WorkerDied):
        await discomfort.run(stub("StubKill", signal_name="SIGKILL"))
    second = await discomfort.run(SAVE)
    await discomfort.shutdown()
    await discomfort.Worker.kill_api()
    (one,), (two,) = first.files["SaveImage"], second.files["SaveImage"]
    assert one != two and one.is_file() and two.is_file()
    assert len(first.save_files(tmp_path / "both") + second.save_files(tmp_path / "both")) == 2


def test_files_go_with_the_script_not_with_a_child_of_it(tmp_path: Path):
    program = Program("worker/save_and_stay", write_config(tmp_path, FAKE))
    program.worker_pid()
    path = Path(program.line())
    assert program.line() == "down" and path.is_file()
    program.say("fork")
    assert program.line() == "still there" and path.is_file()
    program.say("end")
    program.end()
    assert not path.parents[2].exists()


def test_files_of_a_killed_script_go_at_the_next_start(tmp_path: Path):
    program = Program("worker/save_and_stay", write_config(tmp_path, FAKE))
    program.worker_pid()
    path = Path(program.line())
    assert program.line() == "down"
    program.kill()
    assert path.is_file()
    worker_folder.make_worker_folder().remove(with_log=True)
    assert not path.parents[2].exists()


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
