"""Tensors in standard pickle files, made as torch makes them, from nothing but numbers and bytes.

A storage is a file in torch's old format inside of the pickle: four pickles, then the bytes. Used
by `pickle_files.py` for what is not trusted.
"""

from __future__ import annotations

import struct
from collections import OrderedDict
from typing import Any, NamedTuple

from ..store.encoding.data_calls import Callee, NotData
from ..store.encoding.data_limits import Budget, HashCosts, Unfinished
from ..store.encoding.data_reader import OlderReader
from ..store.encoding.rebuild_checks import (
    check_device,
    check_parts,
    check_shape,
    check_strides,
    check_torch_dtype,
)

_MAGIC, _PROTOCOL = 0x1950A86A20F9469CFC6C, 1001  # torch/serialization.py, of the old format
_STORAGES = {
    "DoubleStorage": "float64",
    "FloatStorage": "float32",
    "HalfStorage": "float16",
    "BFloat16Storage": "bfloat16",
    "LongStorage": "int64",
    "IntStorage": "int32",
    "ShortStorage": "int16",
    "CharStorage": "int8",
    "ByteStorage": "uint8",
    "BoolStorage": "bool",
    "ComplexDoubleStorage": "complex128",
    "ComplexFloatStorage": "complex64",
    "UntypedStorage": "uint8",
}
_LAYOUTS = ("sparse_coo", "sparse_csr", "sparse_csc", "sparse_bsr", "sparse_bsc")


class _Storage(Unfinished):
    """The bytes of a storage, on the CPU wherever they were, and what they are taken for."""

    def __init__(self, memory: Any, dtype: str):
        self.memory, self.dtype = memory, dtype


class _Kind(Unfinished):
    """A class of storages, by the dtype of its elements."""

    def __init__(self, dtype: str):
        self.dtype = dtype


class _Layout(Unfinished):
    """A layout of sparse tensors."""

    def __init__(self, name: str):
        self.name = name


class TensorMaker:
    """Makes the tensors of one file.

    Args:
        budget: of the file.
    """

    def __init__(self, budget: Budget):
        self._budget = budget

    def find(self, module: str, name: str) -> Any:
        """What a name of torch's means, if tensors are made with it."""
        calls = {
            ("torch", "Size"): _size,
            ("torch", "device"): _device,
            ("torch.storage", "_load_from_bytes"): self._storage,
            ("torch.serialization", "_get_layout"): _layout,
            ("torch._utils", "_rebuild_tensor_v2"): _tensor,
            ("torch._utils", "_rebuild_tensor_v3"): _tensor_of,
            ("torch._utils", "_rebuild_parameter"): _parameter,
            ("torch._utils", "_rebuild_sparse_tensor"): _sparse,
            ("torch._utils", "_rebuild_nested_tensor"): _nested,
        }
        if (module, name) in calls:
            return Callee(f"{module}.{name}", calls[module, name])
        if module != "torch" or not name.isidentifier():
            return None
        import torch

        found = getattr(torch, name, None)
        return found if isinstance(found, torch.dtype) else None

    def _storage(self, args: tuple, _: HashCosts) -> _Storage:
        import torch

        if len(args) != 1 or type(args[0]) is not bytes:
            raise NotData
        data = memoryview(args[0])
        reader = OlderReader(data, _record, find=_find_storage, budget=self._budget)
        head = reader.read(), reader.read(), reader.read()
        record, keys = reader.read(), reader.read()
        is_known = head[:2] == (_MAGIC, _PROTOCOL) and head[2].get("little_endian") is True
        if not is_known or type(record) is not _Record or keys != [record.key]:
            raise NotData
        dtype = check_torch_dtype(torch, record.dtype)
        (count,) = struct.unpack("<q", data[reader.at : reader.at + 8])
        raw = bytearray(data[reader.at + 8 :])
        if count != record.elements or len(raw) != count * dtype.itemsize:
            raise NotData
        memory = torch.frombuffer(raw, dtype=torch.uint8) if raw else torch.empty(0, dtype=dtype)
        return _Storage(memory.untyped_storage(), record.dtype)


