"""The pure parts: messages to events, failures to errors, command lines, environments, log
lines.
"""

from __future__ import annotations

import json
import struct
import sys
from pathlib import Path
from typing import Any

import pytest
from custom_nodes.discomfort.errors import ConfigError, NodeFailed, RunInterrupted
from custom_nodes.discomfort.worker.client import (
    events,
    failures,
    latest_events,
    run_state,
    uploads,
)
from custom_nodes.discomfort.worker.launch import command, output_log
from hypothesis import given
from hypothesis import strategies as st

A = "11111111-1111-4111-8111-111111111111"
UI = {"text": ["a"]}


def text(kind: str, **data: Any) -> str:
    return json.dumps({"type": kind, "data": data})


@pytest.mark.parametrize(
    ("message", "event"),
    [
        (text("execution_start", prompt_id=A, timestamp=1), events.RunStarted(A)),
        (text("execution_cached", prompt_id=A, nodes=["1"]), events.NodesCached(A, ("1",))),
        (text("executing", prompt_id=A, node="7"), events.NodeStarted(A, "7")),
        (text("executing", prompt_id=A, node=None), events.HistoryWritten(A)),
        (text("executing", node="7"), events.NodeStarted("", "7")),
        (text("progress", prompt_id=A, node="7", value=2, max=9), events.Progress(A, "7", 2, 9)),
        (text("executed", prompt_id=A, node="7", output={}), events.OutputLanded(A, "7", {})),
        (text("executed", prompt_id=A, node=7, output=UI), events.OutputLanded(A, "7", UI)),
        (text("executed", prompt_id=A, node="7", output=None), events.OutputLanded(A, "7", {})),
        (text("status", status={"exec_info": {"queue_remaining": 3}}), events.QueueStatus("", 3)),
        (text("progress_state", prompt_id=A, nodes={}), None),
        (text("crystools.monitor", cpu=3), None),
        ("", None),
        ("[]", None),
        ('{"type": "progress"}', None),
        ('{"type": "executing", "data": [1]}', None),
        (b"", None),
        (struct.pack(">II", 1, 2) + b"img", events.Preview("", "", b"img", "PNG")),
        (struct.pack(">II", 9, 2) + b"img", None),
        (struct.pack(">II", 4, 99) + b"{", None),
    ],
)  # fmt: skip
def test_message_becomes_its_event(message: str | bytes, event: events.Event | None):
    assert events.parse_message(message) == event


def test_preview_with_metadata_knows_its_node():
    about = json.dumps({"prompt_id": A, "node_id": "3", "image_type": "image/png"}).encode()
    message = struct.pack(">II", 4, len(about)) + about + b"picture"
    assert events.parse_message(message) == events.Preview(A, "3", b"picture", "PNG")


@given(st.one_of(st.text(), st.binary()))
def test_any_message_is_survived(message: str | bytes):
    events.parse_message(message)


@given(
    st.recursive(
        st.none() | st.integers() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)
    )
)
def test_any_data_of_a_known_message_is_survived(data: Any):
    for kind in (
        "status",
        "executing",
        "executed",
        "progress",
        "execution_error",
        "execution_cached",
    ):
        events.parse_message(json.dumps({"type": kind, "data": data}))


KINDS = st.sampled_from([events.Progress, events.Preview, events.NodeStarted])


@given(st.lists(st.tuples(KINDS, st.sampled_from("ab"))))
def test_inbox_keeps_all_but_outdated_steps_and_previews(told: list):
    box = latest_events.LatestEvents()
    sent = [kind(str(i), node_id) for i, (kind, node_id) in enumerate(told)]
    for event in sent:
        box.put(event)
    kept = [box.take() for _ in range(len(box))]
    newest = {(type(e), e.node_id): e for e in sent}.values()
    assert kept == [e for e in sent if isinstance(e, events.NodeStarted) or e in newest]


PROMPT = {"1": {"class_type": "KSampler", "inputs": {}, "_meta": {"title": "my sampler"}}}


