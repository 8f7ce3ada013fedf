"""What one run does: how inputs are met, what becomes of outputs, which literals are refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from custom_nodes.discomfort.errors import WorkflowError
from custom_nodes.discomfort.graph.node_classes.object_info import index_object_info
from custom_nodes.discomfort.graph.plan.recipe import LOADER, Recipe
from custom_nodes.discomfort.graph.plan.run_plan import (
    Binding,
    Frozen,
    Graft,
    Literal,
    Load,
    StepPlan,
    contents_to_load,
    frozen_binding,
    plan_run,
    versions_to_load,
    wanted_by,
)
from custom_nodes.discomfort.graph.ports.find_ports import Port, Ports, find_ports_in_prompt
from custom_nodes.discomfort.graph.prompt import Source

KINDS = ("IMAGE", "MODEL", "STRING", "INT", "FLOAT", "BOOLEAN", "*")
INFO = index_object_info(
    {
        **{f"Use{k}": {"input": {"required": {"x": [k]}}, "output": []} for k in KINDS},
        **{f"Make{k}": {"input": {}, "output": [k]} for k in KINDS},
    }
)


def port(unique_id: str, source: str | None = None) -> dict[str, Any]:
    link = {"input_data": [source, 0]} if source else {}
    return {"class_type": "DiscomfortPort", "inputs": {"unique_id": unique_id, **link}}


def inputs_of(kind: str, *unique_ids: str) -> Ports:
    """Ports of a prompt in which each feeds an input of that type."""
    prompt = {}
    for unique_id in unique_ids:
        prompt[f"p{unique_id}"] = port(unique_id)
        inputs = {"x": [f"p{unique_id}", 0]}
        prompt[f"u{unique_id}"] = {"class_type": f"Use{kind}", "inputs": inputs}
    return find_ports_in_prompt(prompt, INFO)


def outputs_of(**kinds: str) -> Ports:
    """Ports of a prompt in which a node of that type feeds each."""
    prompt = {}
    for unique_id, kind in kinds.items():
        prompt[f"m{unique_id}"] = {"class_type": f"Make{kind}", "inputs": {}}
        prompt[f"p{unique_id}"] = port(unique_id, f"m{unique_id}")
    return find_ports_in_prompt(prompt, INFO)


def test_every_input_is_looked_up_once_and_only_inputs_are():
    bound = {"a": Literal("x"), "b": Load("b", "v1")}
    asked: list[str] = []

    def look_up(unique_id: str, _: str) -> Binding:
        asked.append(unique_id)
        return bound[unique_id]

    plan = plan_run(inputs_of("STRING", "a", "b"), look_up, {})
    assert plan == StepPlan(bound, (), ()) and asked == ["a", "b"]


def test_rules_say_which_outputs_are_kept_as_references():
    ports = outputs_of(model="MODEL", picture="IMAGE", text="STRING")
    rules = {"MODEL": "ref", "IMAGE": "val"}
    plan = plan_run(ports, lambda *_: Literal(0), rules)
    assert (plan.saves, plan.references) == (("picture", "text"), ("model",))
    assert plan_run(ports, lambda *_: Literal(0), {}).references == ()


@pytest.mark.parametrize(
    ("kind", "value", "words"),
    [
        ("STRING", "text", None),
        ("STRING", 5, None),
        ("INT", 2.0, None),
        ("BOOLEAN", 1, None),
        ("*", None, None),
        ("STRING", None, r"the value of 'a' is None, but STRING is needed\. .*\"\" is no text"),
        ("INT", 1.5, r"is 1\.5, but INT is needed\. Write a whole number"),
        ("BOOLEAN", "false", r"is 'false', but BOOLEAN is needed\. Write True or False"),
        ("IMAGE", "a.png", r"but IMAGE is needed\. Give pathlib\.Path"),
        ("MODEL", 5, r"is 5, but MODEL is needed\.$"),
        ("STRING", "x" * 100, None),
        ("IMAGE", "x" * 100, r"is 'x{75}\.\.\., but"),
    ],
)
def test_a_literal_that_its_port_does_not_allow_is_refused(kind, value, words):
    ports, rules = inputs_of(kind, "a"), {"MODEL": "ref"}
    if words is None:
        assert plan_run(ports, lambda *_: Literal(value), rules).bindings == {"a": Literal(value)}
        return
    with pytest.raises(WorkflowError, match=words):
        plan_run(ports, lambda *_: Literal(value), rules)


def test_what_is_loaded_or_rebuilt_is_not_looked_at():
    for binding in (Load("a", "v"), Frozen("h"), Graft(Recipe({}, Source("1", 0)))):
        assert plan_run(inputs_of("MODEL", "a"), lambda *_, b=binding: b, {"MODEL": "ref"})


def test_all_wrong_literals_are_named_at_once_each_with_its_ports():
    ports = inputs_of("INT", "a", "b", "c")
    values = {"a": Literal(1.5), "b": Literal(2), "c": Literal(None)}
    with pytest.raises(WorkflowError) as caught:
        plan_run(ports, lambda uid, _: values[uid], {})
    assert [p.node_id for p in caught.value.problems] == ["pa", "pc"]


def test_versions_are_those_that_loaders_read_under_their_keys():
    plan = StepPlan({"a": Load("a", "v1"), "b": Load("k", "v2"), "c": Frozen("h")}, (), ())
    assert versions_to_load(plan) == {"a": "v1", "k": "v2"}


def loader(version: str, unique_id: str = "") -> dict[str, Any]:
    return {"class_type": LOADER, "inputs": {"version": version, "unique_id": unique_id}}


def frozen_port(held: Any) -> Port:
    (found,) = find_ports_in_prompt({"1": port("f")}, INFO).all()
    return replace(found, frozen=held)


def test_contents_are_of_the_prompt_the_bindings_the_recipes_and_the_frozen_ports():
    recipe = Recipe({"1": loader("of recipe"), "2": loader("lent", "key")}, Source("1", 0))
    plan = StepPlan(
        {"a": Frozen("bound"), "b": Graft(recipe), "c": Load("c", "v"), "d": Literal(1)}, (), ()
    )
    prompt = {"7": loader("of prompt"), "8": loader("lent", "key")}
    held = (frozen_port({"content": "of port"}), frozen_port({"value": 3}))
    ports = replace(find_ports_in_prompt({}, INFO), frozen=held)
    assert contents_to_load(plan, prompt, ports) == {"bound", "of recipe", "of prompt", "of port"}


@pytest.mark.parametrize(
    ("held", "binding"),
    [
        ({"value": 3}, Literal(3)),
        ({"value": None}, Literal(None)),
        ({"content": "h"}, Frozen("h")),
        ({"value": 3, "content": "h"}, Literal(3)),
        ({"content": 3}, None),
        ({}, None),
        (3, None),
        ([], None),
    ],
)
def test_what_was_frozen_into_a_port_is_a_literal_or_names_its_content(held, binding):
    if binding is not None:
        assert frozen_binding(frozen_port(held)) == binding
        return
    with pytest.raises(WorkflowError, match="reference is damaged.*(\n.*)*can't be read"):
        frozen_binding(frozen_port(held))


@pytest.mark.parametrize(
    ("spec", "wanted"),
    [
        (None, {}),
        (("*", {}), {}),
        (("ANY", {}), {}),
        (("IMAGE", {"min": 1}), {"type": "IMAGE"}),
        (("STRING", {}), {"type": "STRING"}),
        (("INT", {"min": 0, "max": 9, "step": 1}), {"type": "INT", "min": 0, "max": 9}),
        (("FLOAT", {"max": 0.5}), {"type": "FLOAT", "max": 0.5}),
        (("INT", {"min": None}), {"type": "INT"}),
        ((["a", "b"], {}), {"type": "COMBO", "options": ["a", "b"]}),
        (("COMBO", {"options": ["a"]}), {"type": "COMBO", "options": ["a"]}),
        (("COMBO", {"options": ["a"], "multiselect": True}), {"type": "COMBO"}),
        (("COMBO", {"options": "a"}), {"type": "COMBO"}),
        (("IMAGE", {"options": ["a"]}), {"type": "IMAGE"}),
    ],
)
def test_a_loader_checks_what_a_link_skips(spec, wanted):
    assert wanted_by(spec) == wanted
