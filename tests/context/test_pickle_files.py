"""Standard pickle files from strangers: data of Python, numpy and torch is read, and no more."""

from __future__ import annotations

import collections
import datetime
import decimal
import importlib
import io
import pickle
from typing import Any

import numpy as np
import pytest
import torch
from custom_nodes.discomfort import errors
from custom_nodes.discomfort.context.pickle_files import read_pickle, write_pickle

UTC = datetime.timezone.utc
BUILTIN = [
    *(1, -(2**70), 1.5, 1 + 2j, "ä\ud800", b"a" * 300, bytearray(b"x"), None, True, ...),
    *((1, (2,)), {1: [2]}, {1, 2}, frozenset([1, (2, 3)]), range(3), slice(1, None)),
    *(decimal.Decimal("1.50"), collections.OrderedDict(a=1), collections.deque([1], 3)),
    *(collections.defaultdict(list, {1: [2]}), datetime.date(2026, 1, 2)),
    *(datetime.datetime(2026, 1, 2, tzinfo=UTC), datetime.timedelta(1, 2)),
]
ARRAYS = [
    *(np.arange(6).reshape(2, 3), np.asfortranarray(np.ones((2, 3), ">f4"))),
    *(np.array(["ab", "c"]), np.array([b"ab"]), np.zeros(0), np.zeros((2, 0)), np.array(5)),
    *(np.array([1, None, "x"]), np.array([(1, 2.0)], [("a", "i4"), ("b", ">f8")])),
    *(np.array(["2026-01-02"], "M8[D]"), np.array([5], "m8[3s]"), np.array([True])),
]
SCALARS = [np.float32(2), np.str_("a"), np.datetime64("2026-01-02"), np.dtype(">f4")]
TENSORS = [
    *(torch.arange(6).reshape(2, 3), torch.ones(3, 4).t(), torch.ones(0), torch.tensor(5.0)),
    *(torch.ones(2, dtype=torch.bfloat16), torch.ones(2, dtype=torch.float8_e4m3fn)),
    *(torch.ones(2, dtype=torch.uint16), torch.ones(2, requires_grad=True)),
    *(torch.nn.Parameter(torch.ones(2)), torch.eye(3).to_sparse(), torch.eye(3).to_sparse_csr()),
    *(torch.arange(10)[2:8:2], torch.ones(1).expand(5)),
]
OTHERS = [torch.float32, torch.device("cpu"), torch.Size([1, 2])]


def same(a: Any, b: Any) -> bool:
    if isinstance(a, torch.Tensor):
        a, b = (t.to_dense() if t.layout is not torch.strided else t.contiguous() for t in (a, b))
        raw = [t.detach().flatten().view(torch.uint8) for t in (a, b)]
        return a.dtype == b.dtype and a.shape == b.shape and torch.equal(*raw)
    if isinstance(a, np.ndarray):
        in_one_order = [v.dtype.newbyteorder("=") for v in (a, b)]  # numpy itself changes it
        return in_one_order[0] == in_one_order[1] and a.shape == b.shape and bool((a == b).all())
    return bool(a == b)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_data_is_read_as_it_was(tmp_path, protocol):
    read: Any = None
    values = [*BUILTIN, *ARRAYS, *SCALARS, *TENSORS, *OTHERS]
    for value in [*values, values]:
        path = tmp_path / "value.pkl"
        path.write_bytes(pickle.dumps(value, protocol))
        read = read_pickle(path, trusted=False)
        assert type(read) is type(value)
        if value is not values:
            assert same(value, read), (value, read)
    assert [type(v) for v in read] == [type(v) for v in values]


def test_nested_tensors_are_read(tmp_path):
    value = torch.nested.nested_tensor([torch.ones(2), torch.zeros(3, 1).flatten()])
    write_pickle(value, tmp_path / "n.pkl", True)
    read = read_pickle(tmp_path / "n.pkl", trusted=False)
    assert [t.tolist() for t in read.unbind()] == [[1, 1], [0, 0, 0]]


class Calls:
    def __init__(self, called: Any, *args: Any):
        self.called, self.args = called, args

    def __reduce__(self) -> Any:
        return self.called, self.args


