"""What needs no ComfyUI: sockets, values, conditions, folders, and what is passed on."""

from __future__ import annotations

import asyncio
import json
import os
import re
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from custom_nodes.discomfort.editor.host import allowed_folders
from custom_nodes.discomfort.editor.host.loop_thread import LoopThread
from custom_nodes.discomfort.editor.host.passed_arguments import (
    arguments_to_pass_on,
    unknown_flags,
)
from custom_nodes.discomfort.editor.run_nodes import sockets
from custom_nodes.discomfort.editor.run_nodes.constants import parse_values, why_unfit
from custom_nodes.discomfort.editor.run_nodes.job import join
from custom_nodes.discomfort.editor.run_nodes.node_classes import MAX_SOCKETS, DiscomfortTestRunner
from custom_nodes.discomfort.errors import WorkflowError
from custom_nodes.discomfort.run.stop_condition import Condition
from custom_nodes.discomfort.system.config import EditorConfig, load_config
from custom_nodes.discomfort.worker.launch.arguments import known_arguments
from support.servers import Server, real_servers

from .outer import PROJECT


def ports(**kinds: str) -> dict[str, dict[str, str]]:
    return {name: {"type": kind} for name, kind in kinds.items()}


def test_the_port_types_of_a_sequence_lacks_what_its_parts_give_each_other():
    first = {"inputs": ports(seed="INT"), "outputs": ports(picture="IMAGE", mask="MASK")}
    second = {"inputs": ports(picture="IMAGE", amount="FLOAT"), "outputs": ports(picture="ANY")}
    port_types = sockets.merge_port_types([first, second])
    assert port_types.inputs == {"seed": "INT", "amount": "FLOAT"}
    assert port_types.outputs == {"picture": "IMAGE", "mask": "MASK"}


def test_a_value_that_goes_round_has_the_type_of_its_other_end():
    found = {"inputs": ports(x="ANY", y="INT"), "outputs": ports(x="STRING", y="ANY")}
    port_types = sockets.merge_port_types([found])
    assert port_types == sockets.PortTypes({"x": "STRING", "y": "INT"}, {"x": "STRING", "y": "INT"})


def test_sockets_survive_json_and_default_to_the_files_order():
    port_types = sockets.PortTypes({"a": "INT", "b": "INT"}, {"c": "INT"})
    assert sockets.read_sockets("", port_types) == sockets.Sockets(("a", "b"), ("c",))
    text = json.dumps({"inputs": ["b"], "outputs": ["c"], "elsewhere": ["c"]})
    read = sockets.read_sockets(text, port_types)
    assert read.input_names() == {"b": "input_1"} and read.elsewhere == {"c"}


def test_more_ports_than_sockets_are_told():
    many = {f"p{i}": "INT" for i in range(MAX_SOCKETS + 1)}
    with pytest.raises(WorkflowError, match="24 sockets at most"):
        sockets.read_sockets("", sockets.PortTypes(many, {}))


def test_the_class_declares_as_many_sockets_as_are_counted():
    declared = DiscomfortTestRunner.INPUT_TYPES()["optional"]
    assert f"input_{sockets.MAX_SOCKETS}" in declared
    assert f"input_{sockets.MAX_SOCKETS + 1}" not in declared
    assert len(DiscomfortTestRunner.RETURN_TYPES) == MAX_SOCKETS == sockets.MAX_SOCKETS


def test_values_are_json_or_text():
    text = 'n = 3\nwords = two words = more\nflag = true\nlist = [1, 2]\nquoted = " x "\n\n# no = 1'
    assert parse_values("a = x\u2028y\r\nb = 2") == {"a": "x\u2028y", "b": 2}
    assert parse_values(text) == {
        "n": 3,
        "words": "two words = more",
        "flag": True,
        "list": [1, 2],
        "quoted": " x ",
    }
    with pytest.raises(WorkflowError, match="line 2: 'n' is set twice"):
        parse_values("n = 1\nn = 2")


