"""What Python and its libraries take for text or a number becomes the builtin, and nothing else."""

from __future__ import annotations

import enum
import math
from decimal import Decimal
from fractions import Fraction
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pytest
import torch
from custom_nodes.discomfort.graph.ports.plain_values import (
    is_builtin,
    is_plain_type,
    plain_value,
)


class Mode(str, enum.Enum):
    UP = "UPPERCASE"


class Strength(float, enum.Enum):
    HALF = 0.5


class Steps(enum.IntEnum):
    FEW = 4


class Text(str):
    def __str__(self) -> str:
        return "something else"


class Number(float):
    pass


class Whole(int):
    pass


# fmt: off
MEMBERS = [
    ("INT", torch.tensor(3), 3), ("INT", torch.tensor([[3]]), 3), ("INT", np.array([4]), 4),
    ("INT", np.int64(2**62 + 1), 2**62 + 1), ("INT", np.uint8(7), 7), ("INT", Whole(5), 5),
    ("INT", Steps.FEW, 4), ("INT", Decimal("12345678901234567890"), 12345678901234567890),
    ("INT", Fraction(6, 3), 2), ("INT", torch.tensor(5.5), 5.5), ("INT", Decimal("5.5"), 5.5),
    ("INT", Number(5.5), 5.5), ("INT", Fraction(1, 2), 0.5), ("INT", torch.tensor(True), True),
    ("FLOAT", torch.tensor(0.25, dtype=torch.bfloat16), 0.25), ("FLOAT", np.float16(0.5), 0.5),
    ("FLOAT", Decimal("2"), 2.0), ("FLOAT", Strength.HALF, 0.5), ("FLOAT", np.longdouble(1.5), 1.5),
    ("FLOAT", torch.nn.Parameter(torch.tensor(1.0)), 1.0),
    ("STRING", Mode.UP, "UPPERCASE"), ("STRING", Path("ok"), "ok"),
    ("STRING", PurePosixPath("a/b"), "a/b"), ("STRING", np.str_("x"), "x"),
    ("STRING", Decimal("5.50"), "5.50"), ("STRING", Fraction(1, 3), "1/3"),
    ("STRING", Text("t"), "t"),
    ("STRING", np.array("x"), "x"), ("STRING", np.array(Mode.UP, dtype=object), "UPPERCASE"),
    ("BOOLEAN", np.bool_(True), True), ("BOOLEAN", torch.tensor([False]), False),
    ("BOOLEAN", Decimal(1), 1),
    ("COMBO", Mode.UP, "UPPERCASE"), ("COMBO", Path("a.safetensors"), "a.safetensors"),
    ("COMBO", Decimal("0.5"), 0.5), ("COMBO", [Mode.UP, np.str_("x")], ["UPPERCASE", "x"]),
    ("INT,FLOAT", Decimal("3"), 3), ("INT,FLOAT", Decimal("3.5"), 3.5),
]
# fmt: on


@pytest.mark.parametrize(("kind", "value", "expected"), MEMBERS)
def test_a_member_of_the_kind_becomes_the_builtin(kind: str, value: Any, expected: Any) -> None:
    found = plain_value(value, kind)
    assert found == expected and type(found) is type(expected)
    if isinstance(found, list):
        assert [type(item) for item in found] == [type(item) for item in expected]
    assert is_builtin(found)


@pytest.mark.parametrize(
    "value",
    [
        torch.ones(2),
        torch.ones(0),
        torch.empty((), device="meta"),
        torch.tensor(1j),
        np.ones((1, 2)),
        {"a": 1},
        (1,),
        b"bytes",
        1j,
        object(),
        enum.Enum("Bare", "A").A,
        Fraction(10**400),
        Decimal("1e400"),
        Decimal("-1e999999999"),
    ],
)
def test_what_stands_for_no_builtin_comes_back_itself(value: Any) -> None:
    assert plain_value(value, "FLOAT") is value
    assert not is_builtin(value)


@pytest.mark.parametrize("value", [None, True, 1, 2.5, "x", [1, "x", None]])
def test_builtins_are_not_touched(value: Any) -> None:
    found = plain_value(value, "INT")
    assert found == value and type(found) is type(value) and is_builtin(value)


@pytest.mark.parametrize("text", ["NaN", "Infinity", "1e999999999", "-1e999999999"])
def test_numbers_that_are_not_finite_stay_so(text: str) -> None:
    assert not math.isfinite(plain_value(Decimal(text), "INT"))


@pytest.mark.parametrize(
    ("kind", "is_plain"),
    [
        ("INT", True), ("COMBO", True), ("INT,FLOAT", True), ("ANY", False), ("IMAGE", False),
        ("STRING,IMAGE", False), ("", False),
    ],
)  # fmt: skip
def test_a_type_is_plain_when_all_it_may_be_is(kind: str, is_plain: bool) -> None:
    assert is_plain_type(kind) is is_plain
