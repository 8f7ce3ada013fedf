"""Rules that others write as JSON: what they may say, and of which classes."""

from __future__ import annotations

from typing import Any

import pytest
from custom_nodes.discomfort.errors import ConfigError
from custom_nodes.discomfort.graph.convert.to_prompt import to_prompt
from custom_nodes.discomfort.graph.node_classes.object_info import index_object_info
from custom_nodes.discomfort.graph.packs.known_packs import KNOWN, PACKS
from custom_nodes.discomfort.graph.packs.read_rules import read_rules
from custom_nodes.discomfort.graph.packs.rules import ClassRules, Rows
from support.pack_files import INFO, kind, node, workflow


def rules_of(classes: dict[str, Any], pack: Any = "My-Pack"):
    return read_rules({"pack": pack, "seen_with": "1.2", "classes": classes}, "rules.json")


def converted(data: dict[str, Any], classes: dict[str, Any], info: dict[str, Any], pack="My-Pack"):
    return to_prompt(data, index_object_info({**INFO, **info}, [rules_of(classes, pack)]))


EVERYTHING = {
    "page_only": True,
    "set_name": False,
    "get_name": False,
    "named_only": True,
    "size_text": ["size", "w", "h"],
    "old_names": {"new": "old"},
    "old_places": ["a", ""],
    "instead": {"a": {"old": "new"}},
    "widgets": {"own": "at first"},
    "sockets": ["s"],
    "ignores_surplus": True,
    "rows": {"key": "k", "prefix": "row_", "dropped": ["x"], "unsure_with": {"P": "v"}},
    "from_properties": {"a": "value"},
    "fixed": {"b": "${id}"},
    "first_choice": ["c"],
    "patterns": ["name"],
    "drawn": ["seed"],
    "refusal": "why",
}


def test_everything_that_may_be_said_is_read():
    pack = rules_of({"A": EVERYTHING})
    assert (pack.pack, pack.seen_with) == ("My-Pack", "1.2")
    assert pack.classes["A"] == ClassRules(
        page_only=True,
        named_only=True,
        size_text=("size", "w", "h"),
        old_names={"new": "old"},
        old_places=("a", ""),
        instead={"a": {"old": "new"}},
        widgets={"own": "at first"},
        sockets=("s",),
        ignores_surplus=True,
        rows=Rows("k", "row_", ("x",), {"P": "v"}),
        from_properties={"a": "value"},
        fixed={"b": "${id}"},
        first_choice=("c",),
        patterns=("name",),
        drawn=("seed",),
        refusal="why",
        pack="My-Pack",
    )


@pytest.mark.parametrize(
    ("data", "part"),
    [
        ([], "must be an object"),
        ({"pack": ["p"], "classes": {}}, '"pack" must be'),
        ({"pack": "p"}, '"classes" must be'),
        ({"pack": "p", "classes": {}, "clases": {}}, "has no 'clases'"),
        ({"pack": "p", "classes": {}, "seen_with": 3}, '"seen_with" must be text'),
        ({"pack": "p", "classes": {"A": 3}}, "class 'A' must be an object"),
        ({"pack": "p", "classes": {"A": {"pageonly": True}}}, "has no 'pageonly'"),
        ({"pack": "p", "classes": {"A": {"page_only": 1}}}, "'page_only' must be true or false"),
        (
            {"pack": "p", "classes": {"A": {"fixed": {"a": 1}}}},
            "'fixed' must be an object of texts",
        ),
        ({"pack": "p", "classes": {"A": {"drawn": "seed"}}}, "'drawn' must be a list of texts"),
        ({"pack": "p", "classes": {"A": {"size_text": ["a"]}}}, "three texts"),
        ({"pack": "p", "classes": {"A": {"rows": {"key": "a"}}}}, "'rows' must be"),
        ({"pack": "p", "classes": {"A": {"rows": {"keys": "a"}}}}, "'rows' must be"),
        ({"pack": "p", "classes": {"A": {"refusal": ""}}}, "'refusal' must be text"),
        ({"pack": "p", "classes": {"ab*": {"named_only": True}}}, "3 letters"),
        ({"pack": "p", "classes": {"abc*": {"page_only": True}}}, "whole name"),
    ],
)
def test_what_can_not_be_used_is_an_error_with_file_and_place(data, part):
    with pytest.raises(ConfigError) as caught:
        read_rules(data, "my/rules.json")
    assert "my/rules.json" in str(caught.value) and part in str(caught.value)


