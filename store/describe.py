"""Arrays, tensors, images as numbers, names and raw memory, and back. Used by `codec.py` only.

numpy, torch and Pillow are never imported to save (a value that needs them brought them along), and
only to rebuild what came from them.
"""

from __future__ import annotations

import collections
import datetime
import decimal
import sys
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

# What pickle writes by itself, without naming a class. The first test of every object, so it is a
# set of types.
PLAIN = frozenset(
    {int, float, str, bytes, bool, type(None), list, tuple, dict, set, frozenset, bytearray}
)
# What pickle names a class for, but whose class runs nothing that matters.
SAFE_TYPES = frozenset(
    {complex, range, slice, type(...), type(NotImplemented), collections.OrderedDict,
     collections.deque, collections.defaultdict, datetime.datetime, datetime.date, datetime.time,
     datetime.timedelta, datetime.timezone, decimal.Decimal, int, float, str, bytes, bool, list,
     tuple, dict, set, frozenset, bytearray}
)  # fmt: skip
SAFE_GLOBALS: dict[tuple[str, str], Any] = {
    **{(t.__module__, t.__qualname__): t for t in SAFE_TYPES},
    ("builtins", "Ellipsis"): ...,
    ("builtins", "NotImplemented"): NotImplemented,
}

PICKLE_BUFFER = (1 << 63) - 1  # storage numbers from here up are buffers that a class made itself


class Part(NamedTuple):
    """One raw buffer: bytes `first` to `first + nbytes` of a storage."""

    storage: int
    first: int
    nbytes: int
    data: Any  # a memoryview, or a uint8 tensor on another device


class Collector:
    """Describes the objects of one value while it is pickled, and gathers their memory."""

    def __init__(self) -> None:
        self._seen: dict[int, int] = {}
        self._keep: list[Any] = []  # ids and addresses stay valid as long as their objects
        self._parts: list[Part] = []
        self._storages: dict[tuple[str, int], int] = {}
        self._views: dict[int, list[tuple[int, int, Any]]] = {}
        self._next = 0
        self._pickle_buffers = 0

    def describe(self, obj: Any) -> tuple | None:
        """The persistent id of an object, or None where pickle is to take it."""
        seen = self._seen.get(id(obj))
        if seen is not None:
            return (seen,)
        described = self._described(obj)
        if described is None:
            return None
        number = self._seen[id(obj)] = len(self._seen)
        self._keep.append(obj)
        return (number, *described)

    def _described(self, obj: Any) -> tuple | None:
        root = type(obj).__module__.partition(".")[0]
        if root == "torch":
            return self._torch(obj)
        if root == "numpy":
            return self._numpy(obj)
        if root == "PIL":
            return self._image(obj)
        if type(obj).__name__ == "NestedTensor" and isinstance(getattr(obj, "tensors", None), list):
            return ("comfy_nested", list(obj.tensors))
        return None

    def _torch(self, obj: Any) -> tuple | None:
        torch: Any = sys.modules["torch"]
        kind = type(obj)
        if kind is torch.Tensor or kind is torch.nn.Parameter:
            return self._tensor(torch, obj)
        if kind is torch.dtype:
            return ("dtype", str(obj).removeprefix("torch."))
        if kind is torch.device:
            return ("device", str(obj))
        if kind is torch.Size:
            return ("size", tuple(obj))
        return None

    def _tensor(self, torch: Any, tensor: Any) -> tuple | None:
        grad = bool(tensor.requires_grad)
        is_parameter = type(tensor) is torch.nn.Parameter
        t = tensor.detach()
        if t.is_nested:
            return ("nested", list(t.unbind()), grad)
        if t.layout is torch.sparse_coo:
            parts = t.coalesce()
            return ("sparse_coo", parts.indices(), parts.values(), tuple(t.shape), grad)
        if t.layout is not torch.strided or t.is_quantized or t.device.type == "meta":
            return None
        t = t.resolve_conj().resolve_neg()
        if t.numel():
            size = t.element_size()
            span = (sum((n - 1) * s for n, s in zip(t.shape, t.stride(), strict=True)) + 1) * size
            if span > 2 * t.numel() * size + 4096:
                # A thin slice of something large: only the slice is stored.
                t = t.contiguous()
                span = t.numel() * size
            first = t.storage_offset() * size
            storage = self._storage(t, first, span)
        else:
            storage, first = -1, 0
        return (
            "tensor", storage, str(t.dtype).removeprefix("torch."), tuple(t.shape), t.stride(),
            first, grad, is_parameter, None if t.device.type == "cpu" else str(t.device),
        )  # fmt: skip

    def _storage(self, t: Any, first: int, span: int) -> int:
        key = (str(t.device), t.untyped_storage().data_ptr())
        number = self._storages.get(key)
        if number is None:
            number = self._storages[key] = self._next
            self._next += 1
        self._views.setdefault(number, []).append((first, first + span, t))
        return number

    def _numpy(self, obj: Any) -> tuple | None:
        np: Any = sys.modules["numpy"]
        if type(obj) in (np.ndarray, np.memmap):
            if obj.dtype.kind == "O":
                return ("object_array", obj.shape, list(obj.ravel()))
            descr = _descr(np, obj.dtype)
            if descr is None:
                return None
            order = "F" if obj.flags.f_contiguous and not obj.flags.c_contiguous else "C"
            array = np.asarray(obj, order=order)
            flat = array.ravel(order="K").view(np.uint8) if array.nbytes else None
            return ("array", self._raw(flat), descr, obj.shape, order)
        if isinstance(obj, np.generic):
            descr = _descr(np, obj.dtype)
            return None if descr is None else ("scalar", descr, obj.tobytes())
        if isinstance(obj, np.dtype):
            descr = _descr(np, obj)
            return None if descr is None else ("np_dtype", descr)
        return None

    def _image(self, obj: Any) -> tuple | None:
        image_module: Any = sys.modules.get("PIL.Image")
        if image_module is None or not isinstance(obj, image_module.Image):
            return None
        obj.load()
        palette = None
        if obj.palette is not None:
            palette = (obj.palette.mode, bytes(obj.getpalette(obj.palette.mode) or b""))
        info = {k: v for k, v in obj.info.items() if type(v) in PLAIN}
        return ("image", self._raw(obj.tobytes()), obj.mode, obj.size, palette, info)

    def _raw(self, data: Any) -> int:
        if data is None or not len(data):
            return -1
        number = self._next
        self._next += 1
        self._parts.append(Part(number, 0, len(data), memoryview(data)))
        return number

    def add_pickle_buffer(self, buffer: Any) -> None:
        raw = buffer.raw()
        self._parts.append(Part(PICKLE_BUFFER + self._pickle_buffers, 0, raw.nbytes, raw))
        self._pickle_buffers += 1

    def parts(self) -> list[Part]:
        """The memory to write. Views that overlap share one buffer, so they still share it when
        loaded."""
        parts = list(self._parts)
        for storage, views in self._views.items():
            for first, end, t in _joined(views):
                parts.append(Part(storage, first, end - first, _bytes_of(t, first, end - first)))
        return parts


