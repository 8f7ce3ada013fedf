"""Recipes: equal for equal recipes, whatever ids and order."""

from __future__ import annotations

import pytest
from custom_nodes.discomfort.errors import WorkflowError
from custom_nodes.discomfort.graph.plan.recipe import make_recipe
from custom_nodes.discomfort.graph.prompt import Source
from hypothesis import given
from hypothesis import strategies as st


def lora_chain(ids: list[str], strength: float = 0.5, name: str = "a.safetensors") -> dict:
    loader, lora = ids
    return {
        lora: {
            "class_type": "LoraLoaderModelOnly",
            "inputs": {"model": [loader, 0], "lora_name": "x", "strength_model": strength},
        },
        loader: {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": name}},
        "unused": {"class_type": "PreviewAny", "inputs": {"source": [lora, 0]}},
    }


def test_ids_titles_and_order_make_no_difference():
    first = make_recipe(lora_chain(["1", "2"]), Source("2", 0))
    other = lora_chain(["57:8", "3"])
    other["3"]["_meta"] = {"title": "my LoRA"}
    other["3"]["inputs"] = dict(reversed(list(other["3"]["inputs"].items())))
    second = make_recipe(dict(reversed(list(other.items()))), Source("3", 0))
    assert first.id == second.id
    assert first.nodes.keys() == second.nodes.keys()


@pytest.mark.parametrize(
    "change", [{"strength": 0.6}, {"name": "b.safetensors"}], ids=["strength", "upstream name"]
)
def test_any_change_of_value_makes_a_difference(change):
    first = make_recipe(lora_chain(["1", "2"]), Source("2", 0))
    assert make_recipe(lora_chain(["1", "2"], **change), Source("2", 0)).id != first.id


def test_the_slot_makes_a_difference():
    prompt = lora_chain(["1", "2"])
    assert make_recipe(prompt, Source("1", 0)).id != make_recipe(prompt, Source("1", 1)).id


def test_outputs_of_one_loader_share_its_node():
    prompt = lora_chain(["1", "2"])
    model, clip = (make_recipe(prompt, Source("1", slot)) for slot in (0, 1))
    assert model.nodes == clip.nodes and len(model.nodes) == 1


def test_only_what_is_needed_is_in_it():
    recipe = make_recipe(lora_chain(["1", "2"]), Source("2", 0))
    classes = {node["class_type"] for node in recipe.nodes.values()}
    assert classes == {"LoraLoaderModelOnly", "CheckpointLoaderSimple"}


def test_a_cycle_is_refused_with_its_node():
    prompt = lora_chain(["1", "2"])
    prompt["1"]["inputs"]["ckpt_name"] = ["2", 0]
    with pytest.raises(WorkflowError, match="cycle"):
        make_recipe(prompt, Source("2", 0))


def test_a_link_to_nowhere_is_refused_with_the_node():
    with pytest.raises(WorkflowError, match="node 9"):
        make_recipe({"1": {"class_type": "A", "inputs": {"a": ["9", 0]}}}, Source("1", 0))


def test_a_deep_chain_needs_no_recursion():
    prompt = {"0": {"class_type": "A", "inputs": {}}}
    for i in range(1, 20_000):
        prompt[str(i)] = {"class_type": "A", "inputs": {"x": [str(i - 1), 0]}}
    assert len(make_recipe(prompt, Source("19999", 0)).nodes) == 20_000


@given(st.permutations(range(8)), st.lists(st.integers(0, 7), min_size=8, max_size=8))
def test_any_renaming_of_a_dag_gives_the_same_recipe(names, parents):
    """Node i takes its input from a node before it; names are the ids in the prompt."""

    def build(ids) -> dict:
        prompt = {}
        for i in range(8):
            source = [str(ids[parents[i] % i]), 0] if i else "start"
            prompt[str(ids[i])] = {"class_type": f"T{i % 3}", "inputs": {"x": source, "n": i}}
        return prompt

    plain = make_recipe(build(range(8)), Source("7", 0))
    renamed = make_recipe(build(names), Source(str(names[7]), 0))
    assert plain.id == renamed.id and plain.nodes == renamed.nodes
