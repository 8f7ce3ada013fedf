"""Arrays in standard pickle files, made as numpy makes them, from nothing but numbers and bytes.

numpy's own functions take an array's dtype and bytes as the file has them, and a dtype can be
forged so that bytes count as pointers. Used by `pickle_files.py` for what is not trusted.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Mapping
from typing import Any

from ..store.encoding.data_calls import Call, Callee, NotData
from ..store.encoding.data_limits import HashCosts
from ..store.encoding.describe import is_plain_dtype
from ..store.encoding.rebuild_checks import check_array, check_shape

_KINDS = frozenset("biufcSUVmMO")
_BYTE_ORDERS = ("<", ">", "|", "=")
_UNITS = frozenset(["Y", "M", "W", "D", "h", "m", "s", "ms", "us", "ns", "ps", "fs", "as"])
_MOST_TEXT = 40  # of a dtype: "V1234567890"


class ArrayMaker:
    """Makes the arrays and dtypes of one file."""

    def __init__(self) -> None:
        self._begun: set[int] = set()  # ids of what waits for its state
        self._keep: list[Any] = []
        self._class = Callee("numpy.ndarray", _refuse)

    def find(self, module: str, name: str) -> Any:
        """What a name of numpy's means, if arrays are made with it."""
        package, _, inner = module.partition(".")
        if package != "numpy":
            return None
        if not inner:
            return {"ndarray": self._class, "dtype": Callee("numpy.dtype", self._dtype)}.get(name)
        calls: Mapping[tuple[str, str], Call] = {
            ("multiarray", "_reconstruct"): self._array,
            ("multiarray", "scalar"): _scalar,
            ("numeric", "_frombuffer"): _from_buffer,
        }
        home, _, last = inner.rpartition(".")
        call = calls.get((last, name)) if home in ("core", "_core") else None
        return None if call is None else Callee(f"{module}.{name}", call)

    def set_state(self, made: Any, state: Any) -> bool:
        """Finish an array or dtype that was begun; False: it is none."""
        np: Any = importlib.import_module("numpy")

        if id(made) not in self._begun:
            return False
        self._begun.discard(id(made))
        if not isinstance(state, tuple):
            raise NotData
        if isinstance(made, np.dtype):
            made.__setstate__(_dtype_state(np, made, state))
        else:
            made.__setstate__(_array_state(np, state))
        return True

    def _begin(self, made: Any) -> Any:
        self._begun.add(id(made))
        self._keep.append(made)
        return made

    def _array(self, args: tuple, _: HashCosts) -> Any:
        import numpy as np

        if len(args) != 3 or args[0] is not self._class or args[1] != (0,):
            raise NotData
        return self._begin(np.ndarray((0,), "b"))

    def _dtype(self, args: tuple, _: HashCosts) -> Any:
        import numpy as np

        if not args or type(args[0]) is not str or len(args[0]) > _MOST_TEXT:
            raise NotData
        made = np.dtype(args[0], False, True)
        if made.kind not in _KINDS or made.names is not None or made.subdtype is not None:
            raise NotData
        return self._begin(made)


def _refuse(args: tuple, _: HashCosts) -> Any:
    raise NotData


def _array_state(np: Any, state: tuple) -> tuple:
    """The state of an array, with bytes that do for it."""
    if len(state) != 5:
        raise NotData
    _, shape, dtype, is_fortran, data = state
    if not isinstance(dtype, np.dtype):
        raise NotData
    count = check_shape(shape)
    if dtype.kind == "O":
        if type(data) is not list or len(data) != count:
            raise NotData
    else:
        _check_bytes(dtype, shape, data)
    return 1, shape, dtype, bool(is_fortran), data


def _dtype_state(np: Any, dtype: Any, state: tuple) -> tuple:
    """The state that numpy itself gives to the dtype that this one describes."""
    if len(state) not in (8, 9) or state[1] not in _BYTE_ORDERS or state[2] is not None:
        raise NotData
    if state[3] is not None:
        meant = _structured(np, state[3], state[4], state[5])
    elif dtype.kind in "mM":
        meant = _of_time(np, dtype.kind, state)
    else:
        meant = dtype
    if state[1] in ("<", ">"):
        meant = meant if state[3] is not None else meant.newbyteorder(state[1])
    if meant.itemsize != dtype.itemsize:
        raise NotData
    return meant.__reduce__()[2]


def _structured(np: Any, names: Any, fields: Any, itemsize: Any) -> Any:
    if type(names) is not tuple or type(fields) is not dict or type(itemsize) is not int:
        raise NotData
    parts = [fields[name] for name in names]
    for part in parts:
        if type(part) is not tuple or len(part) != 2 or not isinstance(part[0], np.dtype):
            raise NotData
    made = np.dtype(
        {
            "names": list(names),
            "formats": [part[0] for part in parts],
            "offsets": [part[1] for part in parts],
            "itemsize": itemsize,
        }
    )
    if not is_plain_dtype(made):
        raise NotData
    return made


def _of_time(np: Any, kind: str, state: tuple) -> Any:
    (_, (unit, count, denominator, event)) = state[8]
    unit = unit.decode("ascii") if isinstance(unit, bytes) else unit
    if unit == "generic":
        return np.dtype(f"{kind}8")
    if unit not in _UNITS or type(count) is not int or (denominator, event) != (1, 1):
        raise NotData
    return np.dtype(f"{kind}8[{count}{unit}]")


def _check_bytes(dtype: Any, shape: Any, data: Any) -> None:
    if type(data) not in (bytes, bytearray) or not is_plain_dtype(dtype):
        raise NotData
    check_array(shape, dtype.itemsize, len(data))
    if math.prod(shape) * dtype.itemsize != len(data):
        raise NotData


def _from_buffer(args: tuple, _: HashCosts) -> Any:
    import numpy as np

    data, dtype, shape, order = args
    if not isinstance(dtype, np.dtype) or order not in ("C", "F"):
        raise NotData
    _check_bytes(dtype, shape, data)
    return np.ndarray(shape, dtype, bytearray(data) if len(data) else None, order=order)


def _scalar(args: tuple, _: HashCosts) -> Any:
    import numpy as np

    dtype, data = args
    if not isinstance(dtype, np.dtype):
        raise NotData
    _check_bytes(dtype, (1,), data)
    return np.frombuffer(data, dtype)[0] if dtype.itemsize else np.zeros((), dtype)[()]
