"""Rules of packs and of the user as files: which count, which win, what is said of the others."""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path
from typing import Any

import pytest
from custom_nodes.discomfort.graph.convert.to_prompt import to_prompt
from custom_nodes.discomfort.graph.node_classes.object_info import ObjectInfo
from custom_nodes.discomfort.workflow_tools import workflow_to_prompt
from custom_nodes.discomfort.workflows.rule_files import ClassIndex
from support.pack_files import INFO, kind, node, workflow
from support.servers import own_data_folder

RAW = {
    **INFO,
    "Slider": kind({"n": ["INT"]}, "INT", pack="My-Pack"),
    "mxSlider": kind({"Xi": ["INT"], "Xf": ["INT"]}, "INT", pack="ComfyUI-mxToolkit"),
}
SLIDERS = workflow(
    [
        node(1, "Slider", [3], properties={"a": 8, "b": 9, "c": 10}),
        node(2, "mxSlider", [1, 2], properties={"value": 5}),
    ]
)


def rule(name: str, of: str = "Slider", **more: Any) -> dict[str, Any]:
    return {"classes": {of: {"from_properties": {"n": name}}}, **more}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's folder of rules."""
    own_data_folder(monkeypatch, tmp_path / "data")
    if "XDG_DATA_HOME" not in os.environ:  # as macOS has it
        pytest.fail("the data folder of this test is not its own")
    made = tmp_path / "data" / "discomfort" / "rules"
    made.mkdir(parents=True, mode=0o700)
    return made


def save(folder: Path, name: str, data: Any) -> None:
    (folder / name).write_text(json.dumps(data), encoding="utf-8")


def sent(info: ObjectInfo) -> dict[str, Any]:
    return {n["class_type"]: n["inputs"] for n in to_prompt(SLIDERS, info).values()}


def test_without_files_the_built_in_rules_hold_and_nothing_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    own_data_folder(monkeypatch, tmp_path / "data")
    assert sent(ClassIndex().of(RAW, None)) == {"Slider": {"n": 3}, "mxSlider": {"Xi": 5, "Xf": 5}}
    assert not (tmp_path / "data").exists()


def test_the_users_win_over_the_packs_and_these_over_ours(folder: Path, caplog):
    index, served = ClassIndex(), {"packs": [{"pack": "My-Pack", "rules": rule("b")}]}
    assert sent(index.of(RAW, served))["Slider"] == {"n": 9}
    save(folder, "mine.json", rule("a"))
    assert sent(index.of(RAW, served))["Slider"] == {"n": 8}
    save(folder, "zzz.json", rule("c"))
    assert sent(index.of(RAW, served))["Slider"] == {"n": 10}
    mx = {"packs": [{"pack": "ComfyUI-mxToolkit", "rules": {"classes": {"mxS*": {}}}}]}
    assert sent(index.of(RAW, mx))["mxSlider"] == {"Xi": 1, "Xf": 2}
    save(folder, "mx.json", {"classes": {"mxSlider": {"from_properties": {"Xi": "value"}}}})
    assert sent(index.of(RAW, mx))["mxSlider"] == {"Xi": 5, "Xf": 2}
    assert caplog.text == ""


def test_an_index_is_kept_until_something_of_it_changes(folder: Path):
    index, served = ClassIndex(), {"packs": []}
    first = index.of(RAW, served)
    assert index.of(RAW, served) is first and index.of(first, None) is first
    save(folder, "a.json", rule("a"))
    second = index.of(RAW, served)
    assert second is not first and index.of(RAW, served) is second
    (folder / "a.json").unlink()
    third = index.of(RAW, served)
    assert third is not second and sent(third)["Slider"] == {"n": 3}
    assert index.of(RAW, {"packs": []}) is not third
    assert index.of(dict(RAW), served) is not third


