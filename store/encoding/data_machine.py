"""The machine that a pickle stream of data drives: a stack, a memo, and what each opcode does.

`data_reader.py` says which opcode is which, and runs it. Nothing is called but what stands in
`data_calls.py`, and all that costs is counted.
"""

from __future__ import annotations

import collections
import struct
from collections.abc import Callable
from typing import Any, NoReturn

from ...errors import CorruptValueError, UntrustedValueError
from .data_calls import CALLS, Call, Callee
from .data_limits import Budget, HashCosts, check_extent, too_much
from .describe import SAFE_GLOBALS

MARK = object()
_DICTS = (dict, collections.OrderedDict, collections.defaultdict)
_MOST_INT_BYTES = 10_000


class DataMachine:
    """One stream, or several that lie one behind the other, and what was made of them so far.

    Args:
        data: the stream, from its first byte.
        persistent: what stands for a persistent id. None: there are none.
        find: further names: (module, name) -> what it means, a `Callee` for what may be called, or
            None.
        set_state: (object, state): gives an object what BUILD brings. None: nothing has any.
        budget: of several streams together.

    Attributes:
        at: where in `data` it is.
    """

    def __init__(
        self,
        data: memoryview,
        persistent: Callable[[Any], Any] | None = None,
        *,
        find: Callable[[str, str], Any] = lambda module, name: None,
        set_state: Callable[[Any, Any], None] | None = None,
        budget: Budget | None = None,
    ):
        self._data, self.at = data, 0
        self._persistent, self._find, self._set_state = persistent, find, set_state
        self.budget = budget or Budget(len(data))
        self._costs = HashCosts()
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}

    # -- the stream and the stack -----------------------------------------------------------------

    def take(self, count: int) -> memoryview:
        """The next bytes."""
        end = self.at + count
        if count < 0 or end > len(self._data):
            raise CorruptValueError("its stream is cut short.")
        taken = self._data[self.at : end]
        self.at = end
        return taken

    def number(self, form: struct.Struct) -> Any:
        """The next bytes as a number."""
        return form.unpack(self.take(form.size))[0]

    def line(self) -> str:
        """What is left of the line, as older protocols write their arguments."""
        end = self.at
        while self._data[end] != 0x0A:
            end += 1
        self.budget.spend((end - self.at) // 64)
        text = bytes(self._data[self.at : end]).decode("latin-1")
        self.at = end + 1
        return text

    def since_mark(self) -> list[Any]:
        """Take all from the stack that was pushed since the last mark."""
        stack = self.stack
        at = len(stack) - 1
        while stack[at] is not MARK:
            at -= 1
            if at < 0:
                raise CorruptValueError("its stream has no beginning of a group.")
        items = stack[at + 1 :]
        del stack[at:]
        return items

    # -- what opcodes do --------------------------------------------------------------------------

    def push(self, value: Any) -> None:
        self.stack.append(value)

    def top(self) -> Any:
        top = self.stack[-1]
        if top is MARK:
            raise CorruptValueError("its stream has too few parts.")
        return top

    def pop(self) -> Any:
        top = self.top()
        self.stack.pop()
        return top

    def push_int(self, count: int) -> None:
        """A whole number of any size, in so many bytes."""
        if count > _MOST_INT_BYTES:
            too_much("a whole number of thousands of digits")
        self.push(int.from_bytes(self.take(count), "little", signed=True))

    def push_written_int(self, text: str) -> None:
        """A whole number, or a truth value, as protocol 0 writes them."""
        if len(text) > _MOST_INT_BYTES:
            too_much("a whole number of thousands of digits")
        truth = {"00": False, "01": True}
        self.push(truth[text] if text in truth else int(text.rstrip("L")))

    def make_tuple(self, items: list[Any]) -> None:
        made = tuple(items)
        self._costs.made(made)
        self.push(made)

    def take_tuple(self, count: int) -> None:
        items = self.stack[-count:]
        if len(items) < count or any(item is MARK for item in items):
            raise CorruptValueError("its stream has too few parts for a tuple.")
        del self.stack[-count:]
        self.make_tuple(items)

    def extend(self, items: list[Any]) -> None:
        target = self.top()
        if type(target) not in (list, collections.deque):
            refuse("adds to something that is no list")
        target.extend(items)

    def set_items(self, items: list[Any]) -> None:
        target = self.top()
        if type(target) not in _DICTS or len(items) % 2:
            refuse("adds keys to something that is no dict")
        for key, value in zip(items[::2], items[1::2], strict=True):
            self._costs.check_key(key, self.budget)
            target[key] = value

    def add_items(self, items: list[Any]) -> None:
        target = self.top()
        if type(target) is not set:
            refuse("adds to something that is no set")
        for item in items:
            self._costs.check_key(item, self.budget)
            target.add(item)

    def make_frozenset(self, items: list[Any]) -> None:
        made: set[Any] = set()
        for item in items:
            self._costs.check_key(item, self.budget)
            made.add(item)
        frozen = frozenset(made)
        self._costs.made(frozen)
        self.push(frozen)

    def make_dict(self, items: list[Any]) -> None:
        self.push({})
        self.set_items(items)

    def memoize(self, number: int) -> None:
        self.memo[number] = self.top()

    def recall(self, number: int) -> None:
        self.push(self.memo[number])

    def find_global(self, module: str, name: str) -> None:
        if type(module) is not str or type(name) is not str:
            raise CorruptValueError("its stream names something without a name.")
        if module == "__builtin__":  # as Python 2 called it
            module, name = "builtins", {"xrange": "range", "long": "int"}.get(name, name)
        found = SAFE_GLOBALS.get((module, name))
        if found is None:
            found = self._find(module, name)
        if found is None:
            refuse(f"names {module}.{name}, which could run code and which data never names")
        self.push(found)

    def stack_global(self) -> None:
        name, module = self.pop(), self.pop()
        self.find_global(module, name)

    def reduce(self) -> None:
        args, called = self.pop(), self.pop()
        call: Call | None = None
        if isinstance(called, Callee):
            call = called.call
        elif isinstance(called, type):
            call = CALLS.get(called)
        if call is None or type(args) is not tuple:
            refuse(f"calls {getattr(called, '__name__', 'something that is no class')!r:.80}")
        self.push(call(args, self._costs))

    def build(self) -> None:
        state = self.pop()
        if self._set_state is None:
            refuse("gives an object a state")
        self._set_state(self.top(), state)

    def persist(self, pid: Any) -> None:
        if self._persistent is None:
            refuse("refers to something outside of it")
        if type(pid) is tuple and any(type(part) in (list, dict) for part in pid):
            check_extent(pid, self.budget)
        self.push(self._persistent(pid))


def refuse(what: str) -> NoReturn:
    """Raises UntrustedValueError: the stream does something that data never does."""
    raise UntrustedValueError(f"it {what}. It was not read.") from None
