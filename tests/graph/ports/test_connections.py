"""A prompt and /object_info, asked for links and types."""

from __future__ import annotations

import pytest
from custom_nodes.discomfort.graph.node_classes.object_info import index_object_info
from custom_nodes.discomfort.graph.ports.connections import PromptConnections
from custom_nodes.discomfort.graph.prompt import Prompt, Source

INFO = index_object_info(
    {
        "Make": {"input": {}, "output": ["IMAGE", ["a"]]},
        "Use": {"input": {"required": {"image": ["IMAGE"], "mode": [["a"]]}}, "output": []},
    }
)
PROMPT: Prompt = {
    "1": {"class_type": "Make", "inputs": {}},
    "2": {"class_type": "Use", "inputs": {"image": ["1", 0], "mode": "a", "more": ["1", 1]}},
    "3": {"class_type": "Unknown", "inputs": {"x": ["9", 5]}},
}
FOUND = PromptConnections(PROMPT, INFO)


@pytest.mark.parametrize(
    ("node_id", "name", "source"),
    [
        ("2", "image", Source("1", 0)),
        ("2", "more", Source("1", 1)),
        ("2", "mode", None),
        ("2", "none", None),
        ("3", "x", Source("9", 5)),
    ],
)
def test_an_input_comes_from_what_its_link_names(node_id, name, source):
    assert FOUND.source(node_id, name) == source and FOUND.cut(node_id, name) is None


def test_all_links_are_listed():
    assert list(FOUND.links()) == [
        (Source("1", 0), "2", "image"),
        (Source("1", 1), "2", "more"),
        (Source("9", 5), "3", "x"),
    ]


@pytest.mark.parametrize(
    ("node_id", "name", "kind"),
    [("2", "image", "IMAGE"), ("2", "mode", "COMBO"), ("2", "more", "ANY"), ("3", "x", "ANY")],
)
def test_the_type_of_an_input_is_that_of_its_class(node_id, name, kind):
    assert FOUND.input_type(node_id, name) == kind


@pytest.mark.parametrize(
    ("node_id", "slot", "kind"),
    [("1", 0, "IMAGE"), ("1", 1, "COMBO"), ("1", 2, "ANY"), ("1", -1, "ANY"), ("3", 0, "ANY")],
)
def test_the_type_of_an_output_is_that_of_its_class(node_id, slot, kind):
    assert FOUND.output_type(node_id, slot) == kind