@pytest.mark.parametrize(
    ("text", "kind", "reason"),
    [
        ("3", "INT", None),
        ('"3"', "INT", None),
        ("cat", "INT", "write a whole number"),
        ("[1, 2]", "INT", "write a whole number"),
        ("null", "FLOAT", "write a number"),
        ("NaN", "INT", "write a whole number"),
        ("true", "FLOAT", None),
        ("cat", "INT,STRING", None),
        ("true", "BOOLEAN", None),
        ("0", "BOOLEAN", None),
        ("False", "BOOLEAN", "`x = true` or `x = false`"),
        ("3", "STRING", None),
        ("cat", "COMBO", None),
        ("cat", "ANY", None),
        ("a.png", "IMAGE", "connect its socket"),
        ("null", "IMAGE", None),
        ("[1, 2]", "MODEL", "connect its socket"),
    ],
)
def test_constants_are_such_as_their_port_takes(text: str, kind: str, reason: str | None):
    value = parse_values(f"x = {text}")["x"]
    told = why_unfit("x", value, kind, {"IMAGE", "MODEL"}.__contains__)
    assert told is None if reason is None else told is not None and reason in told


@pytest.mark.parametrize("kind", ["INT", "STRING", "ANY", "INT,IMAGE", "IMAGE", "IMAGE,MODEL"])
def test_values_are_offered_for_what_can_be_written_as_text_only(kind: str):
    is_object = {"IMAGE", "MODEL"}.__contains__
    with pytest.raises(WorkflowError) as caught:
        sockets.check_given(sockets.PortTypes({"x": kind}, {}), {}, {}, is_object)
    told = f"the input 'x' ({kind}) has no value: connect its socket"
    if any(why_unfit("x", value, kind, is_object) is None for value in (1, "a")):
        told += ", or write `x = ...` into values"
    assert [problem.reason for problem in caught.value.problems] == [told]


@pytest.mark.parametrize(
    ("received", "wanted", "is_fit"),
    [
        ("IMAGE", "IMAGE", True),
        ("*", "IMAGE", True),
        ("IMAGE", "ANY", True),
        ("INT", "FLOAT", True),
        ("STRING", "COMBO", True),
        (["a", "b"], "COMBO", True),
        ("INT", "INT,FLOAT", True),
        ("IMAGE", "MODEL", False),
        ("IMAGE", "INT", False),
    ],
)
def test_types_fit_as_the_loader_converts(received: Any, wanted: str, is_fit: bool):
    assert sockets.fits(received, wanted) is is_fit


def test_condition_computes_with_numbers_texts_and_pictures():
    values = {
        "quality": torch.tensor(0.75),
        "my name": "Ann",
        "picture": torch.full((1, 2, 2, 3), 0.5),
    }
    condition = Condition(
        "quality >= 0.7 and i > 3 and lower(my_name) == 'ann' and mean(picture) == 0.5", values
    )
    assert not condition.is_met(3, values.__getitem__)
    assert condition.is_met(4, values.__getitem__)
    assert set(condition.unique_ids) == {"quality", "my name", "picture"}


@pytest.mark.parametrize(
    "text",
    ["", "x +", "x.real", "(lambda: 1)()", "open('f')", "[y for y in x]()", "x; 1", "__class__"],
)
def test_condition_that_may_not_be_is_refused_when_made(text: str):
    with pytest.raises(WorkflowError, match="condition"):
        Condition(text, ["x"])


