"""Which literals of a prompt may name files."""

from __future__ import annotations

import json
from typing import Any

import pytest
from custom_nodes.discomfort.graph.node_classes.object_info import index_object_info
from custom_nodes.discomfort.graph.plan.internal_nodes import LOADER
from custom_nodes.discomfort.graph.step_key.facts import Place
from custom_nodes.discomfort.graph.step_key.named_files import find_named_files

COMBO = [["euler", "a.safetensors"], {}]
INFO = index_object_info(
    {
        "Any": {
            "input": {
                "required": {
                    "text": ["STRING", {"multiline": True}],
                    "model": COMBO,
                    "new": ["COMBO", {"options": ["x"], "multi_select": {}}],
                    "vae_name": [["taesd", "b.pt"], {}],
                    "odd": ["LOAD_3D", {}],
                    "n": ["INT", {}],
                },
            },
            "output": ["*"],
        }
    }
)


def found(kind: str = "Any", **inputs: Any) -> set[tuple[str, str]]:
    named = find_named_files({"1": {"class_type": kind, "inputs": inputs}}, INFO)
    return {(file.place.value, file.name) for file in named}


def names(place: Place, **inputs: Any) -> set[str]:
    return {name for where, name in found(**inputs) if where == place.value}


@pytest.mark.parametrize(
    "value", ["a.safetensors", "sub/a.pt", "sub\\a.pt", "euler", "folder", "a.png [output]", "a b"]
)
def test_every_value_of_a_combo_may_be_a_name_on_the_server(value):
    assert value in names(Place.SERVER, model=value)
    assert value in names(Place.SERVER, new={"__value__": [value]})
    assert value in names(Place.SERVER, unknown=value)
    assert value in names(Place.SERVER, **{"group.unknown": {"a": [value]}})


@pytest.mark.parametrize(
    "text",
    [
        *("cat.png", "sub/cat.png", "cat.png [input]", "cat [temp]", "my cat.webp", "a,b.png"),
        *("folder/of pictures", "folder\\of", "../cat.png", "./cat.png", "Katze.übel", ".env"),
    ],
)
def test_text_that_looks_like_a_name_is_one_on_the_server_and_from_where_it_runs(text):
    assert text in names(Place.SERVER, text=text)
    assert text in names(Place.PATH, text=text)


@pytest.mark.parametrize(
    "path", ["/data/cat.png", "/data", "~/cat.png", "C:\\a\\b.png", "c:/a", "\\\\host\\a\\b.png"]
)
def test_an_absolute_path_is_looked_for_where_it_is_in_text_and_combos(path):
    assert path in names(Place.PATH, text=path) & names(Place.PATH, model=path)


def test_the_address_of_a_file_is_its_path():
    assert names(Place.PATH, text="file:///data/cat.png") == {"/data/cat.png"}


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", ".", "..", "/", "./", "C:\\", "~/", "../..", "..."),
        *("a cat", "A cat. A dog.", "\0a.png", "x" * 5000 + ".png"),
    ],
)
def test_other_text_names_nothing(text):
    assert found(text=text) == set()


def test_numbers_links_and_nothing_name_nothing():
    assert found(n=5, model=["1", 0], text=None, odd=True, new=1.5) == set()


@pytest.mark.parametrize(
    "value",
    [
        {"image": "cat.png", "on": True},
        {"__value__": ["dog", "cat.png"]},
        {"rows": [{"lora": "cat.png", "strength": 1}]},
        {"cat.png": 0.5},
        json.dumps([{"file": "cat.png"}]),
        json.dumps({"cat.png": [1]}),
        {"text": json.dumps(["cat.png"])},
        "first\ncat.png\r\nlast",
        ' "cat.png" ',
        "dog; cat.png",
        "dog.png, cat.png",
    ],
)
def test_names_are_found_in_lists_dicts_json_and_lines(value):
    assert "cat.png" in names(Place.SERVER, text=value)
    assert "cat.png" in names(Place.SERVER, odd=value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a cat, embedding:easy", {"easy"}),
        ("embedding:sub/easy.pt, a cat", {"sub/easy.pt"}),
        ("embedding:easy<x> embedding:other[1]", {"easy", "other"}),
        ("(embedding:easy:1.2) and ((embedding:other))", {"easy", "other"}),
        ("embedding:odd\\(v2\\),", {"odd(v2)"}),
        ("line\nembedding:easy\nembedding:other", {"easy", "other"}),
    ],
)
def test_embeddings_in_text_are_named(text, expected):
    assert expected <= names(Place.EMBEDDING, text=text)
    assert expected <= names(Place.EMBEDDING, odd={"positive": text})


def test_no_embedding_is_named_where_no_name_follows():
    assert names(Place.EMBEDDING, text="embedding: easy, embedding:") == set()


def test_models_that_tags_in_text_name_are_looked_for_without_ending_too():
    inputs = {"text": "a cat <lora:sub/style:0.8> <hypernet:h.pt:1:2>"}
    assert {"sub/style", "h.pt"} <= names(Place.STEM, **inputs) & names(Place.SERVER, **inputs)


def test_a_vae_that_is_made_of_two_files_names_both():
    assert names(Place.STEM, vae_name="taesd") == {"taesd_encoder", "taesd_decoder"}


def test_our_own_nodes_name_nothing():
    wanted = json.dumps({"options": ["a.safetensors"]})
    assert found(LOADER, unique_id="cat.png", version="1.5", wanted=wanted) == set()


def test_long_texts_take_no_longer_than_they_are():
    for part in ("embedding:", "<lora:", "(", "[{", "a.", ",", "\n", "/", "<a"):
        found(text=part * 100_000, model=part * 100_000)
