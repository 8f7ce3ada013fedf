"""Equal keys mean equal values, and other keys mean that something differs, over random graphs."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from support.steps import WORLDS, World, changed, key_of, prompts, run, with_other_looks

STEPS = st.tuples(prompts(), WORLDS)


@settings(max_examples=60, deadline=None)
@given(st.data(), STEPS)
def test_other_ids_titles_and_order_have_the_same_key(data: Any, step: Any) -> None:
    prompt, world = step
    other = data.draw(with_other_looks(prompt))
    assert key_of(prompt, world) == key_of(other, world)


@settings(max_examples=300, deadline=None)
@given(st.data(), STEPS)
def test_keys_are_equal_if_and_only_if_the_step_makes_the_same(data: Any, step: Any) -> None:
    prompt, world = step
    other, other_world = data.draw(changed(prompt, world))
    is_same = run(prompt, world) == run(other, other_world)
    assert (key_of(prompt, world).key == key_of(other, other_world).key) is is_same


@settings(max_examples=100, deadline=None)
@given(st.data(), prompts(("Work", "SeesPrompt", "SeesDynamic", "KnowsIdNew")), WORLDS)
def test_where_nodes_see_more_equal_keys_still_mean_equal_values(
    data: Any, prompt: Any, world: World
) -> None:
    other, other_world = data.draw(changed(prompt, world))
    if key_of(prompt, world).key == key_of(other, other_world).key:
        assert run(prompt, world) == run(other, other_world)