def test_condition_whose_port_is_called_i_is_refused():
    with pytest.raises(WorkflowError, match="Rename the port"):
        Condition("i > 3", ["i"])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("'no'", "takes the text 'no' for true or false.*compare it"),
        ("answer == 'yes' or 'no'", "takes the text 'no' for true or false.*compare it"),
        ("not 'no'", "takes the text 'no' for true or false.*compare it"),
        ("f'{answer:>99999999999}' == ''", "uses JoinedStr, which it may not"),
        ("answer @ answer", "uses MatMult, which it may not"),
        pytest.param("-" * 100_000 + "1", "can't be read: it is nested too deep", id="deep"),
        ("answer()", "uses 'answer' as a function"),
        ("len", r"uses 'len'.*the functions abs\(\)"),
        *(
            (f"len({name}()) > 1", f"uses '{name}' as a function")
            for name in ("dict", "list", "set", "tuple")
        ),
    ],
)
def test_condition_that_could_only_mislead_is_refused_when_made(text: str, words: str):
    with pytest.raises(WorkflowError, match=words):
        Condition(text, ["answer"])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("answer", "the result is the text 'no'. A text is neither true nor false: compare it"),
        ("i > 3 or lower(answer)", "the result is the text 'no'"),
        ("9 ** 9 ** 9 > i", "a number becomes too large. Use smaller powers and shifts. The val"),
        ("10.0 ** 400 > i", "a number becomes too large. Use smaller powers and shifts. The val"),
        ("1 << 99999 > i", "a number becomes too large. Use smaller powers and shifts. The val"),
        ("len(answer * 100000) > i", "a text or list becomes too long. Compare its length"),
        ("len('%99999999999d' % i) > 3", "% is for numbers, not for texts"),
        pytest.param("i" + " + 1" * 2000 + " > 3", "it is nested too deep. Make it", id="deep"),
        ("1 / (i - 1)", "division by zero"),
    ],
)
def test_condition_that_can_not_be_computed_says_what_to_do(text: str, words: str):
    condition = Condition(text, ["answer"])
    with pytest.raises(WorkflowError, match="can't be computed after iteration 1") as caught:
        condition.is_met(1, lambda _: "no")
    assert words in str(caught.value) and "orry" not in str(caught.value)


def test_help_names_the_functions_of_a_condition():
    with pytest.raises(WorkflowError) as caught:
        Condition("unknown", [])
    told = re.findall(r"(\w+)\(\)", str(caught.value))
    page = PROJECT / "web" / "docs" / "DiscomfortLoopExecutor.md"
    named = re.search(r"the functions ([^;]*);", page.read_text(encoding="utf-8"))
    assert named is not None and re.findall(r"\w+", named[1]) == told


def test_batch_joins_pictures_and_latents_and_leaves_the_rest():
    pictures = [torch.zeros(1, 4, 4, 3), torch.ones(2, 4, 4, 3)]
    assert join("x", pictures)[0].shape == (3, 4, 4, 3)
    latents = [{"samples": torch.zeros(1, 4, 8, 8)}, {"samples": torch.zeros(1, 4, 8, 8), "k": 1}]
    (latent,) = join("x", latents)
    assert latent["samples"].shape == (2, 4, 8, 8) and latent["k"] == 1
    assert join("x", [1, 2]) == [1, 2]


def test_only_what_the_nested_one_needs_is_passed_on():
    given = (
        "--listen 0.0.0.0 --port 8188 --lowvram --reserve-vram 1.5 "
        "--extra-model-paths-config a.yaml b.yaml --enable-cors-header * "
        "--base-directory=/x --output-directory /y --cuda-device 1"
    )
    kept = (
        "--lowvram --reserve-vram 1.5 --extra-model-paths-config a.yaml b.yaml --base-directory=/x"
    )
    assert arguments_to_pass_on(given.split()) == kept.split()
    assert unknown_flags(given.split()) == []
    assert unknown_flags(["--cpu", "--port=1", "--brand-new=3", "x"]) == ["--brand-new"]


@pytest.mark.parametrize("server", real_servers(), ids=lambda server: server.name)
def test_of_each_flag_of_comfyui_is_known_whether_the_nested_one_needs_it(server: Server):
    flags = re.findall(r'add_argument\(\s*"(--[\w-]+)"', known_arguments(server.path))
    assert len(flags) > 70
    assert unknown_flags(flags) == []


