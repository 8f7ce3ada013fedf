"""Arrays, tensors and images again, from what `describe.py` wrote of them.

Used by `picklers.py` only. numpy, torch and Pillow are imported to rebuild what came from them,
and never else.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

from .describe import PICKLE_BUFFER, numpy_dtype
from .rebuild_checks import (
    check_array,
    check_device,
    check_image,
    check_parts,
    check_shape,
    check_strides,
    check_torch_dtype,
    find_torch_dtype,
)


class _Tensor(NamedTuple):
    """What `describe` says of a tensor; most have none of the latter half."""

    storage: int
    dtype: str
    shape: tuple
    stride: tuple | None = None  # None: contiguous
    first: int = 0  # byte within the storage
    grad: bool = False
    is_parameter: bool = False
    device: str | None = None


class Rebuilder:
    """Turns persistent ids back into objects that lie in the block.

    Args:
        is_bounded: the block may be a stranger's: nothing may seem to be much more than it is.
    """

    def __init__(self, parts: dict[int, list[tuple[int, memoryview]]], is_bounded: bool = False):
        self._parts, self._is_bounded = parts, is_bounded
        self._made: dict[int, Any] = {}
        self._storages: dict[tuple[int, int], Any] = {}

    def __call__(self, pid: Any) -> Any:
        number, *described = pid
        if type(number) is not int:
            raise ValueError("a part has a number")
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

    def tensor(self, *described: Any) -> Any:
        import torch

        about = _Tensor(*described)
        t = self._plain_tensor(torch, about)
        if about.device is not None and _has_device(torch, check_device(about.device)):
            t = t.to(about.device)
        if about.is_parameter:
            return torch.nn.Parameter(t, requires_grad=about.grad)
        return t.requires_grad_() if about.grad else t

    def _plain_tensor(self, torch: Any, about: _Tensor) -> Any:
        """On the CPU, without a gradient."""
        storage, _, shape, stride, first, *_ = about
        kind = check_torch_dtype(torch, about.dtype)
        if storage < 0:
            check_array(shape, kind.itemsize, 0)
            return torch.empty(shape, dtype=kind)
        check_shape(shape)
        if stride is None and (whole := self._whole(storage, first, shape, kind)) is not None:
            t = torch.frombuffer(whole, dtype=kind)
            self._storages[storage, first] = t.untyped_storage()
            return t if len(shape) == 1 else t.view(shape)
        start, memory = self._torch_storage(torch, storage, first)
        stride = _steps(shape) if stride is None else stride
        at, size = first - start, memory.nbytes()
        check_strides(shape, stride, at, size, kind.itemsize, self._is_bounded)
        return torch.empty(0, dtype=kind).set_(memory, at // kind.itemsize, shape, stride)

    def _whole(self, storage: int, first: int, shape: tuple, kind: Any) -> memoryview | None:
        """The buffer of a storage, if a contiguous tensor fills it: half the time of a view."""
        buffers = self._parts[storage]
        start, view = buffers[0]
        is_whole = len(buffers) == 1 and start == first and (storage, start) not in self._storages
        return view if is_whole and len(view) == math.prod(shape) * kind.itemsize else None

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

        dtype, data = numpy_dtype(np, descr), self.bytes_of(storage)
        check_array(shape, dtype.itemsize, len(data))
        return np.ndarray(shape, dtype, data if storage >= 0 else None, order=order)

    def object_array(self, shape: tuple, items: list) -> Any:
        import numpy as np

        check_array(shape, 1, len(items))
        flat = np.empty(len(items), dtype=object)
        for i, item in enumerate(items):
            flat[i] = item
        return flat.reshape(shape)

    def scalar(self, descr: Any, data: bytes) -> Any:
        import numpy as np

        return np.frombuffer(data, numpy_dtype(np, descr))[0]

    def np_dtype(self, descr: Any) -> Any:
        import numpy as np

        return numpy_dtype(np, descr)

    def image(self, storage: int, mode: str, size: tuple, palette: Any, info: dict) -> Any:
        from PIL import Image

        data = self.bytes_of(storage)
        check_image(mode, size, len(data), self._is_bounded)
        image = Image.frombytes(mode, size, bytes(data))
        if palette is not None:
            image.putpalette(palette[1], palette[0])
        image.info.update(info)
        return image

    def dtype(self, name: str) -> Any:
        import torch

        return find_torch_dtype(torch, name)

    def device(self, name: str) -> Any:
        import torch

        return torch.device(check_device(name))

    def size(self, shape: tuple) -> Any:
        import torch

        check_shape(shape)
        return torch.Size(shape)

    def nested(self, tensors: list, grad: bool) -> Any:
        import torch

        if self._is_bounded:
            check_parts(torch, tensors)
        return torch.nested.as_nested_tensor(tensors).requires_grad_(grad)

    def sparse_coo(self, indices: Any, values: Any, shape: tuple, grad: bool) -> Any:
        import torch

        check_shape(shape)
        if self._is_bounded:
            check_parts(torch, (indices, values))
        t = torch.sparse_coo_tensor(
            indices, values, shape, check_invariants=True, is_coalesced=not self._is_bounded
        )
        return t.coalesce().requires_grad_(grad)

    def comfy_nested(self, tensors: list) -> Any:
        module: Any = sys.modules.get("comfy.nested_tensor")
        return (module.NestedTensor if module else NestedTensor)(tensors)


# By the word that `describe` wrote; none that a block could name is called but these.
_REBUILD: dict[str, Callable[..., Any]] = {
    "tensor": Rebuilder.tensor,
    "array": Rebuilder.array,
    "object_array": Rebuilder.object_array,
    "scalar": Rebuilder.scalar,
    "np_dtype": Rebuilder.np_dtype,
    "image": Rebuilder.image,
    "dtype": Rebuilder.dtype,
    "device": Rebuilder.device,
    "size": Rebuilder.size,
    "nested": Rebuilder.nested,
    "sparse_coo": Rebuilder.sparse_coo,
    "comfy_nested": Rebuilder.comfy_nested,
}


def _steps(shape: tuple) -> tuple:
    """The strides of a contiguous tensor."""
    return tuple(math.prod(shape[i + 1 :]) for i in range(len(shape)))


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
