"""Values in and out as standard pickle files, which any Python with torch reads."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from ..errors import CorruptValueError, UntrustedValueError
from ..store.encoding.data_calls import Callee, NotData
from ..store.encoding.data_limits import Budget, HashCosts
from ..store.encoding.data_reader import OlderReader
from ..system.files import write_file
from .pickled_arrays import ArrayMaker
from .pickled_tensors import TensorMaker


def write_pickle(value: Any, path: Path, overwrite: bool) -> None:
    """Write a value with what any Python can read."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_file(path, pickle_writer(value), overwrite=overwrite, is_synced=True)


def pickle_writer(value: Any) -> Callable[[IO[bytes]], None]:
    """What writes a value so to an open file."""
    import cloudpickle

    return lambda file: cloudpickle.dump(value, file, protocol=pickle.DEFAULT_PROTOCOL)


def read_pickle(path: Path, trusted: bool) -> Any:
    """The value in a pickle file.

    Raises:
        UntrustedValueError: it names code, or more than is taken from strangers, and `trusted` is
            False.
        CorruptValueError: no pickle, or cut short.
    """
    if not trusted:
        return _read_as_a_strangers(path)
    with open(path, "rb") as file:
        try:
            return pickle.Unpickler(file).load()
        except (pickle.UnpicklingError, EOFError) as e:
            raise CorruptValueError(f"{path} can't be read as a pickle: {e}") from e


def _read_as_a_strangers(path: Path) -> Any:
    data = memoryview(path.read_bytes())
    budget = Budget(len(data))
    arrays, tensors = ArrayMaker(), TensorMaker(budget)

    def find(module: str, name: str) -> Any:
        if (module, name) == ("_codecs", "encode"):
            return _ENCODE
        found = arrays.find(module, name)
        return tensors.find(module, name) if found is None else found

    def set_state(made: Any, state: Any) -> None:
        if not arrays.set_state(made, state):
            raise NotData

    try:
        return OlderReader(data, find=find, set_state=set_state, budget=budget).read()
    except (UntrustedValueError, CorruptValueError) as e:
        raise type(e)(f"{path} can't be read: {e} Nothing of it was stored.") from e


def _encode(args: tuple, _: HashCosts) -> bytes:
    """How old protocols write bytes: as a text."""
    if len(args) != 2 or type(args[0]) is not str or args[1] not in ("latin1", "latin-1"):
        raise NotData
    return args[0].encode("latin-1")


_ENCODE = Callee("_codecs.encode", _encode)
