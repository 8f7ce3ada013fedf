"""An OUTPUT with all that it depends on, as one workflow or prompt that needs no input."""

from __future__ import annotations

from typing import Any

import pytest
from custom_nodes.discomfort.graph.compose.closure import (
    close_prompt,
    close_workflow,
    rename_output,
)
from custom_nodes.discomfort.graph.node_classes.object_info import index_object_info
from custom_nodes.discomfort.graph.plan.recipe import make_recipe
from custom_nodes.discomfort.graph.plan.run_plan import Frozen, Literal, Load
from custom_nodes.discomfort.graph.ports.find_ports import find_ports, find_ports_in_prompt
from custom_nodes.discomfort.graph.prompt import Source
from custom_nodes.discomfort.graph.workflow.model import Workflow
from support.consistency import find_inconsistencies
from support.flow import Flow, Interpreter

INFO = index_object_info({})


def close(
    workflow: Workflow, bindings: dict[str, Any], references: dict[str, Workflow] | None = None
) -> Workflow:
    frozen: list[Load] = []

    def freeze_load(load: Load) -> Frozen:
        frozen.append(load)
        return Frozen(f"content of {load.key}")

    result = close_workflow(workflow, "out", bindings, references or {}, INFO, freeze_load)
    assert frozen == [b for b in bindings.values() if b == Load("stored", "v1")]
    data = result.to_json()
    assert find_inconsistencies(data) == [] and data["extra"]["discomfort"] == {"reference": "out"}
    ports = find_ports(result)
    assert (list(ports.inputs), list(ports.outputs)) == ([], ["out"])
    return result


def work() -> Flow:
    """Two inputs for "out", a third for "other"."""
    flow = Flow()
    flow.port("out", flow.node("Use", flow.port("typed"), flow.port("stored")))
    flow.port("other", flow.node("Use", flow.port("unused")))
    return flow


def test_what_inputs_gave_is_frozen_in_and_what_is_not_needed_is_left_out():
    bindings = {"typed": Literal(5), "stored": Load("stored", "v1"), "unused": Literal(6)}
    result = close(work().workflow(), bindings)
    held = {p.unique_id: p.frozen for p in find_ports(result).frozen}
    assert held == {"typed": {"value": 5}, "stored": {"content": "content of stored"}}
    assert len(result.nodes) == 4


def test_a_load_that_is_not_needed_is_not_frozen():
    flow = Flow()
    flow.port("out", flow.node("Make"))
    flow.port("other", flow.node("Use", flow.port("stored")))
    asked: list[Load] = []
    close_workflow(
        flow.workflow(), "out", {"stored": Load("stored", "v1")}, {}, INFO,
        lambda load: asked.append(load) or Frozen("x"),
    )  # fmt: skip
    assert asked == []


def test_what_was_frozen_before_stays_as_it_was():
    result = close(work().workflow(), {"typed": Frozen("hash"), "stored": Literal(1)})
    held = {p.unique_id: p.frozen for p in find_ports(result).frozen}
    assert held == {"typed": {"content": "hash"}, "stored": {"value": 1}}


def reference(unique_id: str, *, inside: bool = False) -> Workflow:
    """A reference to what a node makes; `inside`: its port stands in a subgraph."""
    flow = Flow()
    if inside:
        inner = Flow()
        inner.first_id = 70
        inner.port(unique_id, inner.node("Make"), tags="kept")
        flow.define("S", inner)
        flow.instance("S")
    else:
        flow.port(unique_id, flow.node("Make"), tags="kept")
    return flow.workflow()


@pytest.mark.parametrize("inside", [False, True])
@pytest.mark.parametrize("key", ["stored", "another key"])
def test_references_that_it_was_built_on_are_stitched_in_under_any_key(inside, key):
    references = {"stored": reference(key, inside=inside), "unused": reference("x")}
    result = close(work().workflow(), {"typed": Literal(5)}, references)
    made = Interpreter(result).outputs()["out"]
    assert "Make" in repr(made) and "5" in repr(made) and "unmet" not in repr(made)
    assert sum(n.type == "Make" for g in result.graphs() for n in g.nodes) == 1


def test_a_file_that_says_more_of_itself_keeps_it():
    flow = work()
    flow.extra = {"ds": {"scale": 1}, "discomfort": {"values": {"a": "b"}}}
    bindings = {"typed": Literal(5), "stored": Literal(6)}
    assert close(flow.workflow(), bindings).data["extra"]["ds"] == {"scale": 1}


@pytest.mark.parametrize("inside", [False, True])
def test_a_renamed_reference_has_its_one_output_under_the_new_id(inside):
    before = reference("a", inside=inside)
    after = rename_output(before, "b", INFO)
    assert list(find_ports(after).outputs) == ["b"] and list(find_ports(before).outputs) == ["a"]
    assert find_ports(after).outputs["b"].tags == ("kept",)
    assert rename_output(before, "a", INFO) is before


def test_of_several_outputs_the_one_of_that_id_is_kept():
    flow = Flow()
    flow.port("a", flow.node("A"))
    flow.port("b", flow.node("B"))
    assert [n.type for n in rename_output(flow.workflow(), "b", INFO).nodes][0] == "B"
    (port,) = find_ports(rename_output(flow.workflow(), "c", INFO)).outputs
    assert port == "c"


def test_a_port_without_a_list_of_values_gets_one():
    flow = Flow()
    flow.port("", flow.node("A"))
    flow.nodes[1]["widgets_values"] = {"unique_id": "a"}
    (port,) = [n for n in rename_output(flow.workflow(), "b", INFO).nodes if n.type != "A"]
    assert port.widgets_values == ["b", ""]


def test_a_closed_prompt_ends_in_a_port_with_the_recipes_value():
    recipe = make_recipe({"9": {"class_type": "Load", "inputs": {"name": "a"}}}, Source("9", 1))
    prompt = close_prompt(recipe, "out")
    (port,) = find_ports_in_prompt(prompt, INFO).outputs.values()
    assert (port.unique_id, port.source) == ("out", recipe.source)
    assert {k: v for k, v in prompt.items() if k != "output"} == recipe.nodes