def test_all_that_is_wrong_is_said_at_once():
    with pytest.raises(ConfigError) as caught:
        rules_of({"A": {"page_only": 1}, "B": {"rows": 2}}, pack=3)
    assert all(part in str(caught.value) for part in ('"pack"', "class 'A'", "class 'B'"))


SLIDER = {"Slider": kind({"n": ["INT"]}, "INT", pack="My-Pack")}
FILE = workflow([node(1, "Slider", [3], properties={"value": 9})])
RULE = {"Slider": {"from_properties": {"n": "value"}}}


def test_a_packs_own_rules_are_used_for_its_classes():
    assert converted(FILE, RULE, SLIDER)["1"]["inputs"] == {"n": 9}
    assert converted(FILE, {"Sli*": RULE["Slider"]}, SLIDER)["1"]["inputs"] == {"n": 9}
    assert converted(FILE, RULE, SLIDER, pack="my-pack")["1"]["inputs"] == {"n": 9}


def test_rules_of_another_packs_class_are_passed_over():
    assert converted(FILE, RULE, SLIDER, pack="Other")["1"]["inputs"] == {"n": 3}
    core = {"Slider": kind({"n": ["INT"]}, "INT")}
    assert converted(FILE, RULE, core)["1"]["inputs"] == {"n": 3}


def test_a_class_of_a_known_pack_stays_that_packs():
    book = KNOWN.with_packs([rules_of({"Label (rgthree)": {"refusal": "x"}})])
    assert book.of("Label (rgthree)") == KNOWN.of("Label (rgthree)")
    own = KNOWN.with_packs([rules_of({"Label (rgthree)": {"refusal": "x"}}, "rgthree-comfy")])
    found = own.of("Label (rgthree)")
    assert found is not None and found.refusal == "x"


def test_the_folder_that_a_file_lies_in_says_which_pack_it_is_of():
    said = {"pack": "Other", "classes": RULE}
    table = read_rules(said, "rules.json", "My-Pack")
    assert (table.pack, table.classes["Slider"].pack) == ("My-Pack", "My-Pack")
    assert read_rules({"classes": {}}, "rules.json", "My-Pack").pack == "My-Pack"


def test_rules_without_a_pack_speak_of_any_class_and_later_ones_win():
    mine = read_rules({"classes": RULE}, "mine.json")
    other = read_rules({"classes": {"Slider": {"fixed": {"n": "x"}}}}, "other.json")
    core = {**INFO, "Slider": kind({"n": ["INT"]}, "INT")}
    assert to_prompt(FILE, index_object_info(core, (), [mine]))["1"]["inputs"] == {"n": 9}
    both = index_object_info(core, [rules_of(RULE)], [mine, other])
    assert to_prompt(FILE, both)["1"]["inputs"] == {"n": "x"}


def test_a_rule_in_place_of_a_built_in_one_replaces_it_whole():
    book = KNOWN.with_packs((), [read_rules({"classes": {"SetNode": {}, "VHS_*": {}}}, "m.json")])
    assert book.of("SetNode") == ClassRules() == book.of("VHS_VideoCombine")
    assert "SetNode" not in book.virtual and "GetNode" in book.virtual


def test_a_node_of_the_page_and_names_can_be_declared():
    classes = {
        "My Label": {"page_only": True},
        "My Set": {"set_name": True},
        "My Get": {"get_name": True},
    }
    nodes = [
        node(1, "Make", [5]),
        node(2, "My Set", ["v"], {"x": 1}),
        node(3, "My Get", ["v"]),
        node(4, "Save", [], {"image": 2}, 0),
        node(5, "My Label", ["x"], {"y": 3}, 0),
    ]
    data = workflow(nodes, (1, 1, 0, 2, 0), (2, 3, 0, 4, 0), (3, 1, 0, 5, 0))
    prompt = converted(data, classes, {})
    assert list(prompt) == ["1", "4"] and prompt["4"]["inputs"] == {"image": ["1", 0]}


def test_the_longest_beginning_wins():
    classes = {"Sli*": {"refusal": "no"}, "Slid*": RULE["Slider"]}
    assert converted(FILE, classes, SLIDER)["1"]["inputs"] == {"n": 9}


def test_every_known_table_says_what_it_was_seen_with():
    assert all(p.pack and p.seen_with and p.classes for p in PACKS)