def test_a_packs_file_speaks_of_its_own_classes_only_whatever_it_says(folder: Path, caplog):
    theirs = {
        "pack": "ComfyUI-mxToolkit",
        "classes": {
            "Slider": {"from_properties": {"n": "a"}},
            "mxSlider": {"refusal": "no"},
            "Make": {"refusal": "no"},
            "mxS*": {"refusal": "no"},
            "SetNode": {"page_only": True},
            "My Label": {"page_only": True},
        },
    }
    info = ClassIndex().of(RAW, {"packs": [{"pack": "My-Pack", "rules": theirs}]})
    assert sent(info) == {"Slider": {"n": 8}, "mxSlider": {"Xi": 5, "Xf": 5}}
    (said,) = caplog.messages
    assert said.startswith("custom_nodes/My-Pack/discomfort_rules.json speaks of classes that are")
    for name in ("mxSlider", "Make", "mxS*", "SetNode"):
        assert repr(name) in said
    assert "'Slider'" not in said and "Label" not in said
    label = info.rules("My Label")
    assert label is not None and label.page_only
    set_node = info.rules("SetNode")
    assert set_node is not None and set_node.set_name


def test_the_users_own_may_speak_of_any_class_or_of_one_packs(folder: Path, caplog):
    save(folder, "core.json", {"classes": {"Make": {"refusal": "not here"}}})
    save(folder, "named.json", rule("a", of="mxSlider", pack="My-Pack"))
    info = ClassIndex().of(RAW, None)
    make = info.rules("Make")
    assert make is not None and make.refusal == "not here"
    assert sent(info)["mxSlider"] == {"Xi": 5, "Xf": 5}
    (said,) = caplog.messages
    assert str(folder / "named.json") in said and "'mxSlider'" in said


def test_a_bad_file_is_told_once_with_its_reason_and_the_others_count(folder: Path, caplog):
    caplog.set_level(logging.WARNING)
    (folder / "broken.json").write_text("{", encoding="utf-8")
    save(folder, "key.json", {"classes": {"Slider": {"form_properties": {}}}})
    save(folder, "type.json", {"classes": {"Slider": {"page_only": "yes"}}})
    save(folder, "long.json", {"x" * 100_000: 1})
    save(folder, "list.json", [])
    (folder / "out.json").symlink_to(Path(__file__))
    save(folder, "good.json", rule("a"))
    (folder / "notes.txt").write_text("no rules", encoding="utf-8")
    served = {
        "packs": [
            {"pack": "Other", "problem": "it has more than 1 MB"},
            {"pack": "Wrong", "rules": {"classes": []}},
            {"pack": 5, "rules": {}},
            "nonsense",
        ]
    }
    index = ClassIndex()
    for _ in range(3):
        assert sent(index.of(RAW, served))["Slider"] == {"n": 8}
    said = {m.split(" is passed over: ")[0]: m for m in caplog.messages}
    assert len(caplog.messages) == len(said) == 8 and max(map(len, said.values())) < 3000
    reasons = {
        "broken.json": "not valid JSON",
        "key.json": "'form_properties'",
        "type.json": "'page_only' must be true or false",
        "long.json": "it may have",
        "list.json": "must be an object",
        "out.json": "leads out",
    }
    for name, reason in reasons.items():
        if name != "long.json":
            assert reason in said[str(folder / name)]
    assert "1 MB" in said["custom_nodes/Other/discomfort_rules.json"]
    assert '"classes"' in said["custom_nodes/Wrong/discomfort_rules.json"]


@pytest.mark.parametrize("served", [None, [], {}, {"packs": 5}, "x", {"packs": [None]}])
def test_an_odd_answer_of_a_server_is_no_rules(folder: Path, served: Any):
    assert sent(ClassIndex().of(RAW, served))["Slider"] == {"n": 3}


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="Windows has no owners to look at")
def test_a_folder_of_another_users_is_told_once_and_counts_for_nothing(
    folder: Path, caplog, monkeypatch: pytest.MonkeyPatch
):
    save(folder, "a.json", rule("a"))
    owner = os.getuid()
    monkeypatch.setattr(os, "getuid", lambda: owner + 1)
    index = ClassIndex()
    for _ in range(2):
        assert sent(index.of(RAW, None))["Slider"] == {"n": 3}
    (said,) = caplog.messages
    assert str(folder) in said and "another user" in said
    monkeypatch.undo()


def test_conversion_with_a_plain_object_info_obeys_the_users_rules(folder: Path):
    assert workflow_to_prompt(SLIDERS, RAW)["1"]["inputs"] == {"n": 3}
    save(folder, "a.json", rule("a"))
    assert workflow_to_prompt(SLIDERS, RAW)["1"]["inputs"] == {"n": 8}
    assert to_prompt(SLIDERS, RAW)["1"]["inputs"] == {"n": 3}
