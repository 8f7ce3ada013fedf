"""Values in and out as standard pickle files, which any Python with torch reads."""

from __future__ import annotations

import contextlib
import errno
import io
import json
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from ..errors import CorruptValueError, UntrustedValueError
from ..store.encoding import describe

# What numpy and torch name in a plain pickle of arrays and tensors (numpy 1 and 2, torch 2).
_NUMPY = {
    ("multiarray", "_reconstruct"), ("multiarray", "scalar"), ("numeric", "_frombuffer"),
}  # fmt: skip
_TORCH = {
    ("torch._utils", "_rebuild_tensor_v2"), ("torch._utils", "_rebuild_parameter"),
    ("torch._utils", "_rebuild_sparse_tensor"), ("torch._utils", "_rebuild_nested_tensor"),
    ("torch._utils", "_rebuild_tensor_v3"), ("torch.serialization", "_get_layout"),
    ("torch", "Size"), ("torch", "device"),
}  # fmt: skip


def write_pickle(value: Any, path: Path, overwrite: bool) -> None:
    """Write a value with what any Python can read."""
    import cloudpickle

    write_file(
        path, lambda f: cloudpickle.dump(value, f, protocol=pickle.DEFAULT_PROTOCOL), overwrite
    )


def read_json(path: Path) -> Any:
    """What is in a JSON file.

    Raises:
        CorruptValueError: it is none.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as e:
        raise CorruptValueError(f"{path} can't be read as JSON: {e}") from e
    except RecursionError as e:
        raise CorruptValueError(f"{path} can't be read: it is nested too deeply.") from e


def check_free(path: Path, overwrite: bool) -> None:
    """Raises FileExistsError if the file is there and may not be replaced, IsADirectoryError for a
    folder.
    """
    if path.is_dir():
        raise IsADirectoryError(
            errno.EISDIR, "This is a folder; name a file in it to write to", str(path)
        )
    if path.exists() and not overwrite:
        raise FileExistsError(
            errno.EEXIST, "The file exists; pass overwrite=True to replace it", str(path)
        )


def write_file(path: Path, write: Callable[[IO[bytes]], Any], overwrite: bool) -> None:
    """Write beside the target and move it there whole. Its folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        with open(temporary, "xb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        if overwrite:
            os.replace(temporary, path)
        else:
            _move_to_new(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise


def _move_to_new(source: Path, path: Path) -> None:
    """Rename, but never over a file that appeared meanwhile (POSIX renames over anything)."""
    if os.name == "nt":
        os.rename(source, path)
        return
    try:
        os.link(source, path)
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        os.rename(source, path)
        return
    os.unlink(source)


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
        found = describe.SAFE_GLOBALS.get((module, name))
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
            "with "
            "trusted=False. Nothing of it was stored."
        )

    def _is_dtype(self, module: str, name: str) -> bool:
        import torch

        return module == "torch" and isinstance(getattr(torch, name, None), torch.dtype)


def _load_storage(data: bytes) -> Any:
    import torch

    return torch.load(io.BytesIO(data), weights_only=True)
