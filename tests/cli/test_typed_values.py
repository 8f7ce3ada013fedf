"""What is typed behind `discomfort run`, without a process: words, values, files."""

from __future__ import annotations

import json
import os
import socket
import threading
from pathlib import Path

import pytest
from custom_nodes.discomfort.cli.failures import UsageFailed
from custom_nodes.discomfort.cli.typed_values import (
    Assignment,
    check_names,
    split_words,
    value_of_text,
)
from custom_nodes.discomfort.cli.value_files import ValueFile, find_files, read_value
from custom_nodes.discomfort.errors import UntrustedValueError, WorkflowError


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("text=a cat", Assignment("text", "a cat")),
        ("text=", Assignment("text", "")),
        ("text=a=b", Assignment("text", "a=b")),
        ("3.seed=7", Assignment("3.seed", "7")),
        ("VAE Decode.x =7", Assignment("VAE Decode.x", "7")),
        ("picture=@a=b.png", Assignment("picture", file="a=b.png")),
        ("picture=@-", Assignment("picture", file="-")),
        ("text=@@home", Assignment("text", "@home")),
        ("text=@@", Assignment("text", "@")),
    ],
)
def test_a_word_with_an_equals_sign_is_a_value(word, expected):
    assert split_words(["flux.json", word]) == (["flux.json"], [expected])


@pytest.mark.parametrize(
    "word", ["./a=b.json", "../a=b.json", "/a=b.json", "~/a=b.json", "C:\\a=b.json", '{"a": "="}']
)
def test_a_path_or_a_workflow_itself_is_none_though_it_has_one(word):
    assert split_words([word, "x=1"]) == ([word], [Assignment("x", "1")])


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([], "no workflow"),
        (["text=a"], "./a=b.json"),
        (["a.json", "=5"], "no name"),
        (["a.json", "x=1", "x=2"], "'x' is given twice"),
        (["a.json", "x=@-", "y=@-"], "'x' and 'y'"),
        (["a.json", "x=@"], "names no file"),
    ],
)
def test_what_can_not_be_understood_says_what_to_type(words, says):
    with pytest.raises(UsageFailed, match=says):
        split_words(words)


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("7", "INT", 7),
        ("7", "STRING", "7"),
        ("true", "STRING", "true"),
        ("true", "BOOLEAN", True),
        ("False", "BOOLEAN", False),
        ("1", "BOOLEAN", True),
        (".5", "FLOAT", 0.5),
        ("1" * 400, "INT", int("1" * 400)),
        ("3", "FLOAT", 3),
        ("0.5", "FLOAT", 0.5),
        ("1e-3", "FLOAT", 0.001),
        ("12345678901234567890", "INT", 12345678901234567890),
        ("[1, 2]", "SIGMAS", [1, 2]),
        ("7", "ANY", 7),
        ('"7"', "ANY", "7"),
        ("a cat", "ANY", "a cat"),
        ("3", "INT,FLOAT", 3),
        ("[" * 100_000, "ANY", "[" * 100_000),
    ],
)
def test_a_text_stands_for_what_the_ports_type_says(text, kind, value):
    found = value_of_text("x", text, kind)
    assert found == value and type(found) is type(value)


@pytest.mark.parametrize(
    ("text", "kind", "says"),
    [
        ("4.5", "INT", "takes INT. Write a whole number."),
        ("abc", "INT", "Write a whole number."),
        ("true", "INT", "Write a whole number."),
        ("1" * 5000, "INT", "Write a whole number."),  # more digits than Python reads
        ("abc", "FLOAT", "takes FLOAT. Write a number."),
        ("", "FLOAT", "Write a number."),
        ("NaN", "FLOAT", "Write a number."),
        ("[1]", "INT,FLOAT", "takes INT,FLOAT. Write a number."),
        ("yes", "BOOLEAN", "takes BOOLEAN. Write true or false."),
        ("2", "BOOLEAN", "Write true or false."),
    ],
)
def test_a_text_that_is_no_number_or_truth_is_refused_with_what_to_write(text, kind, says):
    with pytest.raises(WorkflowError, match=r"x='.*': the port 'x'") as caught:
        value_of_text("x", text, kind)
    assert str(caught.value).endswith(says)


@pytest.mark.parametrize(
    ("choices", "text", "value"),
    [
        (None, "4", "4"),
        (["euler", "4"], "4", "4"),
        ([4, 8], "4", 4),
        ([True, False], "true", True),
        (["euler"], "4", "4"),
        (["null"], "null", "null"),
    ],
)
def test_a_text_at_a_dropdown_is_the_choice_that_is_written_so(choices, text, value):
    found = value_of_text("x", text, "COMBO", choices)
    assert found == value and type(found) is type(value)


