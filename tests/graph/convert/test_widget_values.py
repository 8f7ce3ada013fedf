"""What the editor does to texts and numbers before it sends them."""

from __future__ import annotations

import random
import re
from datetime import datetime

import pytest
from custom_nodes.discomfort.graph.convert.widget_values import (
    dynamic_prompt,
    format_date,
    js_text,
    number,
    primitive_number,
    replace_patterns,
)

NOW = datetime(2025, 3, 7, 14, 5, 6)


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("", ""),
        ("a cat", "a cat"),
        ("a /* no */cat // never\nend", "a cat \nend"),
        ("a /* one */ b /* two */ c", "a  b  c"),
        ("a /* open", "a /* open"),
        ("http://x\u2028y", "http:\u2028y"),
        ("{one}", "one"),
        ("{}", ""),
        ("{ one }", " one "),
        (r"\{a\|b\}", "{a|b}"),
        (r"\n\\", r"\n\\"),
        ("end\\", "end\\"),
        ("a|b}", "a|b}"),
        ("{open", "open"),
        ("{{deep} er}", "deep er"),
    ],
)
def test_comments_and_braces_in_a_prompt_text(text, sent):
    assert dynamic_prompt(text) == sent


def test_comments_end_where_the_front_ends_pattern_ends_them():
    pattern = re.compile(r"/\*[\s\S]*?\*/|//[^\n\r\u2028\u2029]*")
    rng = random.Random(1)
    for _ in range(20_000):
        text = "".join(rng.choice("//**a\n") for _ in range(rng.randrange(12)))
        assert dynamic_prompt(text) == pattern.sub("", text), repr(text)


def test_comments_that_are_not_closed_cost_no_time():
    text = "/* " * 1_000_000  # an hour, where the end is looked for from each
    assert dynamic_prompt(text) == text


def test_every_option_is_chosen_and_text_and_seed_decide():
    text = "{red|{dark|light} blue|}"
    seen = [dynamic_prompt(text, seed) for seed in range(60)]
    assert set(seen) == {"red", "dark blue", "light blue", ""}
    assert seen == [dynamic_prompt(text, seed) for seed in range(60)]
    assert [dynamic_prompt("{a|b}", n) for n in range(20)] != [
        dynamic_prompt("{a|b} ", n).strip() for n in range(20)
    ]


VALUES = {("Sampler", "seed"): 12, ("Text", "text"): 'a/b:"c"<d>|?*\\\x00'}


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("plain", "plain"),
        ("100%", "100%"),
        ("%Sampler.seed%/x", "12/x"),
        ("%Text.text%", "a_b__c__d______"),
        ("%Nobody.seed%", "%Nobody.seed%"),
        ("%a.b.c%", "%a.b.c%"),
        ("%what%", "%what%"),
        ("%date:yyyy-MM-dd%_%Sampler.seed%", "2025-03-07_12"),
        ("%%", "%%"),
        ("50% of %Sampler.seed%", "50% of %Sampler.seed%"),  # the first two belong together
    ],
)
def test_patterns_in_a_file_name(text, filled):
    assert replace_patterns(text, lambda *at: VALUES[at], NOW) == filled


@pytest.mark.parametrize(
    ("pattern", "shown"),
    [
        ("yyyy-MM-dd", "2025-03-07"),
        ("yy M d", "25 3 7"),
        ("hh:mm:ss h:m:s", "14:05:06 14:5:6"),
        ("yyy y", "yyy y"),
        ("", ""),
    ],
)
def test_parts_of_a_date(pattern, shown):
    assert format_date(pattern, NOW) == shown


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (True, "true"),
        (False, "false"),
        (1, "1"),
        (1.0, "1"),
        (1.5, "1.5"),
        (-0.0, "0"),
        (1e21, "1e+21"),
        ("x", "x"),
        ([1, None, "a", True], "1,,a,true"),
        ([[1], {}], "[object Object],[object Object]"),
        ({"a": 1}, "[object Object]"),
    ],
)
def test_a_value_as_javascript_writes_it(value, text):
    assert js_text(value) == text


@pytest.mark.parametrize(
    ("kind", "options", "value", "written"),
    [
        ("INT", {}, 7, 7),
        ("INT", {}, 2.5, 3),
        ("INT", {}, -2.5, -2),
        ("INT", {"step": 8, "min": 64}, 777, 776),
        ("INT", {"step": 10, "min": 3}, 17, 13),
        ("INT", {"step": 10, "min": 3}, 18, 23),
        ("INT", {"step": 0}, 2.4, 2),
        ("INT", {"max": 5}, 10**18 + 1, 10**18 + 1),  # rounded, but not clamped
        ("FLOAT", {"step": 0.01}, 0.126, 0.13),
        ("FLOAT", {"step": 0.1, "round": 0.01}, 8.26, 8.3),
        ("FLOAT", {"step": 1.0}, 3.7, 3.7),
        ("FLOAT", {"step": 1.0, "round": 0.5}, 3.7, 4),
        ("FLOAT", {}, 9999.0, 2048),
        ("FLOAT", {}, -1.0, 0),
        ("FLOAT", {"min": -1.0}, -7.0, -1.0),
        ("FLOAT", {"max": 1e20}, 1e16, 1e16),
        ("FLOAT", {}, float("inf"), float("inf")),
        ("FLOAT", {}, "text", "text"),
        ("STRING", {}, 3.7, 3.7),
        ("INT", {}, True, True),
        ("INT", {}, None, None),
    ],
)
def test_what_a_primitive_writes_into_a_number(kind, options, value, written):
    found = primitive_number(value, kind, options)
    assert found == written and type(found) is type(written)


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (3, 3),
        (-0.5, -0.5),
        (0, 0),
        (True, 9),
        ("3", 9),
        (None, 9),
        (float("nan"), 9),
        (float("inf"), 9),
        (1e301, 9),
        (10**400, 9),
    ],
)
def test_only_finite_numbers_are_numbers(value, found):
    assert number(value, 9) == found
