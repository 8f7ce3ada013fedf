"""Every name of a port has one Python name: its own where that can be."""

from __future__ import annotations

import ast
import keyword

import pytest
from custom_nodes.discomfort.workflow_functions.identifiers import find_identifiers
from custom_nodes.discomfort.workflow_functions.read_shape import function_name
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    "name", ["picture", "self", "context", "inputs", "\u7528\u9014", "match", "_", "_x"]
)
def test_a_name_that_can_be_one_is_kept(name):
    assert find_identifiers([name]) == {name: name}


@pytest.mark.parametrize(
    ("name", "identifier"),
    [
        ("a b", "a_b"),
        ("1st", "_1st"),
        ("class", "class_"),
        ("None", "None_"),
        ("__debug__", "debug"),
        ("__class__", "class_"),
        ("_repr_html_", "repr_html"),
        ("\ufb01le", "file"),  # as Python reads the ligature
        ("KSampler.seed", "KSampler_seed"),
        ("", "port"),
        ("\U0001f3a8", "port"),
        ("\ud800\u202e", "port"),
    ],
)
def test_another_gets_one_that_is_like_it(name, identifier):
    assert find_identifiers([name]) == {name: identifier}


def test_two_that_would_be_the_same_are_told_apart_in_any_order():
    names = ["a b", "a-b", "a_b", "a.b"]
    found = find_identifiers(names)
    assert found["a_b"] == "a_b" and len(set(found.values())) == 4
    assert found == find_identifiers(reversed(names))


def test_what_is_taken_is_given_to_none():
    assert find_identifiers(["items", "x"], taken={"items"}) == {"items": "items_", "x": "x"}


@given(st.lists(st.text(max_size=12), unique=True, max_size=8))
def test_all_can_be_written_as_arguments_and_attributes(names):
    found = find_identifiers(names, taken={"keys"})
    assert found.keys() == set(names) and len(set(found.values())) == len(names)
    for identifier in found.values():
        assert not keyword.iskeyword(identifier) and not identifier.startswith("__")
        tree = ast.parse(f"f({identifier}=1).{identifier}").body[0]
        assert isinstance(tree, ast.Expr) and isinstance(tree.value, ast.Attribute)
        assert tree.value.attr == identifier
        assert isinstance(tree.value.value, ast.Call)
        assert tree.value.value.keywords[0].arg == identifier


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("enhance.json", "enhance"),
        ("Sharpen a picture.json", "Sharpen_a_picture"),
        ("1st.json", "workflow_1st"),
        ("_hidden.json", "hidden"),
        (".json", "json"),
        ("\u7528\u9014.png", "\u7528\u9014"),
        ("workflow", "workflow"),
        ("??.json", "workflow"),
    ],
)
def test_a_function_is_called_as_its_file(file, name):
    assert function_name(file) == name