@pytest.mark.parametrize("kind", ["IMAGE", "MASK", "AUDIO", "VIDEO"])
def test_no_text_stands_for_a_picture(kind):
    with pytest.raises(WorkflowError, match="x=@file"):
        value_of_text("x", "photo.jpg", kind)


def test_names_that_the_workflow_has_not_are_refused_with_what_may_be_meant():
    with pytest.raises(WorkflowError, match=r"no 'txt' \(did you mean 'text'\?\).*'seed', 'text'"):
        check_names(["seed", "txt"], ["text", "seed"])
    check_names(["seed"], ["text", "seed"])


def value_in(
    folder: Path, name: str, content: bytes | str, kind: str, choices: list | None = None
) -> object:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_value(ValueFile("x", path), kind, choices)


@pytest.mark.parametrize(
    ("name", "content", "kind", "value"),
    [
        ("a.txt", "a cat\n", "STRING", "a cat"),
        ("a.json", '{"a": 1}', "STRING", '{"a": 1}'),
        ("a.txt", "\ufeffa\r\nb\r\n", "STRING", "a\r\nb"),
        ("a.txt", " 7\n", "INT", 7),
        ("a.json", "[1, 2]", "ANY", [1, 2]),
        ("a.txt", "[1", "ANY", "[1"),
        ("a.json", '{"nodes": []}', "MODEL", {"nodes": []}),
        ("a.txt", "4", "COMBO", "4"),
    ],
)
def test_a_file_holds_what_the_ports_type_says(tmp_path, name, content, kind, value):
    assert value_in(tmp_path, name, content, kind) == value


@pytest.mark.parametrize("kind", ["IMAGE", "MASK", "AUDIO", "VIDEO"])
def test_files_of_pictures_sound_and_video_are_for_the_run_to_open(tmp_path, kind):
    assert value_in(tmp_path, "a.bin", b"\x00", kind) == tmp_path / "a.bin"


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [("a.txt", b"\xff\xfe\xfa\x00\x01", "STRING"), ("a.json", "[1", "ANY"), ("a", "x", "MODEL")],
)
def test_a_file_that_is_none_of_it_is_refused_by_its_name(tmp_path, name, content, kind):
    with pytest.raises(WorkflowError, match="x=@"):
        value_in(tmp_path, name, content, kind)


def test_a_pickle_is_refused_before_anything_starts_unless_asked_for(tmp_path):
    (tmp_path / "a.pkl").write_bytes(b"cos\nsystem\n(S'true'\ntR.")
    given = [Assignment("x", file=str(tmp_path / "a.pkl"))]
    with pytest.raises(UntrustedValueError, match="--allow-pickle"):
        find_files(given, tmp_path, allow_pickle=False)
    assert find_files(given, tmp_path, allow_pickle=True)["x"].is_pickle


def test_a_file_that_is_not_there_is_found_before_anything_starts(tmp_path):
    with pytest.raises(FileNotFoundError, match="x=@nowhere.png"):
        find_files([Assignment("x", file="nowhere.png")], tmp_path, allow_pickle=False)


@pytest.mark.parametrize(
    ("file", "says"),
    [
        (".", "folder"),
        ("n" * 300, "too long"),
        ("a\0b", "null"),
        ("socket", "or a socket"),
    ],
)
def test_what_is_no_file_is_refused_by_the_ports_name(tmp_path, monkeypatch, file, says):
    monkeypatch.chdir(tmp_path)
    if file == "socket":
        if not hasattr(socket, "AF_UNIX"):
            return
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(file)
    with pytest.raises(WorkflowError, match=f"(?s)x=@.*{says}"):
        find_files([Assignment("x", file=file)], tmp_path, allow_pickle=False)


@pytest.mark.skipif(os.name == "nt", reason="there are none of these")
def test_what_comes_out_of_a_pipe_is_a_file_for_every_port(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    given = [Assignment("x", file=str(tmp_path / "pipe"))]
    writer = threading.Thread(
        target=lambda: (tmp_path / "pipe").write_bytes(b"a picture"), daemon=True
    )
    writer.start()
    found = find_files(given, tmp_path, allow_pickle=False)["x"]
    assert found.path.is_file() and found.path.read_bytes() == b"a picture"
    writer.join(60)


def test_the_values_of_a_dropdown_may_be_in_a_file(tmp_path):
    assert value_in(tmp_path, "a.txt", "8\n", "COMBO", [4, 8]) == 8
    assert json.loads((tmp_path / "a.txt").read_text()) == 8