def _joined(views: Sequence[tuple[int, int, Any]]) -> list[tuple[int, int, Any]]:
    """Overlapping ranges made one."""
    joined: list[tuple[int, int, Any]] = []
    for first, end, t in sorted(views, key=lambda v: v[0]):
        if joined and first < joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]), joined[-1][2])
        else:
            joined.append((first, end, t))
    return joined


def _bytes_of(t: Any, first: int, nbytes: int) -> Any:
    """Bytes of a tensor's storage: a memoryview, or a uint8 tensor where the CPU can't read it."""
    torch: Any = sys.modules["torch"]
    raw = torch.empty(0, dtype=torch.uint8, device=t.device)
    raw.set_(t.untyped_storage(), first, (nbytes,), (1,))
    return memoryview(raw.numpy()) if t.device.type == "cpu" else raw


def _descr(np: Any, dtype: Any) -> Any:
    """The dtype as text or a list of fields; None where numpy alone can't read it back."""
    if dtype.hasobject:
        return None
    descr = dtype.str if dtype.names is None else np.lib.format.dtype_to_descr(dtype)
    try:
        return descr if _dtype(np, descr) == dtype else None
    except (TypeError, ValueError):
        return None


def _dtype(np: Any, descr: Any) -> Any:
    return np.dtype(descr) if isinstance(descr, str) else np.lib.format.descr_to_dtype(descr)


