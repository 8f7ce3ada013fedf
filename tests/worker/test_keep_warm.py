"""For how long a worker is kept: argument, file, environment, and where it is on by itself."""

from __future__ import annotations

import logging
import sys
import types
from pathlib import Path
from typing import Any

import pytest
from custom_nodes.discomfort.comfy_serverless import ComfyConnector
from custom_nodes.discomfort.errors import ConfigError
from custom_nodes.discomfort.worker import keep_warm
from custom_nodes.discomfort.worker.keep_warm import DEFAULT_S, VARIABLE, keep_warm_s, say_kept
from support.keepers import until_idle
from support.servers import FAKE, write_config


@pytest.fixture(autouse=True)
def nothing_was_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keep_warm, "_said", set())
    monkeypatch.setattr(keep_warm, "_by_default", set())


def test_argument_wins_over_file_and_file_over_environment():
    environment = {VARIABLE: "3"}
    assert keep_warm_s(1, 2, environment) == 1
    assert keep_warm_s(None, 2, environment) == 2
    assert keep_warm_s(None, None, environment) == 3
    assert keep_warm_s(None, None, {}) is None
    assert keep_warm_s(0, 2, environment) == 0
    assert keep_warm_s(None, 0, environment) == 0
    assert keep_warm_s(None, None, {VARIABLE: "0"}, default_s=300) == 0


def test_default_of_the_command_line_is_said_once_when_a_worker_is_there(
    caplog: pytest.LogCaptureFixture,
):
    assert [keep_warm_s(None, None, {}, default_s=DEFAULT_S) for _ in range(2)] == [300, 300]
    assert not caplog.records
    for seconds in (None, 0, 300, 300):
        say_kept(seconds)
    (record,) = caplog.records
    assert record.getMessage() == (
        "ComfyUI stays warm for 300 s; `discomfort workers stop` ends it."
    )


def test_number_that_was_asked_for_is_not_said(caplog: pytest.LogCaptureFixture):
    say_kept(keep_warm_s(300, None, {}))
    assert not caplog.records


def test_in_a_notebook_it_is_on(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch):
    ipython = types.SimpleNamespace(get_ipython=lambda: types.SimpleNamespace(kernel=object()))
    monkeypatch.setitem(sys.modules, "IPython", ipython)  # as a kernel has it
    assert keep_warm_s(None, None, {}) == 300
    say_kept(300)
    assert [r.levelno for r in caplog.records] == [logging.WARNING]
    assert keep_warm_s(None, 0, {}) == 0


@pytest.mark.parametrize("text", ["soon", "-1", "inf", "nan", "1e300"])
def test_environment_that_is_no_number_of_seconds(text: str):
    with pytest.raises(ConfigError, match=VARIABLE):
        keep_warm_s(None, None, {VARIABLE: text})


@pytest.mark.parametrize(
    ("given", "error"),
    [("600", TypeError), (True, TypeError), (-1, ValueError), (float("nan"), ValueError)],
)
async def test_argument_that_is_no_number_of_seconds(given: Any, error: type[Exception]):
    with pytest.raises(error, match="keep_warm must be"):
        await ComfyConnector.create(keep_warm=given)


async def test_comfyui_that_runs_already_is_not_ours_to_keep():
    with pytest.raises(ConfigError, match="keep_warm="):
        await ComfyConnector.create(url="http://127.0.0.1:1", keep_warm=60)


@pytest.mark.usefixtures("ends_keepers")
async def test_file_turns_it_on_and_the_last_number_in_a_process_counts(tmp_path: Path):
    config = write_config(tmp_path, FAKE, KEEP_WARM_S=50)
    first = await ComfyConnector.create(config)
    second = await ComfyConnector.create(config, keep_warm=500)
    assert first is second
    pid = first.pid
    await first.release()
    await second.release()
    until_idle(pid or 0)
    third = await ComfyConnector.create(config)
    assert third.pid == pid
    await third.kill_api()
