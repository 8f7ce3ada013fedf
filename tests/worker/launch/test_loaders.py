"""Which nodes stay for the next script: models, made of what the server itself offers."""

from __future__ import annotations

from typing import Any

import pytest
from custom_nodes.discomfort.worker.launch.loaders import LoaderNotes, is_loader

FILES = ["a.safetensors", "b.safetensors"]


class Load:
    RETURN_TYPES: tuple[str, ...] = ("MODEL", "CLIP", "VAE")
    INPUTS: dict[str, Any] = {
        "required": {
            "name": (FILES,),
            "kind": ("COMBO", {"options": ["fast", "exact"]}),
            "strength": ("FLOAT", {"default": 1.0}),
        },
        "optional": {"note": ("STRING", {"default": ""})},
    }

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return cls.INPUTS


def node(**inputs: Any) -> dict[str, Any]:
    return {"class_type": "Load", "inputs": {"name": "a.safetensors", "kind": "fast", **inputs}}


def kind(**more: Any) -> type:
    return type("Kind", (Load,), more)


@pytest.mark.parametrize("inputs", [{}, {"kind": "exact"}, {"strength": 1.0, "note": ""}])
def test_choices_and_defaults_are_kept(inputs):
    assert is_loader(node(**inputs), Load)


@pytest.mark.parametrize(
    "inputs",
    [
        {"name": "secret.safetensors"},
        {"kind": "slow"},
        {"strength": 0.7},
        {"strength": 1},
        {"strength": True},
        {"note": "typed in"},
        {"undeclared": 5},
        {"name": ["1", 0]},
        {"strength": {"__value__": 1.0}},
    ],
)
def test_what_a_script_has_put_in_is_not(inputs):
    assert not is_loader(node(**inputs), Load)


@pytest.mark.parametrize(
    "other",
    [
        {"RETURN_TYPES": ("MODEL", "CONDITIONING")},
        {"RETURN_TYPES": ("IMAGE",)},
        {"RETURN_TYPES": ("*",)},
        {"RETURN_TYPES": ()},
        {"OUTPUT_NODE": True},
        {"API_NODE": True},
        {"NOT_IDEMPOTENT": True},
        {"INPUTS": {**Load.INPUTS, "hidden": {"prompt": "PROMPT"}}},
    ],
)
def test_a_class_that_makes_or_sees_more_is_none(other):
    assert not is_loader(node(), kind(**other))


def test_without_any_choice_it_is_none():
    assert not is_loader({"inputs": {"strength": 1.0, "note": ""}}, Load)
    assert not is_loader(node(), None)


class Broken(Load):
    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        raise OSError("no folder")


def test_notes_have_each_loader_once_without_titles_and_ids():
    notes = LoaderNotes({"Load": Load, "Broken": Broken, "Picture": kind(RETURN_TYPES=("IMAGE",))})
    mine = {**node(), "_meta": {"title": "my secret title"}}
    broken, picture = ({**node(), "class_type": name} for name in ("Broken", "Picture"))
    body = {"prompt": {"secret id": mine, "2": node(), "3": node(note="x"), "4": broken}}
    assert notes.take(body) is body
    for odd in ({}, {"prompt": []}, {"prompt": {"1": 5, "2": {"class_type": "Load"}}}):
        assert notes.take(odd) is odd
    odd_class = {"class_type": ["Load"], "inputs": {"name": "a"}}
    notes.take({"prompt": {"5": node(name="b.safetensors"), "6": picture, "7": odd_class}})
    kept = notes.prompt()
    assert kept == {"kept-0": node(), "kept-1": node(name="b.safetensors")}
    notes.replace([kept["kept-1"]])
    assert list(notes.prompt().values()) == [node(name="b.safetensors")]


def test_notes_are_bounded_and_the_last_stay():
    names = [f"{i}.safetensors" for i in range(500)]
    many = kind(INPUTS={"required": {"name": (names,)}})
    notes = LoaderNotes({"Load": many})
    for name in names:
        notes.take({"prompt": {"1": {"class_type": "Load", "inputs": {"name": name}}}})
    kept = [n["inputs"]["name"] for n in notes.prompt().values()]
    assert kept == names[-len(kept) :]
    assert len(kept) < 100