def test_node_error_says_all_that_comfyui_said():
    details = {
        "node_id": "1", "exception_type": "torch.OutOfMemoryError",
        "exception_message": "no VRAM\n",
        "traceback": ["line 1\n", "line 2\n"],
    }  # fmt: skip
    error = failures.ended_badly(PROMPT, events.Done(A, "error", details), "/tmp/log")
    assert isinstance(error, NodeFailed)
    assert "my sampler" in str(error) and "no VRAM" in str(error)
    assert (error.node_type, error.comfy_traceback) == ("KSampler", "line 1\nline 2\n")
    assert (error.prompt_id, error.log_path) == (A, "/tmp/log")


def test_node_of_an_expansion_gets_the_title_of_its_origin():
    assert run_state.name_of(PROMPT, "1.0.4") == ("KSampler", "my sampler")
    assert run_state.name_of(PROMPT, "nowhere") == ("", "")


def test_interruption_is_no_node_error():
    error = failures.ended_badly(PROMPT, events.Done(A, "interrupted", {"node_id": "1"}), None)
    assert isinstance(error, RunInterrupted)


@pytest.mark.parametrize(
    ("reply", "raw", "words"),
    [
        (None, "Maximum request body size exceeded", "max-upload-size"),
        ({}, "", "refused"),
        ({"error": "just words", "node_errors": {}}, "", "just words"),
        ({"error": {"type": "odd"}, "node_errors": []}, "", "odd"),
        ({"error": {"message": "m", "details": "d"}, "node_errors": {}}, "", "m: d"),
        ({"node_errors": {"1": {"errors": [{"message": "too big"}]}}}, "", "my sampler"),
    ],
)
def test_every_refusal_is_told(reply: Any, raw: str, words: str):
    assert words in str(failures.refused(PROMPT, 413, reply, raw))


@pytest.mark.parametrize(
    ("messages", "status", "expected"),
    [
        ([["execution_start", {}], ["execution_success", {}]], "success", "success"),
        ([["execution_error", {"node_id": "1"}]], "error", "error"),
        ([["execution_interrupted", {"node_id": "1"}]], "error", "interrupted"),
        ([], "error", "error"),
        ([], "success", "success"),
    ],
)
def test_history_tells_the_end(messages: list, status: str, expected: str):
    entry = {"status": {"status_str": status, "messages": messages}, "outputs": {}}
    assert run_state.read_history(A, entry)[0].status == expected


def arguments(
    *extra: str, known: str = '"--cache-classic" "--database-url"', **changes: Any
) -> list[str]:
    folder = Path("w")
    given_ones: dict[str, Any] = {
        "known": known, "port": 0, "temp": folder / "t", "output": folder / "o",
        "user": folder / "u", "paths_file": folder / "p", "use_cpu": False, "extra": extra,
    }  # fmt: skip
    return command.worker_arguments(**{**given_ones, **changes})


def test_only_known_flags_are_used():
    assert "--cache-classic" in arguments() and "--cache-classic" not in arguments(known="")
    assert "--database-url" in arguments() and "--database-url" not in arguments(known="")


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


def environment(base: dict[str, str], **changes: Any) -> dict[str, str]:
    given_ones: dict[str, Any] = {
        "same_python": True, "cuda_device": None, "bytecode_dir": None, "extra": {},
    }  # fmt: skip
    return command.worker_environment(base, **{**given_ones, **changes})


def test_environment_of_a_comfyui_parent_is_cleaned():
    base = {
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTORCH_CUDA_ALLOC_CONF": "max_split_size_mb:64" + ",backend:cudaMallocAsync" * 2,
        "PATH": "p",
        "PYTHONPATH": "x",
    }
    made = environment(base)
    assert "PYTHONDONTWRITEBYTECODE" not in made
    assert made["PYTORCH_CUDA_ALLOC_CONF"] == "max_split_size_mb:64"
    assert made["PATH"] == "p" and made["PYTHONPATH"] == "x"
    assert "PYTHONPATH" not in environment(base, same_python=False)
    assert base["PYTHONDONTWRITEBYTECODE"] == "1", "the master's environment was changed"


def test_allocator_of_comfyui_alone_is_dropped():
    assert "PYTORCH_CUDA_ALLOC_CONF" not in environment(
        {"PYTORCH_CUDA_ALLOC_CONF": ",backend:cudaMallocAsync"}
    )