class WithState(Calls):
    def __reduce__(self):
        return self.called, self.args[0], self.args[1]


MULTIARRAY: Any = importlib.import_module("numpy._core.multiarray")
NUMERIC: Any = importlib.import_module("numpy._core.numeric")
REBUILD: Any = importlib.import_module("torch._utils")
OBJECTS = np.dtype("O")
BEGIN = (np.ndarray, (0,), b"b")
FIELDS = {"a": (OBJECTS, 0)}
make_array, make_scalar = MULTIARRAY._reconstruct, MULTIARRAY.scalar
from_buffer, load_bytes = NUMERIC._frombuffer, torch.storage._load_from_bytes
FORGED = {
    "ndarray over pointers": Calls(np.ndarray, (1,), OBJECTS, b"A" * 8),
    "ndarray called": Calls(np.ndarray, (10**12,)),
    "frombuffer of objects": Calls(from_buffer, bytearray(8), OBJECTS, (1,), "C"),
    "scalar of objects": Calls(make_scalar, OBJECTS, b"A" * 8),
    "pointers as state": WithState(make_array, BEGIN, (1, (1,), OBJECTS, False, b"A" * 8)),
    "too few bytes": WithState(make_array, BEGIN, (1, (9,), np.dtype("f8"), False, b"A")),
    "forged dtype": WithState(
        np.dtype, ("V8", False, True), (3, "|", None, ("a",), FIELDS, 8, 1, 0)
    ),
    "dtype with flags": WithState(
        np.dtype, ("O8", False, True), (3, "|", (OBJECTS, (1,)), None, None, 8, 8, 0)
    ),
    "eval": Calls(eval, "1"),
    "getattr": Calls(getattr, 1, "real"),
    "torch.load": Calls(torch.load, "x"),
    "list of range": Calls(list, range(10**15)),
    "bytes": Calls(bytes, 10**12),
    "bytearray": Calls(bytearray, 10**12),
    "storage that is none": Calls(load_bytes, b"PK\x03\x04" * 20),
}


@pytest.mark.parametrize("name", FORGED)
@pytest.mark.parametrize("protocol", [2, 4, 5])
def test_what_would_run_code_or_forge_memory_is_refused(tmp_path, name, protocol):
    path = tmp_path / "evil.pkl"
    path.write_bytes(pickle.dumps([FORGED[name]], protocol))
    with pytest.raises((errors.UntrustedValueError, errors.CorruptValueError), match=r"evil\.pkl"):
        read_pickle(path, trusted=False)


@pytest.mark.parametrize(
    "shape", [((4,), (2,)), ((2,), (4,)), ((5,), (1,)), ((-1,), (1,)), ((2,), (-1,))]
)
def test_tensor_that_leads_out_of_its_storage_is_refused(tmp_path, shape):
    storage = torch.ones(4)._typed_storage()
    args = (storage, 0, *shape, False, collections.OrderedDict())
    path = tmp_path / "t.pkl"
    path.write_bytes(pickle.dumps(Calls(REBUILD._rebuild_tensor_v2, *args), 4))
    with pytest.raises(errors.CorruptValueError):
        read_pickle(path, trusted=False)


def test_what_is_cut_short_or_none_is_told(tmp_path):
    path = tmp_path / "cut.pkl"
    whole = pickle.dumps([torch.ones(3), np.ones(3), {"a": 1}])
    for end in range(0, len(whole) - 1, 7):
        path.write_bytes(whole[:end])
        with pytest.raises((errors.CorruptValueError, errors.UntrustedValueError)):
            read_pickle(path, trusted=False)


def test_parts_that_are_no_value_are_refused(tmp_path):
    buffer = io.BytesIO()
    torch.save(torch.ones(2)._typed_storage(), buffer, _use_new_zipfile_serialization=False)
    path = tmp_path / "part.pkl"
    for part in (Calls(torch.storage._load_from_bytes, buffer.getvalue()), np.ndarray):
        path.write_bytes(pickle.dumps([part], 4))
        with pytest.raises((errors.CorruptValueError, errors.UntrustedValueError)):
            read_pickle(path, trusted=False)
