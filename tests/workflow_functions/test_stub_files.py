"""Stubs as files: written, loaded, and told stale when they are."""

from __future__ import annotations

import copy
import importlib.util
import json
import os
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from custom_nodes.discomfort.errors import WorkflowError
from custom_nodes.discomfort.worker import kept_classes
from custom_nodes.discomfort.workflow_functions.stub_files import find_stale, write_stubs
from support.all_ports import INFO, blend, named


def save(path: Path, data: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(data), encoding="utf-8")
    return path


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A project with workflows, in a folder of an odd name."""
    save(tmp_path / 'odd "folder"\n\u7528\u9014' / "blend.json", blend())
    return tmp_path


def files(place: Path) -> list[Path]:
    return sorted(place.glob("odd*/*.json"))


def write(place: Path, **more: Any) -> Path:
    output = place / "package" / "workflows.pyi"
    write_stubs(files(place), output, object_info=more.pop("object_info", INFO), **more)
    return output


def stale(output: Path, info: Any = INFO) -> list[str]:
    return find_stale([], output, object_info=info)


def load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("made_workflows", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Recorder:
    """Stands where a Discomfort would, and says what it was asked for."""

    def workflow(self, path: Path) -> Path:
        return path


def test_the_module_loads_the_workflow_from_wherever_it_is(place, monkeypatch):
    output = write(place)
    monkeypatch.chdir("/")
    found = load(output.with_suffix(".py")).blend(Recorder())
    assert json.loads(found.read_text(encoding="utf-8")) == blend()
    moved = place.rename(place.with_name("moved"))
    found = load(moved / "package" / "workflows.py").blend(Recorder())
    assert found.is_file()
    moved.rename(place)


def test_the_same_workflows_give_the_same_text_and_no_place_of_this_machine(place):
    output = write(place)
    texts = [output.read_bytes(), output.with_suffix(".py").read_bytes()]
    write(place)
    assert texts == [output.read_bytes(), output.with_suffix(".py").read_bytes()]
    assert str(place).encode() not in b"".join(texts)
    assert stale(output) == []
    assert find_stale(files(place), output, object_info=INFO) == []


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_a_stub_in_a_folder_that_is_a_link_finds_its_workflows(place):
    (place / "elsewhere" / "deep").mkdir(parents=True)
    (place / "package").symlink_to(place / "elsewhere" / "deep", target_is_directory=True)
    output = write(place)
    assert load(output.with_suffix(".py")).blend(Recorder()).is_file() and stale(output) == []
    save(place / "elsewhere" / "other.json", blend())
    behind = place / "package" / ".." / "other.json"  # as the system reads it: behind the link
    write_stubs([behind], place / "other.pyi", object_info=INFO)
    assert load(place / "other.py").other(Recorder()).is_file()


def rename_port(data: dict[str, Any]) -> None:
    data["nodes"][1]["widgets_values"][0] = "image"


def change_default(data: dict[str, Any]) -> None:
    data["nodes"][0]["widgets_values"][1] = 0.25


@pytest.mark.parametrize("change", [rename_port, change_default])
def test_a_workflow_whose_ports_have_changed_makes_it_stale(place, change: Callable[..., None]):
    output, data = write(place), blend()
    change(data)
    save(files(place)[0], data)
    assert "has changed since" in stale(output)[0]
    write_stubs([], output, object_info=INFO)
    assert stale(output) == []


def test_a_prompt_that_has_changed_makes_it_stale_where_no_node_classes_are_known(
    place, monkeypatch
):
    prompt = save(place / "prompt.json", named("x"))
    write_stubs([prompt], place / "workflows.pyi", object_info=INFO)
    monkeypatch.setattr(kept_classes, "kept_folder", lambda: place / "none")
    assert find_stale([], place / "workflows.pyi") == []
    save(prompt, named("y"))
    assert "prompt.json has changed since" in find_stale([], place / "workflows.pyi")[0]


def test_to_move_nodes_makes_nothing_stale(place, monkeypatch):
    output, data = write(place), blend()
    for number, node in enumerate(data["nodes"]):
        node |= {"pos": [number, 7], "size": [1, 2], "order": number, "color": "#fff"}
    data |= {"groups": [{"title": "x"}], "extra": {"ds": {"scale": 2}}}
    save(files(place)[0], data)
    assert stale(output) == []
    monkeypatch.setattr(kept_classes, "kept_folder", lambda: place / "none")
    assert find_stale([], output) == []


def test_what_has_no_effect_on_ports_makes_nothing_stale(place):
    output, data = write(place), blend()
    data["nodes"].append({"id": 99, "type": "PreviewImage", "inputs": []})
    save(files(place)[0], data)
    assert stale(output) == []


def test_a_choice_that_the_server_has_now_makes_it_stale_and_another_model_does_not(place):
    output = write(place)
    info = copy.deepcopy(INFO)
    info["Blend"]["input"]["required"]["file"][0].append("new.safetensors")
    assert stale(output, info) == []
    info = copy.deepcopy(INFO)
    info["Blend"]["input"]["required"]["mode"][0].append("new")
    assert "is not what is made of the same workflows now" in stale(output, info)[0]


def test_without_node_classes_only_the_workflows_are_looked_at(place, monkeypatch):
    output = write(place)
    monkeypatch.setattr(kept_classes, "kept_folder", lambda: place / "none")
    assert find_stale([], output) == []
    data = blend()
    change_default(data)
    save(files(place)[0], data)
    assert "has changed since" in find_stale([], output)[0]
    with pytest.raises(WorkflowError, match="Start it once"):
        write_stubs([], output)


def test_what_was_changed_by_hand_or_taken_away_is_stale(place):
    output = write(place)
    module = output.with_suffix(".py")
    text = output.read_text(encoding="utf-8")
    output.write_text(text.replace("amount:", "amout:"), encoding="utf-8")
    assert "is not what is made" in stale(output)[0]
    output.write_text(text, encoding="utf-8")
    module.write_text(module.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    assert "belongs to the stub" in stale(output)[0]
    module.unlink()
    assert "is not there" in stale(output)[0]
    assert "is of other workflows" in stale_for_others(place)[0]


def test_a_workflow_that_is_gone_is_told_with_how_to_drop_it(place):
    other = save(place / "other.json", blend())
    output = place / "package" / "workflows.pyi"
    write_stubs([*files(place), other], output, object_info=INFO)
    files(place)[0].unlink()
    (reason,) = stale(output)
    assert "blend.json is not there any more" in reason
    assert reason.endswith("To drop it, name the others: ../other.json.")
    other.unlink()
    assert "remove it and its module" in stale(output)[0]


def stale_for_others(place: Path) -> list[str]:
    other = save(place / "other.json", blend())
    return find_stale([other], write(place), object_info=INFO)


@pytest.mark.parametrize("name", ["workflows.pyi", "workflows.py"])
def test_what_was_not_made_by_it_is_not_replaced(place, name):
    (place / "package").mkdir()
    (place / "package" / name).write_text("mine = 1\n")
    with pytest.raises(FileExistsError, match="not replaced"):
        write(place)
    assert (place / "package" / name).read_text() == "mine = 1\n"


@pytest.mark.parametrize("name", ["my-stubs.pyi", "class.pyi", "workflows", "workflows.py", ".pyi"])
def test_a_name_that_no_module_can_have_is_refused(place, name):
    with pytest.raises(ValueError, match="called like a module"):
        write_stubs(files(place), place / name, object_info=INFO)


def test_files_must_be_named_the_first_time(place):
    with pytest.raises(ValueError, match="Name the workflows"):
        write_stubs([], place / "workflows.pyi", object_info=INFO)
    with pytest.raises(FileNotFoundError):
        write_stubs([place / "none.json"], place / "workflows.pyi", object_info=INFO)


def test_problems_of_a_workflow_and_what_is_known_are_told(place):
    lacking = save(place / "lacking.json", {"1": {"class_type": "NotThere", "inputs": {}}})
    made = write_stubs([lacking], place / "workflows.pyi", object_info=INFO)
    assert "NotThere" in made.notes[0] and "class LackingResults" in made.stub


def test_a_strangers_head_of_a_stub_names_files_and_nothing_else(place):
    output = write(place)
    text = output.read_text(encoding="utf-8")
    for evil in ('"package": "os; import os"', '"package": 3', '"package": ["a"]'):
        output.write_text(text.replace('"package": "custom_nodes.discomfort"', evil))
        assert "was not made by" in stale(output)[0]
