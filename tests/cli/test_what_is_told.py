"""What the command line tells, without a process: codes, JSON, files, findings, no secrets."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import numpy as np
import pytest
from custom_nodes.discomfort import errors, events
from custom_nodes.discomfort.cli import failures, shell_words
from custom_nodes.discomfort.cli.bug_report import line_of_log
from custom_nodes.discomfort.cli.commands.ports import _line
from custom_nodes.discomfort.cli.events_as_json import event_as_json
from custom_nodes.discomfort.cli.findings.comfyui import judge_torch
from custom_nodes.discomfort.cli.findings.finding import Finding, describe, worst
from custom_nodes.discomfort.cli.findings.machine import judge_disk, judge_shared_memory
from custom_nodes.discomfort.cli.output import for_terminal
from custom_nodes.discomfort.cli.redact import (
    Known,
    redact,
    redact_json,
    secrets_in,
    secrets_in_json,
)
from custom_nodes.discomfort.cli.result_files import safe_name
from custom_nodes.discomfort.cli.sizes import size_text
from custom_nodes.discomfort.cli.watch import stamps_of, wait_for_change
from custom_nodes.discomfort.cli.writing import JSON_LESS, Where, as_json, write_results
from custom_nodes.discomfort.cli.writing import describe as describe_result
from custom_nodes.discomfort.graph.explain.text import describe_plan
from custom_nodes.discomfort.inspection.inspect import inspect
from custom_nodes.discomfort.run.results import Results
from house import LIBRARY, ROOT, parse
from support.flow import PORT

PAGE = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
OF_LIBRARY = [
    e
    for e in vars(errors).values()
    if isinstance(e, type) and issubclass(e, errors.DiscomfortError)
]
OF_PYTHON = re.compile(r"await|discomfort\.|=\{|=\[|=True|=False|\w\(|[a-z]=[ ,)]")
OF_COMMAND_LINE = [failures.UsageFailed, failures.OutputFailed, failures.ReaderGone]


@pytest.mark.parametrize("kind", [*OF_LIBRARY, *OF_COMMAND_LINE], ids=lambda kind: kind.__name__)
def test_every_error_has_a_code_of_its_own_that_is_documented(kind):
    assert re.fullmatch(r"E_[A-Z_]+", vars(kind)["code"])
    (row,) = re.findall(rf"^\| `{kind.code}` \| .*$", PAGE, re.MULTILINE)
    if kind in OF_LIBRARY:
        assert f"`{kind.__name__}`" in row
    code = failures.failure_of(kind("text")).exit_code
    assert f"| {code} |" in row


def test_no_two_errors_have_one_code_and_none_is_documented_that_is_not_there():
    codes = [kind.code for kind in (*OF_LIBRARY, *OF_COMMAND_LINE)]
    others = [KeyboardInterrupt(), OSError(), FileNotFoundError(), ValueError(), LookupError()]
    codes += [failures.failure_of(error).code for error in others]
    assert len(set(codes)) == len(codes)
    assert sorted(re.findall(r"^\| `(E_\w+)`", PAGE, re.MULTILINE)) == sorted(codes)


def test_what_programs_need_of_an_error_is_beside_its_text():
    error = errors.NodeFailed("it failed", node_id="3", title="Load", comfy_traceback="long")
    assert failures.failure_of(error).to_json() == {
        "code": "E_NODE_FAILED",
        "exit_code": 1,
        "message": "it failed",
        "details": {"node_id": "3", "title": "Load"},
    }
    refused = errors.WorkflowError("bad", [errors.Problem("why", "3")])
    (problem,) = failures.failure_of(refused).details["problems"]
    assert problem == {"reason": "why", "node_id": "3", "node_type": None, "title": None}
    assert not failures.failure_of(RecursionError("ours")).is_expected


def test_a_text_that_names_a_call_of_pythons_is_still_one_of_the_librarys():
    told = [
        node.value
        for path in LIBRARY
        if "cli" not in path.relative_to(ROOT).parts
        for node in ast.walk(parse(path))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    for phrase in shell_words.phrases():
        assert any(phrase in text for text in told), phrase
    for text in map(shell_words.in_shell_words, shell_words.phrases()):
        assert not OF_PYTHON.search(text), text


@pytest.mark.parametrize(
    ("said", "typed"),
    [
        (
            "seed=5 changes nothing: it is for randomize_seeds=True. To set the seed of a node, "
            "give its input a value in inputs, as 'KSampler.seed'.",
            "seed=5 changes nothing: it is for --randomize-seeds. To set the seed of a node, say "
            "KSampler.seed=NUMBER.",
        ),
        ("within 1 s, as start_timeout= allows", "within 1 s, as --start-timeout allows"),
        ("cuda_device=3: torch in", "--device 3: torch in"),
        ("keep_warm=0 starts ComfyUI", "--keep-warm 0 starts ComfyUI"),
    ],
)
def test_names_of_options_are_those_of_the_command_line(said, typed):
    assert shell_words.in_shell_words(said) == typed


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("picture", "picture"),
        ("Save Image (9)", "Save Image (9)"),
        ("../../etc/passwd", "_.._etc_passwd"),
        ("a/b\\c:d*?", "a_b_c_d_"),
        ("...", "value"),
        ("", "value"),
        ("con", "_con"),
        ("NUL.txt", "_NUL.txt"),
        ("line\nbreak", "line_break"),
        ("Bild \u00e4", "Bild \u00e4"),
        ("\u00e4" * 200, "\u00e4" * 50),
    ],
)
def test_a_name_of_a_value_is_a_safe_name_of_a_file(name, file):
    assert safe_name(name) == file


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        ((1, "a", None, True), [1, "a", None, True]),
        ({"a": [1.5]}, {"a": [1.5]}),
        (float("nan"), "nan"),
        ([float("inf")], ["inf"]),
        (np.float32(0.5), 0.5),
        (np.zeros(3), JSON_LESS),
        ({1: 2}, JSON_LESS),
        ({"a": object()}, JSON_LESS),
    ],
)
def test_a_value_is_what_json_has_or_none(value, plain):
    found = as_json(value)
    assert found is plain or found == plain
    if plain is not JSON_LESS:
        json.dumps(found, allow_nan=False)


def test_results_become_files_and_none_is_replaced_unless_asked_for(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    values = {"picture": np.zeros((1, 8, 8, 3), np.float32), "Picture": "text", "odd": {1: 2}}
    values |= {"number": 3, "picture?": "b", "PICTURE": "c"}
    written = write_results(Results(values), Where(Path("out"))).results
    names = {name: [Path(f).name for f in about["files"]] for name, about in written.items()}
    assert names == {
        "picture": ["picture.png"],
        "Picture": ["Picture.txt"],
        "odd": ["odd.pkl"],
        "number": ["number.json"],
        "picture?": ["picture_.txt"],
        "PICTURE": ["PICTURE (1).txt"],
    }
    again = write_results(Results(values), Where(Path("out"))).results
    assert [Path(f).name for f in again["picture"]["files"]] == ["picture (1).png"]
    assert [Path(f).name for f in again["odd"]["files"]] == ["odd (1).pkl"]
    forced = write_results(Results(values), Where(Path("out"), is_forced=True)).results
    assert [Path(f).name for f in forced["picture"]["files"]] == ["picture.png"]
    assert len(list(Path("out").iterdir())) == 12


def test_what_nodes_saved_is_copied_and_not_written_twice(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    saved = tmp_path / "worker" / "a_00001_.png"
    saved.parent.mkdir()
    saved.write_bytes(b"as the node wrote it")
    picture = np.zeros((1, 8, 8, 3), np.float32)
    results = Results({"Save Image": picture, "n": 1}, {"Save Image": [saved]})
    told = write_results(results, Where()).results
    assert told["Save Image"]["files"] == ["output/a_00001_.png"] and told["n"]["files"] == []
    assert [p.read_bytes() for p in Path("output").iterdir()] == [saved.read_bytes()]
    write_results(results, Where(is_forced=True))
    assert len(list(Path("output").iterdir())) == 1


def test_an_event_is_one_object_without_pictures():
    started = events.NodeStarted("p", "3", "KSampler", "my sampler", 1, 4)
    assert event_as_json(started) == {
        "event": "node_started",
        "prompt_id": "p",
        "node_id": "3",
        "node_type": "KSampler",
        "title": "my sampler",
        "step": 1,
        "total": 4,
        "display_node": "",
    }
    seeds = event_as_json(events.SeedsChanged("a.json", {("3", "seed"): 7}))
    assert seeds == {"event": "seeds_changed", "workflow": "a.json", "seeds": {"3.seed": 7}}
    assert "data" not in event_as_json(events.Preview("p", "3", b"\xff"))


async def test_a_file_has_changed_once_it_has_settled(tmp_path):
    path, beside = tmp_path / "a.json", tmp_path / "b.json"
    path.write_text("1")
    before = stamps_of([path])
    beside.write_text("2")
    beside.replace(path)  # as editors save: the same size, another file
    assert (await wait_for_change(before))[path] != before[path]
    assert stamps_of([tmp_path / "gone"]) == {tmp_path / "gone": None}


def test_findings_say_what_to_do():
    small = judge_shared_memory(64 << 20, 60 << 20, "/dev/shm")
    full = judge_disk("the cache", "/x", 10 << 20, "TMPDIR")
    (blind,) = judge_torch({"version": "2.9", "devices": []}, has_hardware=True)
    (broken,) = judge_torch("No module named 'torch'", has_hardware=True)
    (seen,) = judge_torch({"version": "2.9", "devices": [["H200", 10**9, 2 * 10**9]]}, True)
    states = ["warning", "error", "warning", "error", "ok"]
    found = [small, full, blind, broken, seen]
    assert [one.state for one in found] == states and worst(found) == "error"
    assert all(bool(one.advice) == (one.state != "ok") for one in found)
    assert "H200 (1.0 GB of 2.0 GB free)" in seen.found
    lines = describe([Finding("a", "note", "it is so", "do this")]).splitlines()
    assert lines == ["note     it is so", "         -> do this"]
    assert worst([]) == "ok"


def test_what_a_terminal_would_obey_is_not_written():
    text = "a\x1b]0;title\x07b\x9b2Jc\r\nd\te\ud800"
    assert for_terminal(text) == "a?]0;title?b?2Jc?\nd\te\\ud800"


HOSTILE = "evil\nok  input  forged\u202e\x1b[31m\u2028\u2066\U000e0041"
SAFE = "evil?ok  input  forged??[31m???"


def test_a_name_can_not_make_a_line_of_its_own_or_turn_what_follows(tmp_path):
    for_letters = "\u0645\u06cc\u200c\u062e \u732b\u3000"
    assert errors.visible(HOSTILE + for_letters) == SAFE + for_letters
    assert for_terminal(f"{HOSTILE}\n") == SAFE.replace("evil?", "evil\n") + "\n"
    nodes = [{"id": 1, "type": PORT, "widgets_values": [HOSTILE, ""]}]
    (tmp_path / "evil.json").write_text(json.dumps({"nodes": nodes, "links": []}))
    found = inspect(tmp_path / "evil.json", object_info={})
    assert _line(found.ports[0]) == f"input     {SAFE}  ANY  needs a value"
    about = {"files": [], "value": HOSTILE, "summary": ""}
    assert describe_result(HOSTILE, about).startswith(f"{SAFE}: evil\n")
    assert describe_result(HOSTILE, {**about, "files": [HOSTILE]}) == f"{SAFE}: {SAFE}"
    assert "\n" not in str(errors.Problem("why", "3", HOSTILE))
    assert f"Note: {SAFE}" in describe_plan([], {}, [HOSTILE]).splitlines()
    assert not re.search("\\n[^ ]*forged|[\u202e\x1b\u2066]", str(found))


def test_sizes_are_in_powers_of_a_thousand():
    assert [size_text(n) for n in (12, 3400, 5_600_000, 7.8e9)] == [
        "12 B",
        "3.4 kB",
        "5.6 MB",
        "7.8 GB",
    ]


KNOWN = Known(
    ("/home/jane", "C:\\Users\\jane"), ("jane", "janes-pc"), ("hunter2-hunter2", 'quo"te')
)


@pytest.mark.parametrize(
    "line",
    [
        "models in /home/jane/ComfyUI/models",
        'File "C:\\\\Users\\\\jane\\\\x.py"',
        "C:/Users/jane/x.py",
        "/Users/somebody/x /home/somebody/y",
        "jane@janes-pc:~$",
        "key is hunter2-hunter2 there",
        "COMFY_ORG_API_KEY=abc123def",
        '{"api_key": "abc123def", "password": "p w"}',
        "Authorization: Bearer abc123def",
        "token=abc123def&x=1",
        "http://user:abc123def@host/x",
        "sk-abc123def456ghi hf_abc123def456ghi comfyui-abc123def456",
        "eyJabc123def.eyJabc123def.sig",
        "0123456789abcdef0123456789abcdef0123456789",
        "mail to somebody@example.com",
        "listens on 192.168.1.20:8188",
        "main.py --listen --api-key abc123def --cpu",
        "['main.py', '--api-key', 'abc123def', '--password=p w']",
        r'{"arguments": "[\"--auth-token\", \"abc123def\"]"}',
        r'{"text": "{\"api_key\": \"abc123def\"}"}',
        '{"password": "abc123def\\"p w"}',
        "GET /models/a.safetensors?sig=abc123def HTTP/1.1",
        "https://host/a?X-Amz-Date=1&X-Amz-Signature=abc123def&X-Amz-Credential=abc123def/x",
        "https://abc123def@host/x ftp://user:abc123def@host/x",
        "git+ssh://me:abc123def@w@host/x",
        r"key is quo\"te there, quo%22te too",
    ],
)
def test_a_report_has_neither_keys_nor_who_the_user_is(line):
    told = redact(line, KNOWN)
    hidden = r"quo|jane|hunter2|abc123def|somebody|192\.168|0123456789abcdef|p w"
    assert not re.search(hidden, told)
    assert redact(told, KNOWN) == told


def test_settings_are_told_without_what_their_names_call_secret():
    settings = {
        "EXTRA_ARGS": ["--cpu", "--api-key", "x", "y z", "--token=q", "--port", "8188"],
        "COMFY_ORG_API_KEY": "ab",
        "VISION_KEYS": {"one": "short", "more": [7]},
        "ATTACH_URL": "https://host/?sig=s",
        "HOME": "/home/jane/x",
        "OTHER": None,
    }
    assert redact_json(settings, KNOWN) == {
        "EXTRA_ARGS": [
            *("--cpu", "--api-key", "<secret>", "<secret>", "--token=<secret>", "--port", "8188")
        ],
        "COMFY_ORG_API_KEY": "<secret>",
        "VISION_KEYS": {"one": "<secret>", "more": ["<secret>"]},
        "ATTACH_URL": "https://host/?sig=<secret>",
        "HOME": "~/x",
        "OTHER": None,
    }
    assert secrets_in_json({"EXTRA_ARGS": ["--api-key", "abcdef"], "A_TOKEN": "x"}) == ("abcdef",)


def test_a_line_is_cut_when_nothing_secret_is_in_it_any_more():
    for before in (385, 395, 399):
        told = line_of_log(f"{'a ' * (before // 2)} hunter2-hunter2 and more", KNOWN)
        assert "hunt" not in told and len(told) <= 400
    told = line_of_log(f"token={'s' * 4_990} hunter2-hunter2", KNOWN)
    assert told == "token=<secret>"


@pytest.mark.parametrize(
    "line",
    [
        "ComfyUI 0.33.0 at ~/ComfyUI, torch 2.11.0+cu130",
        "node 3 'KSampler' (KSampler): value 7 is too large",
        "http://127.0.0.1:8188/object_info",
        "KeyError: 'samples'",
        "janette is somebody else",
    ],
)
def test_what_is_needed_stays(line):
    assert redact(line, KNOWN) == line


def test_variables_that_are_secret_are_known_by_their_names():
    environment = {"OPENAI_API_KEY": "abcdefgh", "HF_TOKEN": "short", "PATH": "/usr/bin/x"}
    assert secrets_in(environment) == ("abcdefgh",)
