"""Which values are written into a prompt."""

from __future__ import annotations

import enum
import fractions
import json
import math

import numpy
import pytest
import torch
from custom_nodes.discomfort.graph.ports.literals import (
    MAX_LITERAL_CHARS,
    NOT_LITERAL,
    as_literal,
    in_prompt,
)


class Colour(str, enum.Enum):
    RED = "red"


@pytest.mark.parametrize(
    ("value", "literal"),
    [
        (None, None),
        (True, True),
        (3, 3),
        (2.5, 2.5),
        ("text", "text"),
        ([], []),
        ([1, 2.0, "x", None, False], [1, 2.0, "x", None, False]),
    ],
)
def test_scalars_and_lists_of_them_are_literals(value, literal):
    found = as_literal(value)
    assert found == literal
    assert type(found) is type(literal)


@pytest.mark.parametrize(
    "value",
    [
        (1, 2),
        {"a": 1},
        [[1]],
        [1, torch.zeros(1)],
        b"bytes",
        torch.tensor(1),
        Colour.RED,
        numpy.int64(7),
        numpy.float64(0.5),
        [numpy.float64(0.5)],
        numpy.array(1.0),
        fractions.Fraction(1, 3),
        object(),
        "x" * (MAX_LITERAL_CHARS + 1),
        ["x" * MAX_LITERAL_CHARS, "y"],
        ["label", 0.9],  # ComfyUI would take it for a link
        ["1", 0],
        ["1", True],
    ],
)
def test_other_values_are_not(value):
    assert as_literal(value) is NOT_LITERAL


def test_a_list_that_holds_itself_is_not():
    value: list = []
    value.append(value)
    assert as_literal(value) is NOT_LITERAL


def test_numbers_that_json_has_no_word_for_stay_numbers():
    assert math.isinf(as_literal(float("inf")))


def test_a_list_is_wrapped_so_that_it_is_no_link():
    assert in_prompt([1, 0]) == {"__value__": [1, 0]}
    assert in_prompt("1") == "1"


@pytest.mark.parametrize("sign", [1, -1])
def test_a_number_that_json_can_not_write_is_loaded(sign):
    assert as_literal(sign * 10**4000) == sign * 10**4000
    json.dumps(as_literal(sign * 10**4000))
    assert as_literal(sign * 10**5000) is NOT_LITERAL
    assert as_literal([1, sign * 10**5000]) is NOT_LITERAL