def test_device_counts_among_the_visible_ones():
    assert environment({}, cuda_device=1)["CUDA_VISIBLE_DEVICES"] == "1"
    made = environment({"CUDA_VISIBLE_DEVICES": "4, 7"}, cuda_device=1)
    assert made["CUDA_VISIBLE_DEVICES"] == "7"
    with pytest.raises(ConfigError, match="only 2 device"):
        environment({"CUDA_VISIBLE_DEVICES": "4,7"}, cuda_device=2)


@pytest.mark.parametrize(
    ("raw", "line"),
    [
        (b"\x1b[32m[INFO]\x1b[0m hello\n", "[INFO] hello"),
        (b"  0%|  |\r 50%|# |\r100%|##|\n", "100%|##|"),
        (b"caf\xc3\xa9 \xff\r\n", "caf\u00e9 \ufffd"),
        (b"\x1b]0;title\x07text", "text"),
        (b"", ""),
    ],
)
def test_log_line_is_plain(raw: bytes, line: str):
    assert output_log.clean_line(raw) == line


@pytest.mark.parametrize(
    ("code", "words"),
    [(-9, "memory"), (137, "memory"), (-11, "segmentation"), (-15, "SIGTERM"), (3, "see the log")],
)
def test_exit_code_is_explained(code: int, words: str):
    if sys.platform == "win32" and code == -15:
        words = "ended by"
    assert words in output_log.describe_exit(code)


FOLDERS = {"input": "/c/input", "output": "/c/output", "temp": "/w/temp"}
MODELS = {"checkpoints": ["/c/models/checkpoints", "/other"], "loras": []}


@pytest.mark.parametrize(
    ("kind", "subfolder", "path"),
    [
        ("input", None, "/c/input"),
        ("temp", "a/b", "/w/temp/a/b"),
        ("models", "checkpoints", "/c/models/checkpoints"),
        ("models", "checkpoints/sd15", "/c/models/checkpoints/sd15"),
    ],
)
def test_upload_goes_where_comfyui_looks(kind: str, subfolder: str | None, path: str):
    assert uploads.target_folder(FOLDERS, MODELS, kind, subfolder) == Path(path)


@pytest.mark.parametrize(
    ("kind", "subfolder"),
    [
        ("cache", None), ("models", None), ("models", "nothing"), ("models", "loras"),
        ("input", "../x"), ("input", "/etc"), ("input", "a/../../b"),
    ],
)  # fmt: skip
def test_upload_elsewhere_is_refused(kind: str, subfolder: str | None):
    with pytest.raises(ValueError, match=r"folder|must be"):
        uploads.target_folder(FOLDERS, MODELS, kind, subfolder)


def test_upload_numbers_reuses_replaces_and_cleans_up(tmp_path: Path):
    source, other = tmp_path / "a" / "x.bin", tmp_path / "b" / "x.bin"
    for path, content in ((source, b"one"), (other, b"two")):
        path.parent.mkdir()
        path.write_bytes(content)
    folder, store = tmp_path / "input" / "sub", uploads.Uploads()
    first = store.put(source, folder, False, True)
    assert (first.name, first.read_bytes()) == ("x.bin", b"one")
    assert store.put(source, folder, False, True) == first
    second = store.put(other, folder, False, True)
    assert (second.name, second.read_bytes()) == ("x (1).bin", b"two")
    users = folder / "users.bin"
    users.write_bytes(b"theirs")
    replacement = tmp_path / "a" / "users.bin"
    replacement.write_bytes(b"ours")
    assert store.put(replacement, folder, True, True).read_bytes() == b"ours"
    store.remove_ephemeral()
    assert [p.name for p in folder.iterdir()] == ["users.bin"], "what was there before was removed"
    with pytest.raises(FileNotFoundError):
        store.put(tmp_path / "none", folder, False, False)


@pytest.mark.skipif(sys.platform == "win32", reason="the split is another on Windows")
def test_command_line_is_split_as_a_shell_does():
    assert command.split_command("'/my python/bin' -s main.py") == [
        "/my python/bin",
        "-s",
        "main.py",
    ]