@pytest.fixture
def allowed(tmp_path: Path) -> list[Path]:
    first, second = tmp_path / "saved", tmp_path / "input"
    for folder in (first / "deep", second):
        folder.mkdir(parents=True)
    (first / "a.json").write_text("{}")
    (first / "deep" / "b.json").write_text("{}")
    (first / ".hidden.json").write_text("{}")
    (second / "a.json").write_text("{}")
    (second / "c.JSON").write_text("{}")
    (tmp_path / "secret.json").write_text("{}")
    return [first, second]


def test_workflows_are_found_by_name_and_by_path(allowed: list[Path]):
    first, second = allowed
    assert allowed_folders.list_workflows(allowed) == ["a.json", "deep/b.json", "c.JSON"]
    assert allowed_folders.find_workflow("a.json", allowed) == first / "a.json"
    assert allowed_folders.find_workflow("c.JSON", allowed) == second / "c.JSON"
    assert allowed_folders.find_workflow(str(second / "a.json"), allowed) == second / "a.json"
    with pytest.raises(FileNotFoundError, match="'d.json'"):
        allowed_folders.find_workflow("d.json", allowed)


@pytest.mark.parametrize("name", ["../secret.json", "deep/../../secret.json", "link/secret.json"])
def test_nothing_outside_is_found_by_any_way(
    allowed: list[Path], tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(allowed_folders, "config_path", lambda: Path("editor.json"))
    (allowed[0] / "link").symlink_to(tmp_path, target_is_directory=True)
    for asked in (name, str(tmp_path / "secret.json")):
        with pytest.raises(WorkflowError, match="outside the folders that may be read"):
            allowed_folders.find_workflow(asked, allowed)


@pytest.mark.parametrize(
    "name",
    [r"\\host\share\a.json", "//host/share/a.json", r"\\?\C:\a.json", "~nobody/a.json", "/\0", "/"],
)
def test_what_leads_elsewhere_is_refused_before_anybody_is_asked_where_it_leads(
    allowed: list[Path], name: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(allowed_folders, "config_path", lambda: Path("editor.json"))
    asked: list[str] = []
    lstat = os.lstat  # what `resolve` asks the system with; it still does
    monkeypatch.setattr(os, "lstat", lambda p, **k: asked.append(os.fspath(p)) or lstat(p, **k))
    with pytest.raises((WorkflowError, FileNotFoundError)):
        allowed_folders.find_workflow(name, allowed)
    folder = str(allowed[0].parent)
    assert asked and not [p for p in asked if not (p.startswith(folder) or folder.startswith(p))]


def test_a_folder_may_go_by_either_of_its_names(allowed: list[Path], tmp_path: Path):
    other = tmp_path / "other"
    other.symlink_to(allowed[0], target_is_directory=True)
    for name in (other / "a.json", allowed[0] / "a.json", "a.json", "deep/../a.json"):
        assert allowed_folders.find_workflow(str(name), [other]) == allowed[0] / "a.json"


def test_packaged_settings_are_those_of_the_class():
    config = load_config(EditorConfig, "editor.json")
    assert config.WORKER_IDLE_MINUTES == 10
    assert all(Path(folder).is_dir() for folder in config.WORKFLOW_FOLDERS)
    assert config.VISION_KEYS["OPENAI_API_KEY"] == "https://api.openai.com/"


async def _forever(tell: Any, ended: list[str]) -> None:
    tell("started")
    try:
        await asyncio.sleep(600)
    finally:
        await asyncio.sleep(0.05)
        ended.append("ended")


def test_a_wait_that_is_interrupted_ends_the_work_first():
    loop, ended, shown = LoopThread("test"), [], []

    class Interrupt(BaseException):
        pass

    def check() -> None:
        if shown:
            raise Interrupt

    begun = time.monotonic()
    with pytest.raises(Interrupt):
        loop.run(lambda tell: _forever(tell, ended), shown.append, check)
    assert ended == ["ended"] and shown == ["started"] and time.monotonic() - begun < 60
    assert loop.run(lambda tell: asyncio.sleep(0, "result")) == "result"
    with pytest.raises(ZeroDivisionError):
        loop.run(_fails)


async def _fails(tell: Any) -> None:
    raise ZeroDivisionError
