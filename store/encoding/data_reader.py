"""Reads pickle streams of data and nothing else, whoever wrote them: slowly, and within limits.

Python's own unpickler calls whatever a stream names, and even where only harmless classes may be
named, it calls them with anything. This one knows each opcode itself, and `data_machine.py` what
each does. `codec.py` reads with it what is not trusted, and `context/pickle_files.py` files in the
formats of numpy and torch.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

from ...errors import CorruptValueError, DiscomfortError, UntrustedValueError
from .data_calls import NotData
from .data_limits import check_extent
from .data_machine import MARK, DataMachine, refuse


def _of_number(form: str, then: Callable[[DataMachine, Any], Any]) -> Callable[[DataMachine], Any]:
    """Handles an opcode behind which stands one number."""
    number = struct.Struct(form)
    return lambda r: then(r, r.number(number))


def _text(r: DataMachine, count: int) -> None:
    r.push(str(r.take(count), "utf-8", "surrogatepass"))


def _bytes(r: DataMachine, count: int) -> None:
    r.push(bytes(r.take(count)))


_Handlers = dict[int, Callable[[DataMachine], Any]]
# What Python writes since 3.8 (protocol 5), and so all that is in blocks.
_BINARY: _Handlers = {
    0x80: _of_number("<B", lambda r, _: None),  # PROTO
    0x95: _of_number("<Q", lambda r, _: None),  # FRAME: only says how much to read at once
    0x28: lambda r: r.push(MARK),
    0x30: lambda r: r.stack.pop(),
    0x31: lambda r: r.since_mark(),
    0x4E: lambda r: r.push(None),
    0x88: lambda r: r.push(True),
    0x89: lambda r: r.push(False),
    0x4A: _of_number("<i", DataMachine.push),
    0x4B: _of_number("<B", DataMachine.push),
    0x4D: _of_number("<H", DataMachine.push),
    0x8A: _of_number("<B", DataMachine.push_int),
    0x8B: _of_number("<i", DataMachine.push_int),
    0x47: _of_number(">d", DataMachine.push),
    0x8C: _of_number("<B", _text),
    0x58: _of_number("<I", _text),
    0x8D: _of_number("<Q", _text),
    0x43: _of_number("<B", _bytes),
    0x42: _of_number("<I", _bytes),
    0x8E: _of_number("<Q", _bytes),
    0x96: _of_number("<Q", lambda r, count: r.push(bytearray(r.take(count)))),
    0x5D: lambda r: r.push([]),
    0x7D: lambda r: r.push({}),
    0x8F: lambda r: r.push(set()),
    0x29: lambda r: r.make_tuple([]),
    0x85: lambda r: r.take_tuple(1),
    0x86: lambda r: r.take_tuple(2),
    0x87: lambda r: r.take_tuple(3),
    0x74: lambda r: r.make_tuple(r.since_mark()),
    0x61: lambda r: r.extend([r.pop()]),
    0x65: lambda r: r.extend(r.since_mark()),
    0x73: lambda r: r.set_items([r.pop(), r.pop()][::-1]),
    0x75: lambda r: r.set_items(r.since_mark()),
    0x90: lambda r: r.add_items(r.since_mark()),
    0x91: lambda r: r.make_frozenset(r.since_mark()),
    0x94: lambda r: r.memoize(len(r.memo)),
    0x68: _of_number("<B", DataMachine.recall),
    0x6A: _of_number("<I", DataMachine.recall),
    0x93: DataMachine.stack_global,
    0x52: DataMachine.reduce,
    0x62: DataMachine.build,
    0x51: lambda r: r.persist(r.pop()),
}
# With what older protocols have beside that.
_ALL: _Handlers = {
    **_BINARY,
    0x32: lambda r: r.push(r.top()),
    0x49: lambda r: r.push_written_int(r.line()),
    0x4C: lambda r: r.push_written_int(r.line()),
    0x46: lambda r: r.push(float(r.line())),
    0x56: lambda r: r.push(bytes(r.line(), "latin-1").decode("raw-unicode-escape")),
    0x6C: lambda r: r.push(r.since_mark()),
    0x64: lambda r: r.make_dict(r.since_mark()),
    0x70: lambda r: r.memoize(int(r.line())),
    0x71: _of_number("<B", DataMachine.memoize),
    0x72: _of_number("<I", DataMachine.memoize),
    0x67: lambda r: r.recall(int(r.line())),
    0x63: lambda r: r.find_global(r.line(), r.line()),
}


class DataReader(DataMachine):
    """Reads one stream, or several that lie one behind the other, of the protocol of blocks.

    Attributes:
        at: where the next stream begins.
    """

    _handlers = _BINARY

    def read(self) -> Any:
        """The value of the stream that begins here.

        Raises:
            UntrustedValueError: it is more than data, or more than is taken from strangers.
            CorruptValueError: it is no stream, or cut short.
        """
        self.stack, self.memo = [], {}
        handlers = self._handlers
        try:
            while True:
                self.budget.spend()
                code = self._data[self.at]
                self.at += 1
                if code == 0x2E:  # STOP
                    break
                handler = handlers.get(code)
                if handler is None:
                    raise UntrustedValueError(f"it has the opcode {code:#x}, which data never has.")
                handler(self)
            value = self.pop()
            check_extent(value, self.budget)
            return value
        except (DiscomfortError, ImportError):
            raise
        except NotData:
            refuse("calls a class in a way that data never does")
        except Exception as e:  # of a class that was given what it does not take, too
            raise CorruptValueError(f"its stream is damaged ({type(e).__name__}: {e}).") from e


class OlderReader(DataReader):
    """The same for any protocol, also those that blocks do not have."""

    _handlers = _ALL
