"""Arrays, tensors and images as numbers, names and raw memory. `rebuild.py` is the way back.

Used by `picklers.py` only, but for the list of safe classes. numpy, torch and Pillow are never
imported to save: a value that needs them brought them along.
"""

from __future__ import annotations

import collections
import ctypes
import datetime
import decimal
import sys
from collections.abc import Sequence
from typing import Any, NamedTuple

# What pickle writes by itself, without naming a class. The first test of every object, so it is a
# set of types.
PLAIN = frozenset(
    {int, float, str, bytes, bool, type(None), list, tuple, dict, set, frozenset, bytearray}
)
# What pickle names a class for, but whose class runs nothing that matters.
SAFE_TYPES = frozenset(
    {
        *(int, float, complex, str, bytes, bytearray, bool),
        *(list, tuple, dict, set, frozenset, range, slice),
        *(type(...), type(NotImplemented), decimal.Decimal),
        *(collections.OrderedDict, collections.deque, collections.defaultdict),
        *(datetime.datetime, datetime.date, datetime.time, datetime.timedelta, datetime.timezone),
    }
)
SAFE_GLOBALS: dict[tuple[str, str], Any] = {
    **{(t.__module__, t.__qualname__): t for t in SAFE_TYPES},
    ("builtins", "Ellipsis"): ...,
    ("builtins", "NotImplemented"): NotImplemented,
}

_PLAIN_KINDS = frozenset("biufcSUVmM")  # of numpy dtypes
_MOST_DESCR = 10_000

_view_memory = ctypes.pythonapi.PyMemoryView_FromMemory
_view_memory.argtypes = (ctypes.c_void_p, ctypes.c_ssize_t, ctypes.c_int)
_view_memory.restype = ctypes.py_object
_READ_ONLY = 0x100  # PyBUF_READ

PICKLE_BUFFER = (1 << 63) - 1  # storage numbers from here up are buffers that a class made itself


class Part(NamedTuple):
    """One raw buffer: bytes `first` to `first + nbytes` of a storage."""

    storage: int
    first: int
    nbytes: int
    data: Any  # a memoryview, or a uint8 tensor on another device


class AsTensor:
    """An array that is stored as the float32 tensor that it stands for, where there is no torch."""

    __slots__ = ("array",)

    def __init__(self, array: Any):
        self.array = array


class Collector:
    """Describes the objects of one value while it is pickled, and gathers their memory."""

    def __init__(self) -> None:
        self._seen: dict[int, int] = {}
        self._keep: list[Any] = []  # ids and addresses stay valid as long as their objects
        self._parts: list[Part] = []
        self._storages: dict[tuple[str | None, int], int] = {}
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
        if type(obj) is AsTensor:
            return self._as_tensor(obj.array)
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
        grad, is_parameter = tensor.requires_grad, type(tensor) is torch.nn.Parameter
        t = tensor.detach() if grad or is_parameter else tensor
        if t.is_nested:
            return ("nested", list(t.unbind()), grad)
        if t.layout is torch.sparse_coo:
            parts = t.coalesce()
            return ("sparse_coo", parts.indices(), parts.values(), tuple(t.shape), grad)
        if t.layout is not torch.strided or t.is_quantized or t.is_meta:
            return None
        if t.is_conj() or t.is_neg():
            t = t.resolve_conj().resolve_neg()
        stride = None if t.is_contiguous() else t.stride()
        if stride and _span(t) > 2 * t.nbytes + 4096:
            t, stride = t.contiguous(), None  # a thin slice of something large: only the slice
        device = None if t.is_cpu else str(t.device)
        storage, first = -1, 0
        if t.numel():
            first = t.storage_offset() * t.element_size()
            storage = self._storage(t, device, first, _span(t) if stride else t.nbytes)
        base = ("tensor", storage, str(t.dtype).removeprefix("torch."), tuple(t.shape))
        more = (stride, first, grad, is_parameter, device)
        # pickle asks about each number: most tensors need none of the latter.
        return base if more == (None, 0, False, False, None) else base + more

    def _as_tensor(self, array: Any) -> tuple:
        np: Any = sys.modules["numpy"]
        array = np.ascontiguousarray(array, np.float32)
        flat = array.reshape(-1).view(np.uint8) if array.nbytes else None
        return ("tensor", self._raw(flat), "float32", array.shape)

    def _storage(self, t: Any, device: str | None, first: int, span: int) -> int:
        key = (device, t.data_ptr() - first)
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
        """The memory to write. Views that overlap share one buffer, and still do when loaded."""
        parts = list(self._parts)
        for storage, views in self._views.items():
            for first, end, t in _joined(views):
                parts.append(Part(storage, first, end - first, _bytes_of(t, first, end - first)))
        return parts


def _joined(views: Sequence[tuple[int, int, Any]]) -> list[tuple[int, int, Any]]:
    """Overlapping ranges made one; each with the tensor that begins it."""
    if len(views) == 1:
        return list(views)
    joined: list[tuple[int, int, Any]] = []
    for first, end, t in sorted(views, key=lambda v: v[0]):
        if joined and first < joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]), joined[-1][2])
        else:
            joined.append((first, end, t))
    return joined


def _span(t: Any) -> int:
    """How many bytes lie between the first and the last element of a strided tensor."""
    last = sum((n - 1) * step for n, step in zip(t.shape, t.stride(), strict=True))
    return (last + 1) * t.element_size() if t.numel() else 0


def _bytes_of(t: Any, first: int, nbytes: int) -> Any:
    """Bytes of a tensor's storage: a memoryview, or a uint8 tensor where the CPU can't read it.

    Args:
        first: where `t` begins in its storage. The view does not keep `t` alive.
    """
    if t.is_cpu:
        # By address: whatever the dtype, and a fifth of the time that torch takes to show bytes.
        return _view_memory(t.data_ptr(), nbytes, _READ_ONLY)
    torch: Any = sys.modules["torch"]
    raw = torch.empty(0, dtype=torch.uint8, device=t.device)
    return raw.set_(t.untyped_storage(), first, (nbytes,), (1,))


def _descr(np: Any, dtype: Any) -> Any:
    """The dtype as text or a list of fields; None where numpy alone can't read it back."""
    if dtype.hasobject:
        return None
    descr = dtype.str if dtype.names is None else np.lib.format.dtype_to_descr(dtype)
    try:
        return descr if numpy_dtype(np, descr) == dtype else None
    except (TypeError, ValueError):
        return None


def numpy_dtype(np: Any, descr: Any) -> Any:
    """The dtype that `_descr` described.

    Raises:
        ValueError: its elements are no numbers, texts or times, but lead elsewhere in memory.
    """
    if isinstance(descr, str):
        found = np.dtype(descr[:_MOST_DESCR])
    else:
        found = np.lib.format.descr_to_dtype(descr)
    if not is_plain_dtype(found):
        raise ValueError(f"{found} is no dtype of raw bytes")
    return found


def is_plain_dtype(dtype: Any) -> bool:
    """Whether raw bytes may be taken for elements of it: whatever they are, none is a pointer."""
    return dtype.kind in _PLAIN_KINDS and not dtype.hasobject
