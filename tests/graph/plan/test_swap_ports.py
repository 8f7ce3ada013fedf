"""Ports become literals, loaders, savers and the nodes of recipes."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from custom_nodes.discomfort.errors import WorkflowError
from custom_nodes.discomfort.graph.node_classes.object_info import index_object_info
from custom_nodes.discomfort.graph.plan.internal_nodes import LOADER, SAVER
from custom_nodes.discomfort.graph.plan.recipe import Recipe, make_recipe
from custom_nodes.discomfort.graph.plan.run_plan import Frozen, Graft, Literal, Load, StepPlan
from custom_nodes.discomfort.graph.plan.swap_ports import (
    Swapped,
    recipe_of_output,
    resolve_output,
    run_data,
    shows_workflow,
    swap_ports,
)
from custom_nodes.discomfort.graph.ports.find_ports import find_ports_in_prompt
from custom_nodes.discomfort.graph.prompt import Prompt, Source


def class_of(outputs: list[str], is_output: bool = False, **inputs: Any) -> dict[str, Any]:
    required = {name: [kind, {}] for name, kind in inputs.items()}
    return {"input": {"required": required}, "output": outputs, "output_node": is_output}


INFO = index_object_info(
    {
        "Make": class_of(["IMAGE"]),
        "Load": class_of(["MODEL", "CLIP"], name="STRING"),
        "Use": class_of(["IMAGE"], image="IMAGE", text="STRING", steps="INT"),
        "Show": class_of([], is_output=True, image="IMAGE"),
        SAVER: class_of([], is_output=True, input_data="*"),
        LOADER: class_of(["*"]),
        "Save": {"input": {"hidden": {"p": "PROMPT", "w": "EXTRA_PNGINFO"}}},
        "SaveOld": {"input": {"hidden": {"w": ["EXTRA_PNGINFO"]}}},
        "Odd": {"input": None},
    }
)
MODEL = make_recipe({"9": {"class_type": "Load", "inputs": {"name": "a"}}}, Source("9", 1))


def port(unique_id: str, source: list[Any] | None = None) -> dict[str, Any]:
    link = {"input_data": source} if source else {}
    return {"class_type": "DiscomfortPort", "inputs": {"unique_id": unique_id, "tags": "", **link}}


def use(**inputs: Any) -> dict[str, Any]:
    return {"class_type": "Use", "inputs": inputs}


def plan_of(prompt: Prompt, *references: str, **bindings: Any) -> StepPlan:
    outputs = find_ports_in_prompt(prompt, INFO).outputs
    return StepPlan(bindings, tuple(o for o in outputs if o not in references), references)


def swap(prompt: Prompt, *, pinned: Any = (), **bindings: Any) -> Swapped:
    before = copy.deepcopy(prompt)
    ports = find_ports_in_prompt(prompt, INFO)
    found = swap_ports(prompt, ports, plan_of(prompt, **bindings), INFO, pinned)
    assert prompt == before
    assert "DiscomfortPort" not in {n["class_type"] for n in found.prompt.values()}
    return found


def saver_of(source: Any, unique_id: str = "out") -> dict[str, Any]:
    return {
        "class_type": SAVER,
        "inputs": {"unique_id": unique_id, "input_data": source},
        "_meta": {"title": f"output port '{unique_id}'"},
    }


def loader_of(key: str, version: str, wanted: dict[str, Any]) -> Any:
    inputs = {"unique_id": key, "version": version, "wanted": json.dumps(wanted)}
    return {"class_type": LOADER, "inputs": inputs}


def bare(prompt: Prompt) -> Prompt:
    """Without titles."""
    return {i: {k: v for k, v in n.items() if k != "_meta"} for i, n in prompt.items()}


def test_a_literal_is_written_in_and_its_place_is_known():
    prompt = {"1": port("text"), "2": use(text=["1", 0], steps=4), "3": port("out", ["2", 0])}
    found = swap(prompt, text=Literal("a cat"))
    assert found.prompt == {"2": use(text="a cat", steps=4), "3": saver_of(["2", 0])}
    assert found.literals == {("2", "text"): "text"} and found.savers == {"out": "3"}
    assert found.needed == {"2", "3"}


def test_a_list_is_wrapped_so_that_it_is_no_link():
    prompt = {"1": port("text"), "2": use(text=["1", 0]), "3": port("out", ["2", 0])}
    assert swap(prompt, text=Literal(["a", 0])).prompt["2"]["inputs"]["text"] != ["a", 0]


def test_a_load_becomes_a_loader_that_checks_what_it_feeds():
    prompt = {
        "1": port("image"),
        "2": use(image=["1", 0], text=["1", 0]),
        "3": port("out", ["2", 0]),
    }
    found = swap(prompt, image=Load("key", "v1"))
    assert bare(found.prompt) == {
        "1": loader_of("key", "v1", {"type": "IMAGE"}),
        "1+": loader_of("key", "v1", {"type": "STRING"}),
        "2": use(image=["1", 0], text=["1+", 0]),
        "3": bare({"3": saver_of(["2", 0])})["3"],
    }
    assert found.prompt["1"].get("_meta") == {"title": "input port 'image'"}
    assert found.literals == {}


def test_ports_of_one_value_share_a_loader():
    prompt = {
        "1": port("image"),
        "2": port("image"),
        "3": use(image=["1", 0]),
        "4": use(image=["2", 0]),
        "5": port("a", ["3", 0]),
        "6": port("b", ["4", 0]),
    }
    found = swap(prompt, image=Load("image", "v1")).prompt
    assert [n["class_type"] for n in found.values()].count(LOADER) == 1
    assert found["3"]["inputs"] == found["4"]["inputs"] == {"image": ["1", 0]}


def test_a_loader_takes_no_id_that_the_prompt_has():
    prompt = {
        "1": port("image"),
        "1+": use(image=["1", 0], text=["1", 0]),
        "3": port("out", ["1+", 0]),
    }
    found = swap(prompt, image=Load("image", "v1")).prompt
    assert set(found) == {"1", "1+", "1++", "3"} and found["1+"]["class_type"] == "Use"


def test_a_frozen_value_is_known_by_its_content_alone():
    prompt = {"1": port("image"), "2": use(image=["1", 0]), "3": port("out", ["2", 0])}
    found = swap(prompt, image=Frozen("hash")).prompt
    assert bare(found)["1"] == loader_of("", "hash", {"type": "IMAGE"})


def test_a_reference_becomes_its_nodes_which_say_where_they_come_from():
    prompt = {"1": port("clip"), "2": use(text=["1", 0]), "3": port("out", ["2", 0])}
    found = swap(prompt, clip=Graft(MODEL)).prompt
    assert found["2"]["inputs"]["text"] == [MODEL.source.node_id, 1]
    assert found[MODEL.source.node_id].get("_meta") == {"title": "Load, in the reference 'clip'"}
    assert bare(found)[MODEL.source.node_id] == bare(MODEL.nodes)[MODEL.source.node_id]


def test_passthru_ports_vanish():
    prompt = {
        "1": {"class_type": "Make", "inputs": {}},
        "2": port("a", ["1", 0]),
        "3": port("b", ["2", 0]),
        "4": use(image=["3", 0], text=["5", 0]),
        "5": port("c", ["6", 0]),
        "6": port("text"),
        "7": port("out", ["4", 0]),
    }
    found = swap(prompt, text=Literal("x"))
    assert found.prompt["4"]["inputs"] == {"image": ["1", 0], "text": "x"}
    assert found.literals == {("4", "text"): "text"}


def test_an_output_may_hand_an_input_on():
    prompt = {"1": port("in"), "2": port("out", ["1", 0])}
    assert swap(prompt, **{"in": Literal(5)}).prompt == {"2": saver_of(5)}
    loaded = swap(prompt, **{"in": Load("in", "v")}).prompt
    assert bare(loaded)["1"] == loader_of("in", "v", {})


def test_only_what_outputs_need_is_queued_and_pinned_recipes_beside_it():
    prompt = {
        "1": {"class_type": "Make", "inputs": {}},
        "2": {"class_type": "Show", "inputs": {"image": ["1", 0]}},
        "3": {"class_type": "Make", "inputs": {}},
        "4": port("text"),
        "5": use(text=["4", 0]),
    }
    found = swap(prompt, pinned=[MODEL], text=Literal("x"))
    assert set(found.prompt) == {"1", "2", MODEL.source.node_id}
    assert found.needed == {"1", "2"} and found.literals == {} and found.savers == {}


def test_nothing_is_queued_for_references_alone_and_nothing_is_pinned_then():
    prompt = {"1": {"class_type": "Make", "inputs": {}}, "2": port("out", ["1", 0])}
    ports = find_ports_in_prompt(prompt, INFO)
    found = swap_ports(prompt, ports, plan_of(prompt, "out"), INFO, [MODEL])
    assert found == Swapped({}, prompt)


def test_ports_in_a_circle_are_an_error_that_names_them():
    prompt = {"1": port("a", ["2", 0]), "2": port("b", ["1", 0]), "3": use(text=["1", 0])}
    with pytest.raises(WorkflowError, match="form a cycle") as caught:
        swap(prompt)
    assert {p.node_id for p in caught.value.problems} == {"1", "2"}


def test_an_output_leads_to_what_gives_its_value():
    prompt = {
        "1": port("in"),
        "2": use(text=["1", 0]),
        "3": port("out", ["2", 0]),
        "4": port("same", ["1", 0]),
    }
    ports, plan = find_ports_in_prompt(prompt, INFO), plan_of(prompt, **{"in": Literal("x")})
    found = resolve_output(prompt, ports, plan, INFO, "out")
    assert found == ({"2": use(text="x")}, Source("2", 0))
    assert resolve_output(prompt, ports, plan, INFO, "same")[1] is None
    recipe = recipe_of_output(prompt, ports, plan, INFO, "out")
    assert recipe == make_recipe({"2": use(text="x")}, Source("2", 0))
    with pytest.raises(WorkflowError, match="literal, not made by a node"):
        recipe_of_output(prompt, ports, plan, INFO, "same")


def test_the_nodes_of_a_reference_have_the_same_titles_wherever_it_is_used():
    prompt = {"1": port("clip"), "2": use(text=["1", 0]), "3": port("out", ["2", 0])}
    ports, plan = find_ports_in_prompt(prompt, INFO), plan_of(prompt, clip=Graft(MODEL))
    nodes, _ = resolve_output(prompt, ports, plan, INFO, "out")
    assert nodes[MODEL.source.node_id] == MODEL.nodes[MODEL.source.node_id]


def seen(data: dict[str, Any], queued: Prompt) -> Prompt:
    """What nodes get to see of a prompt with that data beside it."""
    return {n: node for n, node in queued.items() if n not in data["hidden"]} | data["shown"]


def test_nodes_get_to_see_the_prompt_with_its_ports_and_nothing_that_is_kept():
    prompt = {
        "1": port("image"),
        "2": use(image=["1", 0], text=["1", 0]),
        "3": port("between", ["2", 0]),
        "4": {"class_type": "Show", "inputs": {"image": ["3", 0]}},
        "5": {"class_type": "Make", "inputs": {}},
        "6": {"class_type": "Show", "inputs": {"image": ["5", 0]}},
        "7": port("out", ["5", 0]),
        "8": {"class_type": "Make", "inputs": {}},  # which nothing needs
    }
    kept = make_recipe({"9": {"class_type": "Load", "inputs": {"name": "b"}}}, Source("9", 0))
    for binding in (Load("image", "v1"), Frozen("hash"), Graft(MODEL), Literal("x")):
        found = swap(prompt, pinned=[kept], image=binding)
        data = run_data(found, {"nonce": "n"}, {"hash": "v"})
        assert seen(data, found.prompt) == prompt
        assert data["order"] == {"nonce": "n"} and data["frozen"] == {"hash": "v"}
        assert kept.source.node_id in data["hidden"]
        assert not {"5", "6"} & data["shown"].keys()  # they are queued as they are


def test_what_one_run_alone_knows_is_not_in_its_prompt():
    prompt = {"1": port("image"), "2": use(image=["1", 0]), "3": port("out", ["2", 0])}
    first, second = swap(prompt, image=Load("a", "v")), swap(prompt, image=Load("a", "v"))
    assert first == second


@pytest.mark.parametrize(
    ("kind", "answer"),
    [("Save", True), ("SaveOld", True), ("Make", False), ("Odd", False), ("Unknown", False)],
)
def test_a_node_that_writes_the_workflow_into_its_files_is_known(kind, answer):
    assert shows_workflow({"1": {"class_type": kind, "inputs": {}}}, INFO) is answer


def test_the_recipe_that_is_grafted_is_not_changed():
    nodes = copy.deepcopy(MODEL.nodes)
    prompt = {"1": port("clip"), "2": use(text=["1", 0]), "3": port("out", ["2", 0])}
    swap(prompt, clip=Graft(MODEL))
    assert nodes == MODEL.nodes and isinstance(MODEL, Recipe)
