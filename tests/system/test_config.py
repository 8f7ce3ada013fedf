"""Configuration files: comments, defaults, and what is said of mistakes."""

from __future__ import annotations

import json
import logging
import tracemalloc
from pathlib import Path

import pytest
from custom_nodes.discomfort.errors import ConfigError
from custom_nodes.discomfort.system.config import (
    ContextConfig,
    WorkerConfig,
    load_config,
    parse_json,
    read_json,
)


def write(folder: Path, text: str) -> Path:
    path = folder / "config.json"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_packaged_files_are_good():
    assert load_config(WorkerConfig, "comfy_serverless.json").API_COMMAND_LINE == "python main.py"
    assert load_config(ContextConfig, "workflow_context.json").CONTEXTS_DIR_NAME == "contexts"


def test_comments_are_allowed_and_texts_keep_their_slashes(tmp_path):
    path = write(tmp_path, '{\n  // a comment "with quotes"\n  "a": "http://x//y" // more\n}')
    assert read_json(path) == {"a": "http://x//y"}


def test_a_long_text_is_read_without_a_word_for_each_letter(tmp_path):
    # Letter by letter, a file with pictures in it took gigabytes.
    path = write(tmp_path, '{"long": "' + "x" * 20_000_000 + '"} // a picture')
    tracemalloc.start()
    assert len(read_json(path)["long"]) == 20_000_000
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 200_000_000


def test_an_argument_wins_over_the_file(tmp_path):
    path = write(tmp_path, '{"MAX_RAM_GB": 2}')
    assert load_config(ContextConfig, "", path).MAX_RAM_GB == 2.0
    assert load_config(ContextConfig, "", path, MAX_RAM_GB=3).MAX_RAM_GB == 3.0
    assert load_config(ContextConfig, "", path, MAX_RAM_GB=None).MAX_RAM_GB == 2.0


def test_a_relative_path_is_relative_to_the_file(tmp_path):
    path = write(tmp_path, '{"COMFYUI_PATH": "../ComfyUI"}')
    found = load_config(WorkerConfig, "", path).COMFYUI_PATH
    assert found == str((tmp_path.parent / "ComfyUI").resolve())


def test_an_unknown_key_is_warned_of_with_the_closest(tmp_path, caplog):
    path = write(tmp_path, '{"MAX_RAM_GBB": 2}')
    with caplog.at_level(logging.WARNING, "discomfort.config"):
        load_config(ContextConfig, "", path)
    assert "MAX_RAM_GBB" in caplog.text and "Did you mean MAX_RAM_GB?" in caplog.text


@pytest.mark.parametrize(
    ("kind", "key", "value"),
    [
        (ContextConfig, "MAX_RAM_GB", "2"),
        (ContextConfig, "MAX_RAM_GB", True),
        (ContextConfig, "CONTEXTS_DIR_NAME", None),
        (WorkerConfig, "INITIAL_PORT", 1.5),
        (WorkerConfig, "EXTRA_ARGS", "--lowvram"),
    ],
)
def test_a_wrong_type_names_file_key_and_value(tmp_path, kind, key, value):
    path = write(tmp_path, json.dumps({key: value}))
    with pytest.raises(ConfigError) as caught:
        load_config(kind, "", path)
    assert isinstance(caught.value, ValueError)
    for word in ("config.json", key, repr(value)):
        assert word in str(caught.value)


@pytest.mark.parametrize(
    ("text", "words"), [("{", "line 1, column 2"), ("[]", "object"), ("[" * 100_000, "nested")]
)
def test_a_file_that_is_no_object_is_named(tmp_path, text, words):
    with pytest.raises(ConfigError, match="config.json") as caught:
        load_config(ContextConfig, "", write(tmp_path, text))
    assert words in str(caught.value)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ConfigError, match="nothing.json"):
        load_config(ContextConfig, "", tmp_path / "nothing.json")


@pytest.mark.parametrize("unit", ['\\"', '"a', "/", "//\n", "\\"])
def test_text_that_is_no_json_is_refused_at_once(unit):
    """A pattern that is quadratic takes an hour for this."""
    with pytest.raises(ConfigError, match="not valid JSON"):
        parse_json('{"a":' + unit * 1_000_000, "a file")