class _Record(NamedTuple):
    """What the old format says of a storage."""

    dtype: str
    key: str
    elements: int


def _record(pid: Any) -> _Record:
    word, kind, key, _, count, view = pid
    if word != "storage" or type(kind) is not _Kind or type(key) is not str or view is not None:
        raise NotData
    if type(count) is not int:
        raise NotData
    return _Record(kind.dtype, key, count)


def _find_storage(module: str, name: str) -> _Kind | None:
    dtype = _STORAGES.get(name) if module in ("torch", "torch.storage") else None
    return None if dtype is None else _Kind(dtype)


def _tensor(args: tuple, _: HashCosts) -> Any:
    storage, first, shape, stride, grad, hooks, *metadata = args
    _check_none(hooks, metadata)
    return _made(storage, storage.dtype, first, shape, stride, grad)


def _tensor_of(args: tuple, _: HashCosts) -> Any:
    storage, first, shape, stride, grad, hooks, dtype, *metadata = args
    _check_none(hooks, metadata)
    return _made(storage, str(dtype).removeprefix("torch."), first, shape, stride, grad)


def _check_none(hooks: Any, metadata: list[Any]) -> None:
    if type(hooks) is not OrderedDict or hooks or any(m is not None for m in metadata):
        raise NotData


def _made(storage: Any, dtype: str, first: Any, shape: Any, stride: Any, grad: Any) -> Any:
    import torch

    if type(storage) is not _Storage or type(first) is not int or type(grad) is not bool:
        raise NotData
    kind, memory = check_torch_dtype(torch, dtype), storage.memory
    start = first * kind.itemsize
    check_strides(tuple(shape), tuple(stride), start, memory.nbytes(), kind.itemsize, True)
    made = torch.empty(0, dtype=kind).set_(memory, first, tuple(shape), tuple(stride))
    return made.requires_grad_(grad)


def _parameter(args: tuple, _: HashCosts) -> Any:
    import torch

    data, grad, hooks = args
    _check_none(hooks, [])
    if not isinstance(data, torch.Tensor) or type(grad) is not bool:
        raise NotData
    return torch.nn.Parameter(data, requires_grad=grad)


def _layout(args: tuple, _: HashCosts) -> _Layout:
    name = args[0].removeprefix("torch.") if args and type(args[0]) is str else ""
    if name not in _LAYOUTS:
        raise NotData
    return _Layout(name)


def _sparse(args: tuple, _: HashCosts) -> Any:
    import torch

    layout, (*tensors, shape) = args[0], [a for a in args[1] if type(a) is not bool]
    if type(layout) is not _Layout:
        raise NotData
    check_shape(shape)
    check_parts(torch, tensors)
    if layout.name == "sparse_coo":
        indices, values = tensors
        return torch.sparse_coo_tensor(indices, values, shape, check_invariants=True).coalesce()
    kind = getattr(torch, layout.name)
    compressed, plain, values = tensors
    return torch.sparse_compressed_tensor(
        compressed, plain, values, shape, layout=kind, check_invariants=True
    )


def _nested(args: tuple, _: HashCosts) -> Any:
    import torch

    buffer, sizes, strides, offsets = args
    check_parts(torch, args)
    parts = []
    for size, stride, offset in zip(
        sizes.tolist(), strides.tolist(), offsets.tolist(), strict=True
    ):
        check_strides(tuple(size), tuple(stride), offset, buffer.numel(), 1, True)
        parts.append(buffer.detach().as_strided(size, stride, offset))
    return torch.nested.as_nested_tensor(parts)


def _size(args: tuple, _: HashCosts) -> Any:
    import torch

    if len(args) != 1:
        raise NotData
    check_shape(args[0])
    return torch.Size(args[0])


def _device(args: tuple, _: HashCosts) -> Any:
    import torch

    name, *index = args
    if any(type(i) is not int for i in index) or len(index) > 1:
        raise NotData
    return torch.device(check_device(name), *index)
