"""The {"type", "content"} form of values."""

from __future__ import annotations

import json

import numpy
import pytest
import torch
from custom_nodes.discomfort.values.json_form import deserialize, serialize


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        3,
        2.5,
        "text",
        b"\x00\xff",
        [],
        (1, [2.0, None], "x"),
        {"a": 1, 2: (3,), (4, 5): {"b": []}},
    ],
)
def test_a_value_comes_back_as_it_was(value):
    back = deserialize(json.loads(json.dumps(serialize(value))))
    assert back == value and type(back) is type(value)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float8_e4m3fn, torch.bool])
@pytest.mark.parametrize("shape", [(2, 3), (), (0, 4)])
def test_a_tensor_comes_back_as_it_was(dtype, shape):
    tensor = torch.ones(shape).to(dtype)
    back = deserialize(json.loads(json.dumps(serialize(tensor))))
    assert back.dtype == dtype and back.shape == tensor.shape
    assert torch.equal(back.float(), tensor.float())


def test_a_view_and_an_array_come_back_as_they_were():
    tensor = torch.arange(12).reshape(3, 4).T[::2]
    assert torch.equal(deserialize(serialize(tensor)), tensor)
    array = numpy.arange(6, dtype=">i2").reshape(2, 3)[:, ::2]
    back = deserialize(serialize(array))
    assert numpy.array_equal(back, array) and back.dtype == array.dtype
    back[0, 0] = 9


def test_what_has_no_form_is_named():
    with pytest.raises(TypeError, match="object"):
        serialize(object())
    with pytest.raises(TypeError, match="Python objects"):
        serialize(numpy.array([object()]))


@pytest.mark.parametrize("form", [None, 3, {}, {"type": "INT"}, {"type": "NEW", "content": 1}])
def test_what_is_not_the_form_is_refused(form):
    with pytest.raises(ValueError):
        deserialize(form)