class Rebuilder:
    """Turns persistent ids back into objects that lie in the block."""

    def __init__(self, parts: dict[int, list[tuple[int, memoryview]]]):
        self._parts = parts
        self._made: dict[int, Any] = {}
        self._storages: dict[tuple[int, int], Any] = {}

    def __call__(self, pid: Any) -> Any:
        number, *described = pid
        if not described:
            return self._made[number]
        kind, *args = described
        made = self._made[number] = _REBUILD[kind](self, *args)
        return made

    def pickle_buffers(self) -> list[memoryview]:
        numbers = sorted(n for n in self._parts if n >= PICKLE_BUFFER)
        return [self._parts[n][0][1] for n in numbers]

    def bytes_of(self, storage: int) -> memoryview:
        return memoryview(b"") if storage < 0 else self._parts[storage][0][1]

    def tensor(
        self, storage: int, dtype: str, shape: tuple, stride: tuple, first: int, grad: bool,
        is_parameter: bool, device: str | None,
    ) -> Any:  # fmt: skip
        import torch

        kind = _torch_dtype(torch, dtype)
        if storage < 0:
            t = torch.empty_strided(shape, stride, dtype=kind)
        else:
            start, memory = self._torch_storage(torch, storage, first)
            offset = (first - start) // kind.itemsize
            t = torch.empty(0, dtype=kind).set_(memory, offset, shape, stride)
        if device is not None and _has_device(torch, device):
            t = t.to(device)
        if is_parameter:
            return torch.nn.Parameter(t, requires_grad=grad)
        return t.requires_grad_() if grad else t

    def _torch_storage(self, torch: Any, storage: int, first: int) -> tuple[int, Any]:
        for start, view in self._parts[storage]:
            if start <= first < start + len(view):
                memory = self._storages.get((storage, start))
                if memory is None:
                    memory = torch.frombuffer(view, dtype=torch.uint8).untyped_storage()
                    self._storages[storage, start] = memory
                return start, memory
        raise KeyError(f"byte {first} of storage {storage} is not in the table")

    def array(self, storage: int, descr: Any, shape: tuple, order: Any) -> Any:
        import numpy as np

        return np.ndarray(shape, _dtype(np, descr), self._writable(storage), order=order)

    def _writable(self, storage: int) -> Any:
        return None if storage < 0 else self._parts[storage][0][1]

    def object_array(self, shape: tuple, items: list) -> Any:
        import numpy as np

        flat = np.empty(len(items), dtype=object)
        for i, item in enumerate(items):
            flat[i] = item
        return flat.reshape(shape)

    def scalar(self, descr: Any, data: bytes) -> Any:
        import numpy as np

        return np.frombuffer(data, _dtype(np, descr))[0]

    def np_dtype(self, descr: Any) -> Any:
        import numpy as np

        return _dtype(np, descr)

    def image(self, storage: int, mode: str, size: tuple, palette: Any, info: dict) -> Any:
        from PIL import Image

        image = Image.frombytes(mode, size, bytes(self.bytes_of(storage)))
        if palette is not None:
            image.putpalette(palette[1], palette[0])
        image.info.update(info)
        return image

    def dtype(self, name: str) -> Any:
        import torch

        return _torch_dtype(torch, name)

    def device(self, name: str) -> Any:
        import torch

        return torch.device(name)

    def size(self, shape: tuple) -> Any:
        import torch

        return torch.Size(shape)

    def nested(self, tensors: list, grad: bool) -> Any:
        import torch

        return torch.nested.as_nested_tensor(tensors).requires_grad_(grad)

    def sparse_coo(self, indices: Any, values: Any, shape: tuple, grad: bool) -> Any:
        import torch

        t = torch.sparse_coo_tensor(
            indices, values, shape, check_invariants=True, is_coalesced=True
        )
        return t.requires_grad_(grad)

    def comfy_nested(self, tensors: list) -> Any:
        module: Any = sys.modules.get("comfy.nested_tensor")
        return (module.NestedTensor if module else NestedTensor)(tensors)


_REBUILD: dict[str, Callable[..., Any]] = {
    name: getattr(Rebuilder, name)
    for name in ("tensor", "array", "object_array", "scalar", "np_dtype", "image", "dtype",
                 "device", "size", "nested", "sparse_coo", "comfy_nested")
}  # fmt: skip


def _torch_dtype(torch: Any, name: str) -> Any:
    kind = getattr(torch, name, None)
    if not isinstance(kind, torch.dtype):
        raise KeyError(f"torch {torch.__version__} has no dtype {name}")
    return kind


def _has_device(torch: Any, device: str) -> bool:
    kind, _, index = device.partition(":")
    module = getattr(torch, kind, None)
    try:
        return (
            module is not None and module.is_available() and int(index or 0) < module.device_count()
        )
    except (AttributeError, RuntimeError):
        return False


class NestedTensor:
    """Stands in for ComfyUI's `comfy.nested_tensor.NestedTensor` (0.33: a list of tensors under one
    name, as video latents with sound have) in a process without ComfyUI. Saved again it is
    ComfyUI's."""

    def __init__(self, tensors: list):
        self.tensors = list(tensors)
        self.is_nested = True

    def unbind(self) -> list:
        return self.tensors
