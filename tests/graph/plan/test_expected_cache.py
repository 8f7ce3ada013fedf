"""What ComfyUI is expected to have in its cache."""

from __future__ import annotations

from custom_nodes.discomfort.graph.plan.expected_cache import Sent, expect_cached, find_cached
from custom_nodes.discomfort.graph.prompt import Prompt


def prompt_of(name: str, amount: int, show: bool = True, first: str = "1") -> Prompt:
    prompt = {
        first: {"class_type": "Load", "inputs": {"name": name}},
        "2": {"class_type": "Use", "inputs": {"x": [first, 0], "amount": amount}},
    }
    if show:
        prompt["3"] = {"class_type": "Show", "inputs": {"x": ["2", 0]}}
    return prompt


def sent(prompt: Prompt, ended_well: bool = True) -> Sent:
    return Sent(prompt, prompt.keys() - {"9"}, ended_well)


def cached_after(prompt: Prompt, *sent: Sent) -> set[str]:
    return set(find_cached(prompt, expect_cached(sent)))


def test_nothing_is_known_before_anything_was_sent():
    assert cached_after(prompt_of("a", 1)) == set()


def test_what_did_not_change_is_expected_whatever_its_id():
    before = sent(prompt_of("a", 1))
    assert cached_after(prompt_of("a", 1, first="99"), before) == {"99", "2", "3"}
    assert cached_after(prompt_of("a", 2), before) == {"1"}
    assert cached_after(prompt_of("b", 1), before) == set()


def test_a_prompt_without_a_node_drops_what_it_made():
    first, other = sent(prompt_of("a", 1)), sent(prompt_of("b", 1))
    assert cached_after(prompt_of("a", 1), first, other) == set()
    assert cached_after(prompt_of("b", 1), first, other) == {"1", "2", "3"}


def test_a_node_that_no_output_needs_is_kept_but_not_made():
    kept = {**prompt_of("b", 1), "9": prompt_of("a", 1)["1"]}
    first = sent(prompt_of("a", 1))
    assert cached_after(prompt_of("a", 1), first, sent(kept)) == {"1"}
    assert cached_after(prompt_of("a", 1), sent(kept)) == set()


def test_of_a_prompt_that_failed_only_what_was_there_before_is_sure():
    first, failed = sent(prompt_of("a", 1)), sent(prompt_of("a", 2), False)
    assert cached_after(prompt_of("a", 2), first, failed) == {"1"}
    assert cached_after(prompt_of("a", 2), failed) == set()


def test_a_saver_always_runs():
    saver = {"class_type": "DiscomfortContextSaver", "inputs": {"input_data": ["2", 0]}}
    prompt = {**prompt_of("a", 1, show=False), "3": saver}
    assert cached_after(prompt, sent(prompt)) == {"1", "2"}
