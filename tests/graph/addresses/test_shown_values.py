"""What output nodes show, their names in results, and what could be asked for."""

from __future__ import annotations

from typing import Any

from custom_nodes.discomfort.graph.addresses.directory import directory_of
from custom_nodes.discomfort.graph.addresses.resolve import (
    Part,
    list_of_asked,
    names_of_nodes,
    resolve_call,
    what_can_be_asked,
)
from custom_nodes.discomfort.graph.addresses.shown_values import (
    name_in_files,
    names_of_outputs,
    shown_values,
)
from custom_nodes.discomfort.graph.node_classes.object_info import index_object_info
from custom_nodes.discomfort.graph.ports.find_ports import find_ports_in_prompt


def kind(outputs: list[str], *, shows: bool = False, **inputs: Any) -> dict[str, Any]:
    return {
        "input": {"required": inputs},
        "input_order": {"required": list(inputs)},
        "output": outputs,
        "output_name": outputs,
        "output_is_list": [False] * len(outputs),
        "output_node": shows,
        "name": "x",
        "display_name": "x",
        "category": "x",
    }


TEXT, SOCKET = ["STRING", {}], ["IMAGE", {}]
INFO = index_object_info(
    {
        "Make": kind(["IMAGE", "MODEL", "STRING"], count=["INT", {}]),
        "Save": kind([], shows=True, images=SOCKET, prefix=TEXT, batch=["VHS_BATCHMANAGER", {}]),
        "Both": kind([], shows=True, image_b=SOCKET, image_a=SOCKET),
        "Show": kind(["STRING"], shows=True, text=TEXT),
        "Load": kind([], shows=True, model=["MODEL", {}]),
    }
)
RULES = {"MODEL": "ref", "IMAGE": "val"}


def node(class_type: str, title: str = "", **inputs: Any) -> dict[str, Any]:
    return {"class_type": class_type, "inputs": inputs, "_meta": {"title": title or class_type}}


def shown(prompt: dict[str, Any]) -> list[tuple[str, str, int]]:
    names = names_of_outputs(prompt, INFO)
    found = shown_values(prompt, INFO, names, RULES)
    return [(s.name, s.source.node_id, s.source.slot) for s in found]


def part(name: str, prompt: dict[str, Any]) -> Part:
    ports = find_ports_in_prompt(prompt, INFO)
    return Part(name, ports, prompt, INFO, lambda: directory_of(prompt, INFO, None))


def test_what_a_node_shows_is_what_its_sockets_get_and_not_its_settings():
    prompt = {
        "1": node("Make", count=1),
        "2": node("Save", images=["1", 0], prefix=["1", 2], batch=["1", 0]),
    }
    assert shown(prompt) == [("Save", "1", 0)]


def test_a_node_without_sockets_shows_its_text():
    assert shown({"1": node("Make"), "2": node("Show", text=["1", 2])}) == [("Show", "1", 2)]
    assert shown({"2": node("Show", text="typed in")}) == []


def test_several_values_of_a_node_are_in_the_order_of_its_class():
    prompt = {"1": node("Make"), "2": node("Both", "Compare", image_a=["1", 0], image_b=["1", 0])}
    assert [s[0] for s in shown(prompt)] == ["Compare.image_b", "Compare.image_a"]
    one = {"1": node("Make"), "2": node("Both", "Compare", image_a=["1", 0])}
    assert [s[0] for s in shown(one)] == ["Compare"]


def test_what_is_passed_by_reference_is_no_value():
    assert shown({"1": node("Make"), "2": node("Load", model=["1", 1])}) == []
    port = {"class_type": "DiscomfortPort", "inputs": {"unique_id": "m"}}
    assert shown({"1": port, "2": node("Load", model=["1", 0])}) == []
    assert shown({"1": port, "2": node("Save", images=["1", 0])}) == [("Save", "1", 0)]


def test_a_title_that_several_share_has_the_id_beside_it():
    prompt = {
        "1": node("Make"),
        "2": node("Save", "Mine", images=["1", 0]),
        "3": node("Save", "Mine", images=["1", 0]),
        "57:4": node("Show", "Other", text=["1", 2]),
        "5": node("Gone", "Mine"),
    }
    names = names_of_outputs(prompt, INFO)
    assert names == {"2": "Mine (2)", "3": "Mine (3)", "57:4": "Other"}
    assert name_in_files(prompt, names, "57:4") == "Other"
    assert name_in_files(prompt, names, "3.0.1") == "Mine (3)"  # made by node 3
    assert name_in_files(prompt, names, "1") == "Make (1)"
    assert name_in_files(prompt, names, "9") == "9"


def test_a_name_that_two_workflows_have_has_the_workflows_beside_it():
    prompt = {"1": node("Make"), "2": node("Save", "Mine", images=["1", 0])}
    other = {**prompt, "3": node("Show", text=["1", 2])}
    parts = [part("a", prompt), part("b", other)]
    assert names_of_nodes(parts) == [{"2": "Mine (a)"}, {"2": "Mine (b)", "3": "Show"}]
    calls = resolve_call(parts, (), None, RULES)
    assert [list(call.outputs) for call in calls] == [["Mine (a)"], ["Mine (b)", "Show"]]
    assert names_of_nodes([part("a", prompt)] * 2) == [{"2": "Mine"}] * 2


def test_a_port_named_as_a_node_of_another_workflow_keeps_its_name():
    port = {"class_type": "DiscomfortPort", "inputs": {"unique_id": "Save", "input_data": ["1", 0]}}
    parts = [part("a", {"1": node("Make"), "9": port}), part("b", {"2": node("Save")})]
    assert names_of_nodes(parts) == [{}, {"2": "Save (b)"}]
    assert [bool(call.outputs) for call in resolve_call(parts, (), None, RULES)] == [False, False]


def test_what_could_be_asked_for_is_listed_and_cut():
    prompt = {"1": node("Make", "Maker"), "2": node("Show", text="x")}
    asked = ["Maker.IMAGE", "Maker.MODEL", "Maker.STRING", "Show.STRING"]
    assert what_can_be_asked([part("a", prompt)]) == asked
    assert what_can_be_asked([part("a", prompt), part("b", prompt)]) == asked
    many = {str(i): node("Show", f"t{i}", text="x") for i in range(40)}
    assert list_of_asked([part("a", many)]).endswith("'t19.STRING', ... (40 in all)")
    assert list_of_asked([part("a", {"1": node("Save")})]) == "nothing"


def test_a_title_that_is_the_name_of_another_keeps_it():
    titles = {"2": "a", "3": "a", "4": "a (2)"}
    prompt = {
        i: {"class_type": "Save", "inputs": {}, "_meta": {"title": t}} for i, t in titles.items()
    }
    assert names_of_outputs(prompt, INFO) == {"2": "a (2) (2)", "3": "a (3)", "4": "a (2)"}
