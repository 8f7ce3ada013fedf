"""What a value is, what may stand for what, and which literals are refused."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from custom_nodes.discomfort.graph.ports.value_types import fits, kind_of, remedy_for


def tensor(*shape: int) -> SimpleNamespace:
    return SimpleNamespace(shape=shape)


@pytest.mark.parametrize(
    "value, kind",
    [
        (True, "BOOLEAN"),
        (1, "INT"),
        (1.5, "FLOAT"),
        ("text", "STRING"),
        ({"samples": tensor(1, 4, 8, 8)}, "LATENT"),
        ({"waveform": tensor(1, 2, 100)}, "AUDIO"),
        ({}, "DICT"),
        (tensor(1, 8, 8, 3), "IMAGE"),
        (tensor(1, 8, 8, 4), "IMAGE"),
        (tensor(1, 4, 8, 8), "ANY"),
        (tensor(1, 8, 8), "MASK"),
        (None, "ANY"),
        ([1], "ANY"),
    ],
)
def test_the_type_of_a_value_is_told_by_its_shape(value, kind):
    assert kind_of(value) == kind


@pytest.mark.parametrize(
    "kind, wanted, answer",
    [
        ("MODEL", "MODEL", True),
        ("CLIP", "MODEL", False),
        ("INT", "FLOAT", True),
        ("FLOAT", "INT", False),
        ("STRING", "COMBO", True),
        ("INT", "INT,FLOAT", True),
        ("ANY", "MODEL", False),
        ("MODEL", "ANY", True),
    ],
)
def test_which_types_fit(kind, wanted, answer):
    assert fits(kind, wanted) is answer


@pytest.mark.parametrize(
    "value, kind, words",
    [
        (None, "STRING", '"" is no text'), (None, "INT,FLOAT", "Give a value"),
        (None, "IMAGE", "Give a value"), (None, "COMBO", "Give a value"), (None, "ANY", None),
        ("false", "BOOLEAN", "True or False"), ("", "BOOLEAN", "True or False"),
        (2, "BOOLEAN", "True or False"), ([True], "BOOLEAN", "True or False"),
        (False, "BOOLEAN", None), (1, "BOOLEAN", None), (0.0, "BOOLEAN", None),
        ("no", "STRING", None), ("no", "ANY", None),
        (1.5, "INT", "whole number"), (float("nan"), "INT", "whole number"),
        (1.0, "INT", None), ("12", "INT", None), (True, "INT", None), (1.5, "INT,FLOAT", None),
        (1.5, "FLOAT", None), ([1, "a"], "STRING", None),
        pytest.param(-(10**400), "FLOAT", "smaller", id="huge"),
        (float("inf"), "FLOAT", None), (10**300, "FLOAT", None),
    ],
)  # fmt: skip
def test_what_comfyui_would_make_something_else_of_is_refused(value, kind, words):
    remedy = remedy_for(value, kind, is_object=kind == "IMAGE")
    assert remedy is None if words is None else remedy is not None and words in remedy


def test_a_path_for_a_picture_is_told_how_to_open_it():
    assert "pathlib.Path" in (remedy_for("a.png", "IMAGE", is_object=True) or "")
    assert remedy_for(5, "IMAGE", is_object=True) == remedy_for("a", "MODEL", is_object=True) == ""
