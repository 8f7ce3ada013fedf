"""The pickle stream of a value: written and read with and without code. Used by `codec.py` only.

Arrays, tensors and images leave the stream as persistent ids (numbers and names only). So a value
of builtins, numpy and torch needs no code to be read; anything else goes through cloudpickle.
"""

from __future__ import annotations

import io
import pickle
import sys
from collections.abc import Callable
from typing import Any

from ...errors import UntrustedValueError
from . import describe, pickle_quirks
from .rebuild import Rebuilder

_SMALL_STREAM = 64 * 1024  # up to here a copy of the stream costs less than reads from a view


class NeedsCode(Exception):
    """The value has an object that only its own code can rebuild."""


class Pieces(list):
    """What the pickler writes to. Large `bytes` arrive uncopied."""

    write = list.append


class _DataPickler(pickle.Pickler):
    """Takes builtins and what `describe` knows, and refuses the rest."""

    def __init__(self, file: Any):
        super().__init__(file, protocol=5)
        self.buffers = describe.Collector()

    def persistent_id(self, obj: Any) -> Any:
        return None if type(obj) in describe.PLAIN else self.buffers.describe(obj)

    def reducer_override(self, obj: Any) -> Any:
        if type(obj) in describe.SAFE_TYPES or (
            isinstance(obj, type) and obj in describe.SAFE_TYPES
        ):
            return NotImplemented
        if isinstance(obj, dict):  # one that is written as a plain one, as what a run gives is
            reduced = obj.__reduce_ex__(pickle.HIGHEST_PROTOCOL)
            if isinstance(reduced, tuple) and reduced[0] is dict:
                return reduced
        raise NeedsCode


def dump_data(value: Any) -> tuple[Pieces, describe.Collector]:
    """The stream and the raw memory of a value of builtins, numpy and torch.

    Raises:
        NeedsCode: it has another object in it.
    """
    stream = Pieces()
    pickler = _DataPickler(stream)
    pickler.dump(value)
    return stream, pickler.buffers


def dump_with_code(value: Any) -> tuple[Pieces, describe.Collector]:
    """The stream and the raw memory of any value that cloudpickle can take."""
    import cloudpickle

    class CodePickler(cloudpickle.Pickler):
        def persistent_id(self, obj: Any) -> Any:
            if type(obj) in describe.PLAIN:
                return None
            return pickle_quirks.describe(obj) or buffers.describe(obj)

        def reducer_override(self, obj: Any) -> Any:
            return pickle_quirks.reduce(obj) or super().reducer_override(obj)

    stream, buffers = Pieces(), describe.Collector()
    CodePickler(stream, protocol=5, buffer_callback=buffers.add_pickle_buffer).dump(value)
    return stream, buffers


def make_unpickler(
    stream: memoryview, parts: dict[int, list[tuple[int, memoryview]]], is_safe: bool
) -> pickle.Unpickler:
    """What reads the stream of a block, with the raw buffers of each storage.

    Args:
        is_safe: the value says of itself that it needs no code: then it gets none.
    """
    rebuilder = Rebuilder(parts)
    file = io.BytesIO(stream) if len(stream) <= _SMALL_STREAM else _Reader(stream)
    if is_safe:
        return _DataUnpickler(file, rebuilder)
    return _CodeUnpickler(file, rebuilder, rebuilder.pickle_buffers())


class _Reader:
    """A file over a view, so that a large stream is not copied before it is read."""

    __slots__ = ("view", "at")

    def __init__(self, view: memoryview):
        self.view, self.at = view, 0

    def read(self, size: int = -1) -> bytes:
        end = len(self.view) if size < 0 else self.at + size
        data = bytes(self.view[self.at : end])
        self.at += len(data)
        return data

    def readinto(self, into: Any) -> int:
        data = self.view[self.at : self.at + len(into)]
        into[: len(data)] = data
        self.at += len(data)
        return len(data)

    def readline(self) -> bytes:
        rest = self.view[self.at :]
        for i in range(0, len(rest), 4096):
            found = bytes(rest[i : i + 4096]).find(b"\n")
            if found >= 0:
                return self.read(i + found + 1)
        return self.read()


class _DataUnpickler(pickle.Unpickler):
    """Reads what `_DataPickler` wrote. A global that is not on the list is refused, whatever the
    header says."""

    def __init__(self, file: Any, rebuilder: Callable[[Any], Any]):
        super().__init__(file)
        self.rebuild = rebuilder

    def persistent_load(self, pid: Any) -> Any:
        return self.rebuild(pid)

    def find_class(self, module: str, name: str) -> Any:
        found = describe.SAFE_GLOBALS.get((module, name))
        if found is None:
            raise UntrustedValueError(
                f"the stored value names {module}.{name}, which data never does. It was not read."
            )
        return found


class _CodeUnpickler(pickle.Unpickler):
    def __init__(self, file: Any, rebuilder: Callable[[Any], Any], buffers: Any):
        super().__init__(file, buffers=buffers)
        self.rebuild = rebuilder

    def persistent_load(self, pid: Any) -> Any:
        if pid[0] == pickle_quirks.NAMED:
            return self._found(pid[1], pid[2], lambda: pickle_quirks.rebuild(pid))
        return (
            pickle_quirks.rebuild(pid) if pid[0] == pickle_quirks.SET_STATE else self.rebuild(pid)
        )

    def find_class(self, module: str, name: str) -> Any:
        return self._found(
            module, name, lambda: super(_CodeUnpickler, self).find_class(module, name)
        )

    @staticmethod
    def _found(module: str, name: str, find: Callable[[], Any]) -> Any:
        # Code of a notebook or script that is gone here is a clear error, not an AttributeError of
        # ours. A module may raise anything while it is imported: ComfyUI's look for a GPU.
        try:
            return find()
        except Exception as e:
            raise ImportError(
                f"The stored value needs {module}.{name}, which this process can't import ({e}). "
                f"Python: {sys.executable}. If it is an object of ComfyUI's, set its type to "
                '"ref" in pass_by_rules.json.'
            ) from e
