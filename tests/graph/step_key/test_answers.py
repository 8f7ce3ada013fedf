"""What nodes answer when they are asked whether they have changed."""

from __future__ import annotations

import math
from typing import Any

import pytest
from custom_nodes.discomfort.graph.step_key.answers import read_answer
from custom_nodes.discomfort.graph.step_key.facts import Answer
from hypothesis import given
from hypothesis import strategies as st

PLAIN = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
ANSWERS = st.recursive(
    PLAIN | st.binary(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
)


def exact(value: Any) -> Any:
    """The answer with its types."""
    if isinstance(value, dict):
        return "dict", sorted((k, exact(v)) for k, v in value.items())
    if isinstance(value, list):
        return "list", [exact(item) for item in value]
    return type(value).__name__, repr(value)


@given(ANSWERS, ANSWERS)
def test_texts_are_equal_if_and_only_if_the_answers_are(first, second):
    assert (read_answer(first) == read_answer(second)) is (exact(first) == exact(second))
    assert read_answer(first).said and not read_answer(first).never


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ([b"ab"], [["bytes", "6162"]]),
        (b"ab", "6162"),
        ([["list", 1]], [[1]]),
        ({"a": 1}, ["mapping", [["a", 1]]]),
        ({1: 2}, {"1": 2}),
        ([1], [True]),
        ([], None),
    ],
)
def test_no_answer_is_taken_for_another_kind(first, second):
    assert read_answer(first) != read_answer(second)


def test_order_counts_in_lists_and_not_in_mappings_and_a_tuple_is_a_list():
    assert read_answer([1, 2]) != read_answer([2, 1])
    assert read_answer({"a": 1, 2: 3}) == read_answer({2: 3, "a": 1})
    assert read_answer((1, 2)) == read_answer([1, 2])


@pytest.mark.parametrize("answer", [math.nan, [math.nan], [["a", {"b": (math.nan,)}]]])
def test_nan_anywhere_says_that_it_always_changes(answer):
    assert read_answer(answer) == Answer(never="it answers NaN, which says that it always changes")


@pytest.mark.parametrize("answer", [object(), [{1, 2}], {"a": object()}, [bytearray(b"a"), {1}]])
def test_what_can_t_be_compared_says_so_with_its_type(answer):
    read = read_answer(answer)
    assert not read.said and "can't be compared" in read.never


def test_endless_answers_are_never_equal():
    nested: list[Any] = []
    nested.append(nested)
    assert read_answer(nested).never and read_answer(10**5000).never
