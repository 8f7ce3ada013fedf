"""The types of ports as names, and which of two says more."""

from __future__ import annotations

import pytest
from custom_nodes.discomfort.graph.ports.port_types import more_specific, type_name


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("IMAGE", "IMAGE"),
        ("image", "IMAGE"),
        ("INT,FLOAT", "INT,FLOAT"),
        (["a", "b"], "COMBO"),
        (("a",), "COMBO"),
        ([], "COMBO"),
        ("*", "ANY"),
        ("", "ANY"),
        (0, "ANY"),
        ("any", "ANY"),
        ("COMFY_MATCHTYPE_V3", "ANY"),
        (None, "NONE"),
    ],
)
def test_a_type_has_a_name_and_what_says_nothing_is_any(kind, name):
    assert type_name(kind) == name


@pytest.mark.parametrize(
    ("first", "second", "more"),
    [
        ("ANY", "IMAGE", "IMAGE"),
        ("IMAGE", "ANY", "IMAGE"),
        ("INT,FLOAT", "INT", "INT"),
        ("INT", "INT,FLOAT", "INT"),
        ("INT", "FLOAT", "INT"),
        ("ANY", "ANY", "ANY"),
    ],
)
def test_the_more_specific_type_wins(first, second, more):
    assert more_specific(first, second) == more
