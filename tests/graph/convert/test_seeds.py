"""What the control beside a seed does to it when a prompt is queued."""

from __future__ import annotations

import random
from typing import Any

import pytest
from custom_nodes.discomfort.graph.convert.seeds import (
    Control,
    change_seeds,
    control_mode,
    next_value,
)
from custom_nodes.discomfort.graph.prompt import Prompt

CHOICES = {"options": ["a", "b", "c"]}


@pytest.mark.parametrize(
    ("saved", "mode"),
    [
        ("randomize", "randomize"),
        ("increment", "increment"),
        ("decrement", "decrement"),
        ("increment-wrap", "increment-wrap"),
        ("fixed", "fixed"),
        (True, "randomize"),
        (False, "fixed"),
        ("shuffle", "fixed"),
        (None, "fixed"),
        (1, "fixed"),
        (["randomize"], "fixed"),
    ],
)
def test_what_is_no_control_is_fixed(saved, mode):
    assert control_mode(saved) == mode


@pytest.mark.parametrize(
    ("value", "mode", "kind", "options", "changed"),
    [
        (5, "fixed", "INT", {}, 5),
        (5, "increment", "INT", {}, 6),
        (5, "decrement", "INT", {}, 4),
        (5, "increment", "INT", {"step": 10}, 15),
        (5, "increment", "INT", {"step": 0}, 6),
        (5, "increment", "INT", {"max": 5}, 5),
        (5, "decrement", "INT", {"min": 5}, 5),
        (0, "decrement", "INT", {}, -1),  # only randomize knows a least value of its own
        (0.5, "increment", "FLOAT", {"step": 0.25}, 0.75),
        (2**60, "increment", "INT", {}, 2**60 + 1),
        ("5", "increment", "INT", {}, "5"),
        (True, "increment", "INT", {}, True),
        (None, "randomize", "INT", {}, None),
        ("b", "increment", "COMBO", CHOICES, "c"),
        ("b", "decrement", "COMBO", CHOICES, "a"),
        ("c", "increment", "COMBO", CHOICES, "c"),
        ("a", "decrement", "COMBO", CHOICES, "a"),
        ("c", "increment-wrap", "COMBO", CHOICES, "a"),
        ("a", "increment-wrap", "COMBO", CHOICES, "b"),
        ("gone", "increment", "COMBO", CHOICES, "gone"),
        ("a", "randomize", "COMBO", {"options": []}, "a"),
        ("a", "randomize", "COMBO", {}, "a"),
        ("b", "fixed", "COMBO", CHOICES, "b"),
    ],
)
def test_the_value_after_one_run(value, mode, kind, options, changed):
    found = next_value(value, mode, kind, options, random.Random(1))
    assert found == changed and type(found) is type(changed)


@pytest.mark.parametrize(
    ("options", "possible"),
    [
        ({"min": 3, "max": 7}, {3, 4, 5, 6}),
        ({"min": 10, "max": 40, "step": 10}, {10, 20, 30}),
        ({"min": 4, "max": 4}, {4}),
        ({"max": 3}, {0, 1, 2}),
    ],
)
def test_a_random_number_is_one_of_the_steps(options, possible):
    rng = random.Random(1)
    assert {next_value(0, "randomize", "INT", options, rng) for _ in range(200)} == possible


def test_a_random_number_is_one_that_javascript_holds_exactly():
    rng, wide = random.Random(1), {"min": -(2**63), "max": 2**64}
    drawn = [next_value(0, "randomize", "INT", wide, rng) for _ in range(500)]
    assert min(drawn) < -(2**49) and max(drawn) > 2**49
    assert all(abs(value) <= 2**50 for value in drawn)


def test_a_random_choice_is_one_of_the_options():
    rng = random.Random(1)
    drawn = {next_value("a", "randomize", "COMBO", CHOICES, rng) for _ in range(100)}
    assert drawn == {"a", "b", "c"}


def prompt_of(**inputs: Any) -> Prompt:
    return {i: {"class_type": "N", "inputs": {"seed": value}} for i, value in inputs.items()}


def control(node_id: str, mode: str, **options: Any) -> Control:
    return Control((node_id, "seed"), mode, "INT", options)


SHARED = {("a", "seed"): "origin", ("b", "seed"): "origin"}


@pytest.mark.parametrize(
    ("prompt", "controls", "shared", "values", "changed"),
    [
        (prompt_of(a=1, b=1), [control("a", "increment")], {}, [2, 1], {"a": 2}),
        (prompt_of(a=1), [control("a", "fixed")], {}, [1], {}),
        (prompt_of(a=["b", 0], b=1), [control("a", "increment")], {}, [["b", 0], 1], {}),
        (prompt_of(a=1), [control("a", "increment", max=1)], {}, [1], {}),
        # Those that share a value go on sharing it; the first that is not fixed decides.
        (prompt_of(a=1, b=1), [control("a", "increment")], SHARED, [2, 2], {"a": 2, "b": 2}),
        (
            prompt_of(a=5, b=5),
            [control("a", "fixed"), control("b", "decrement"), control("a", "increment")],
            SHARED,
            [4, 4],
            {"a": 4, "b": 4},
        ),
        # Another's value is in the prompt, or is not: no node, no input.
        (
            prompt_of(a=1),
            [control("a", "increment")],
            {**SHARED, ("gone", "seed"): "origin"},
            [2],
            {"a": 2},
        ),
        (
            prompt_of(a=1),
            [Control(("a", "other"), "increment", "INT", {})],
            {("a", "third"): ("a", "other")},
            [1],
            {},
        ),
    ],
)
def test_seeds_are_changed_in_the_prompt_and_said(prompt, controls, shared, values, changed):
    found = change_seeds(prompt, controls, shared, random.Random(1))
    assert [node["inputs"]["seed"] for node in prompt.values()] == values
    assert found == {(i, "seed"): value for i, value in changed.items()}
