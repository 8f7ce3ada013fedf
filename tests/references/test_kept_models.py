"""Which models stay: the decisions, without a server."""

from __future__ import annotations

import pytest
from custom_nodes.discomfort.errors import NodeFailed
from custom_nodes.discomfort.graph.plan.recipe import make_recipe
from custom_nodes.discomfort.graph.prompt import Source
from custom_nodes.discomfort.references.kept_models import (
    PINNED_LOADERS,
    PINNED_RECIPES,
    CachePins,
    choose_dropped,
    is_out_of_memory,
)


def loader(name: str) -> dict:
    return {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": f"{name}.safetensors"}}


def model(name: str, strength: float | None = None):
    prompt = {"1": loader(name)}
    if strength is None:
        return make_recipe(prompt, Source("1", 0))
    inputs = {"model": ["1", 0], "lora_name": "x", "strength_model": strength}
    prompt["2"] = {"class_type": "LoraLoaderModelOnly", "inputs": inputs}
    return make_recipe(prompt, Source("2", 0))


SIZES = {f"{name}.safetensors": 100 for name in "abc"}


def dropped(free_bytes: int, needed: str = "c", loaded_files: str = "ab") -> set[str]:
    pins = CachePins()
    for name in "abc":
        pins.use(model(name), name)
        pins.use(model(name, 0.5), name)
    files = {f"{name}.safetensors" for name in loaded_files}
    found = choose_dropped(pins.recipes(), files, {"1": loader(needed)}, SIZES, free_bytes)
    nodes = [node for recipe in found for node in recipe.nodes.values()]
    return {n["inputs"]["ckpt_name"][0] for n in nodes if "ckpt_name" in n["inputs"]}


@pytest.mark.parametrize(
    ("free_bytes", "expected"), [(200, ""), (199, "a"), (100, "a"), (99, "ab"), (0, "ab")]
)
def test_the_least_recently_used_go_until_there_is_room(free_bytes, expected):
    assert dropped(free_bytes) == set(expected)


def test_what_is_loaded_needs_no_room_and_what_is_needed_stays():
    assert dropped(0, needed="b") == set()
    assert dropped(0, needed="c", loaded_files="") == set()


def test_many_references_over_one_loader_leave_other_loaders():
    pins = CachePins()
    pins.use(model("b"), "b")
    for i in range(5 * PINNED_RECIPES):
        pins.use(model("a", i / 100), "patched")
    kept = pins.recipes()
    assert model("b").id in {recipe.id for recipe in kept}
    assert len(kept) <= PINNED_RECIPES + PINNED_LOADERS


def test_a_name_stands_for_all_that_is_built_on_its_loaders():
    pins = CachePins()
    pins.use(model("a"), "model")
    pins.use(model("a", 0.5), "patched")
    pins.use(model("b"), "other")
    pins.drop([recipe.id for recipe in pins.named("patched")])
    assert {recipe.id for recipe in pins.recipes()} == {model("b").id}


@pytest.mark.parametrize(
    ("kind", "message", "expected"),
    [
        ("MemoryError", "", True),
        ("torch.OutOfMemoryError", "CUDA out of memory.", True),
        ("RuntimeError", "DefaultCPUAllocator: can't allocate memory", True),
        ("ValueError", "no such file", False),
    ],
)
def test_a_lack_of_memory_is_known_by_type_or_words(kind, message, expected):
    error = NodeFailed("failed", exception_type=kind, exception_message=message)
    assert is_out_of_memory(error) is expected


def test_a_script_goes_on_with_the_loaders_of_the_one_before():
    pins = CachePins()
    nodes = pins.begin_with([loader("a"), loader("b")])
    assert [n["inputs"]["ckpt_name"] for n in nodes.values()] == ["a.safetensors", "b.safetensors"]
    assert pins.loaded_files == {"a.safetensors", "b.safetensors"}
    assert pins.names() == []
    pins.use(model("a", 0.5), "patched")  # now "b" is the oldest
    assert [r.id for r in pins.recipes()] == [model("b").id, model("a").id, model("a", 0.5).id]
    for i in range(PINNED_LOADERS - 1):
        pins.use(model(f"new {i}"), "new")
    loaders = {r.id for r in pins.recipes() if len(r.nodes) == 1}
    assert model("a").id in loaders and model("b").id not in loaders


def test_more_loaders_of_the_script_before_than_are_kept_lose_the_oldest():
    pins = CachePins()
    pins.begin_with(loader(str(i)) for i in range(PINNED_LOADERS + 3))
    assert pins.recipes()[0].id == model("3").id
    assert len(pins.recipes()) == PINNED_LOADERS
