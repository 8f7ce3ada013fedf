"""Reads pickle streams of data and nothing else, whoever wrote them: slowly, and within limits.

Python's own unpickler calls whatever a stream names, and even where only harmless classes may be
named, it calls them with anything. This one knows each opcode itself, calls only what stands in
`data_calls.py`, and counts. `codec.py` reads with it what is not trusted, and
`context/pickle_files.py` files in the formats of numpy and torch.
"""

from __future__ import annotations

import collections
import struct
from collections.abc import Callable
from typing import Any, NoReturn

from ...errors import CorruptValueError, DiscomfortError, UntrustedValueError
from .data_calls import CALLS, Call, Callee, NotData
from .data_limits import Budget, HashCosts, check_extent, too_much
from .describe import SAFE_GLOBALS

_MARK = object()
_DICTS = (dict, collections.OrderedDict, collections.defaultdict)
_MOST_INT_BYTES = 10_000


class DataReader:
    """Reads one stream, or several that lie one behind the other.

    Args:
        data: the stream, from its first byte.
        persistent: what stands for a persistent id. None: there are none.
        find: further names: (module, name) -> what it means, a `Callee` for what may be called, or
            None.
        set_state: (object, state): gives an object what BUILD brings. None: nothing has any.
        older: it may be of an older protocol than those in blocks are.
        budget: of several streams together.

    Attributes:
        at: where the next stream begins.
    """

    def __init__(
        self,
        data: memoryview,
        persistent: Callable[[Any], Any] | None = None,
        *,
        find: Callable[[str, str], Any] = lambda module, name: None,
        set_state: Callable[[Any, Any], None] | None = None,
        older: bool = False,
        budget: Budget | None = None,
    ):
        self._data, self.at = data, 0
        self._handlers = {**_BINARY, **_OLDER} if older else _BINARY
        self._persistent, self._find, self._set_state = persistent, find, set_state
        self._budget = budget or Budget(len(data))
        self._costs = HashCosts()
        self._stack: list[Any] = []
        self._memo: dict[int, Any] = {}

    def read(self) -> Any:
        """The value of the stream that begins here.

        Raises:
            UntrustedValueError: it is more than data, or more than is taken from strangers.
            CorruptValueError: it is no stream, or cut short.
        """
        self._stack, self._memo = [], {}
        try:
            while True:
                self._budget.spend()
                code = self._data[self.at]
                self.at += 1
                if code == 0x2E:  # STOP
                    break
                handler = self._handlers.get(code)
                if handler is None:
                    raise UntrustedValueError(f"it has the opcode {code:#x}, which data never has.")
                handler(self)
            value = self._pop()
            check_extent(value, self._budget)
            return value
        except (DiscomfortError, ImportError):
            raise
        except NotData:
            self._refuse("calls a class in a way that data never does")
        except Exception as e:  # of a class that was given what it does not take, too
            raise CorruptValueError(f"its stream is damaged ({type(e).__name__}: {e}).") from e

    def _refuse(self, what: str) -> NoReturn:
        raise UntrustedValueError(f"it {what}. It was not read.") from None

    # -- the stream -------------------------------------------------------------------------------

    def _take(self, count: int) -> memoryview:
        end = self.at + count
        if count < 0 or end > len(self._data):
            raise CorruptValueError("its stream is cut short.")
        taken = self._data[self.at : end]
        self.at = end
        return taken

    def _number(self, form: struct.Struct) -> Any:
        return form.unpack(self._take(form.size))[0]

    def _line(self) -> str:
        end = self.at
        while self._data[end] != 0x0A:
            end += 1
        self._budget.spend((end - self.at) // 64)
        text = bytes(self._data[self.at : end]).decode("latin-1")
        self.at = end + 1
        return text

    def _since_mark(self) -> list[Any]:
        stack = self._stack
        at = len(stack) - 1
        while stack[at] is not _MARK:
            at -= 1
            if at < 0:
                raise CorruptValueError("its stream has no beginning of a group.")
        items = stack[at + 1 :]
        del stack[at:]
        return items

    # -- what opcodes do --------------------------------------------------------------------------

    def _push(self, value: Any) -> None:
        self._stack.append(value)

    def _top(self) -> Any:
        top = self._stack[-1]
        if top is _MARK:
            raise CorruptValueError("its stream has too few parts.")
        return top

    def _pop(self) -> Any:
        top = self._top()
        self._stack.pop()
        return top

    def _long(self, count: int) -> None:
        if count > _MOST_INT_BYTES:
            too_much("a whole number of thousands of digits")
        self._push(int.from_bytes(self._take(count), "little", signed=True))

    def _make_tuple(self, items: list[Any]) -> None:
        made = tuple(items)
        self._costs.made(made)
        self._push(made)

    def _take_tuple(self, count: int) -> None:
        items = self._stack[-count:]
        if len(items) < count or any(item is _MARK for item in items):
            raise CorruptValueError("its stream has too few parts for a tuple.")
        del self._stack[-count:]
        self._make_tuple(items)

    def _extend(self, items: list[Any]) -> None:
        target = self._top()
        if type(target) not in (list, collections.deque):
            self._refuse("adds to something that is no list")
        target.extend(items)

    def _set_items(self, items: list[Any]) -> None:
        target = self._top()
        if type(target) not in _DICTS or len(items) % 2:
            self._refuse("adds keys to something that is no dict")
        for key, value in zip(items[::2], items[1::2], strict=True):
            self._costs.check_key(key, self._budget)
            target[key] = value

    def _add_items(self, items: list[Any]) -> None:
        target = self._top()
        if type(target) is not set:
            self._refuse("adds to something that is no set")
        for item in items:
            self._costs.check_key(item, self._budget)
            target.add(item)

    def _make_frozenset(self, items: list[Any]) -> None:
        made: set[Any] = set()
        for item in items:
            self._costs.check_key(item, self._budget)
            made.add(item)
        frozen = frozenset(made)
        self._costs.made(frozen)
        self._push(frozen)

    def _make_dict(self, items: list[Any]) -> None:
        self._push({})
        self._set_items(items)

    def _memoize(self, number: int) -> None:
        self._memo[number] = self._top()

    def _recall(self, number: int) -> None:
        self._push(self._memo[number])

    def _global(self, module: str, name: str) -> None:
        if type(module) is not str or type(name) is not str:
            raise CorruptValueError("its stream names something without a name.")
        if module == "__builtin__":  # as Python 2 called it
            module, name = "builtins", {"xrange": "range", "long": "int"}.get(name, name)
        found = SAFE_GLOBALS.get((module, name))
        if found is None:
            found = self._find(module, name)
        if found is None:
            self._refuse(f"names {module}.{name}, which could run code and which data never names")
        self._push(found)

    def _stack_global(self) -> None:
        name, module = self._pop(), self._pop()
        self._global(module, name)

    def _reduce(self) -> None:
        args, called = self._pop(), self._pop()
        call: Call | None = None
        if isinstance(called, Callee):
            call = called.call
        elif isinstance(called, type):
            call = CALLS.get(called)
        if call is None or type(args) is not tuple:
            self._refuse(f"calls {getattr(called, '__name__', 'something that is no class')!r:.80}")
        self._push(call(args, self._costs))

    def _build(self) -> None:
        state = self._pop()
        if self._set_state is None:
            self._refuse("gives an object a state")
        self._set_state(self._top(), state)

    def _persist(self, pid: Any) -> None:
        if self._persistent is None:
            self._refuse("refers to something outside of it")
        if type(pid) is tuple and any(type(part) in (list, dict) for part in pid):
            check_extent(pid, self._budget)
        self._push(self._persistent(pid))


def _of_number(form: str, then: Callable[[DataReader, Any], Any]) -> Callable[[DataReader], Any]:
    """Handles an opcode behind which stands one number."""
    number = struct.Struct(form)
    return lambda r: then(r, r._number(number))


def _text(r: DataReader, count: int) -> None:
    r._push(str(r._take(count), "utf-8", "surrogatepass"))


def _bytes(r: DataReader, count: int) -> None:
    r._push(bytes(r._take(count)))


def _int_line(r: DataReader, text: str) -> None:
    if len(text) > _MOST_INT_BYTES:
        too_much("a whole number of thousands of digits")
    r._push({"00": False, "01": True}[text] if text in ("00", "01") else int(text.rstrip("L")))


_Handlers = dict[int, Callable[[DataReader], Any]]
# What Python writes since 3.8 (protocol 5), and so all that is in blocks.
_BINARY: _Handlers = {
    0x80: _of_number("<B", lambda r, _: None),  # PROTO
    0x95: _of_number("<Q", lambda r, _: None),  # FRAME: only says how much to read at once
    0x28: lambda r: r._push(_MARK),
    0x30: lambda r: r._stack.pop(),
    0x31: lambda r: r._since_mark(),
    0x4E: lambda r: r._push(None),
    0x88: lambda r: r._push(True),
    0x89: lambda r: r._push(False),
    0x4A: _of_number("<i", DataReader._push),
    0x4B: _of_number("<B", DataReader._push),
    0x4D: _of_number("<H", DataReader._push),
    0x8A: _of_number("<B", DataReader._long),
    0x8B: _of_number("<i", DataReader._long),
    0x47: _of_number(">d", DataReader._push),
    0x8C: _of_number("<B", _text),
    0x58: _of_number("<I", _text),
    0x8D: _of_number("<Q", _text),
    0x43: _of_number("<B", _bytes),
    0x42: _of_number("<I", _bytes),
    0x8E: _of_number("<Q", _bytes),
    0x96: _of_number("<Q", lambda r, count: r._push(bytearray(r._take(count)))),
    0x5D: lambda r: r._push([]),
    0x7D: lambda r: r._push({}),
    0x8F: lambda r: r._push(set()),
    0x29: lambda r: r._make_tuple([]),
    0x85: lambda r: r._take_tuple(1),
    0x86: lambda r: r._take_tuple(2),
    0x87: lambda r: r._take_tuple(3),
    0x74: lambda r: r._make_tuple(r._since_mark()),
    0x61: lambda r: r._extend([r._pop()]),
    0x65: lambda r: r._extend(r._since_mark()),
    0x73: lambda r: r._set_items([r._pop(), r._pop()][::-1]),
    0x75: lambda r: r._set_items(r._since_mark()),
    0x90: lambda r: r._add_items(r._since_mark()),
    0x91: lambda r: r._make_frozenset(r._since_mark()),
    0x94: lambda r: r._memoize(len(r._memo)),
    0x68: _of_number("<B", DataReader._recall),
    0x6A: _of_number("<I", DataReader._recall),
    0x93: DataReader._stack_global,
    0x52: DataReader._reduce,
    0x62: DataReader._build,
    0x51: lambda r: r._persist(r._pop()),
}
# What older protocols have beside that.
_OLDER: _Handlers = {
    0x32: lambda r: r._push(r._top()),
    0x49: lambda r: _int_line(r, r._line()),
    0x4C: lambda r: _int_line(r, r._line()),
    0x46: lambda r: r._push(float(r._line())),
    0x56: lambda r: r._push(bytes(r._line(), "latin-1").decode("raw-unicode-escape")),
    0x6C: lambda r: r._push(r._since_mark()),
    0x64: lambda r: r._make_dict(r._since_mark()),
    0x70: lambda r: r._memoize(int(r._line())),
    0x71: _of_number("<B", DataReader._memoize),
    0x72: _of_number("<I", DataReader._memoize),
    0x67: lambda r: r._recall(int(r._line())),
    0x63: lambda r: r._global(r._line(), r._line()),
}
