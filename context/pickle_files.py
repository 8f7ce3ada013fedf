"""Values in and out as standard pickle files, which any Python with torch reads."""

from __future__ import annotations

import io
import pickle
from pathlib import Path
from typing import IO, Any

from ..errors import CorruptValueError, UntrustedValueError
from ..store.encoding.describe import SAFE_GLOBALS
from ..system.files import write_file

# What numpy and torch name in a plain pickle of arrays and tensors (numpy 1 and 2, torch 2).
_NUMPY = {
    ("multiarray", "_reconstruct"),
    ("multiarray", "scalar"),
    ("numeric", "_frombuffer"),
}
_TORCH = {
    ("torch", "Size"),
    ("torch", "device"),
    ("torch.serialization", "_get_layout"),
    ("torch._utils", "_rebuild_nested_tensor"),
    ("torch._utils", "_rebuild_parameter"),
    ("torch._utils", "_rebuild_sparse_tensor"),
    ("torch._utils", "_rebuild_tensor_v2"),
    ("torch._utils", "_rebuild_tensor_v3"),
}


def write_pickle(value: Any, path: Path, overwrite: bool) -> None:
    """Write a value with what any Python can read."""
    import cloudpickle

    def write(file: IO[bytes]) -> None:
        cloudpickle.dump(value, file, protocol=pickle.DEFAULT_PROTOCOL)

    path.parent.mkdir(parents=True, exist_ok=True)
    write_file(path, write, overwrite=overwrite, is_synced=True)


def read_pickle(path: Path, trusted: bool) -> Any:
    """The value in a pickle file.

    Raises:
        UntrustedValueError: it names code, and `trusted` is False.
        CorruptValueError: no pickle, or cut short.
    """
    with open(path, "rb") as file:
        unpickler = pickle.Unpickler(file) if trusted else _DataOnly(file)
        try:
            return unpickler.load()
        except (pickle.UnpicklingError, EOFError) as e:
            raise CorruptValueError(f"{path} can't be read as a pickle: {e}") from e


class _DataOnly(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        found = SAFE_GLOBALS.get((module, name))
        if found is not None:
            return found
        if (module, name) == ("torch.storage", "_load_from_bytes"):
            return _load_storage
        if (module, name) == ("_codecs", "encode"):
            return super().find_class(module, name)
        package, _, inner = module.partition(".")
        if package == "numpy":
            is_known = (inner.rpartition(".")[2], name) in _NUMPY and inner.startswith(
                ("_core.", "core.")
            )
            is_type = (module, name) in (("numpy", "ndarray"), ("numpy", "dtype"))
            is_dtype = module == "numpy.dtypes" and name.endswith("DType")
            if is_known or is_type or is_dtype:
                return super().find_class(module, name)
        if (module, name) in _TORCH or (package == "torch" and self._is_dtype(module, name)):
            return super().find_class(module, name)
        raise UntrustedValueError(
            f"The file names {module}.{name}, which could run code, and this context was opened "
            "with trusted=False. Nothing of it was stored."
        )

    def _is_dtype(self, module: str, name: str) -> bool:
        import torch

        return module == "torch" and isinstance(getattr(torch, name, None), torch.dtype)


def _load_storage(data: bytes) -> Any:
    import torch

    return torch.load(io.BytesIO(data), weights_only=True)
