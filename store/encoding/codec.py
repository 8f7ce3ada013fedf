"""One stored value: object to bytes and back.

`encode` and `decode` join what the other modules here do: `describe` and `rebuild` take arrays,
tensors and images apart, `picklers` writes the rest, `layout` says what lies where in a block.
"""

from __future__ import annotations

import pickle
import struct
import sys
from typing import Any

from ...errors import CorruptValueError, DiscomfortError, UntrustedValueError
from . import picklers
from .data_reader import DataReader
from .layout import Encoded, Header, Parts, as_it_is, lay_out, read_contents, read_header
from .rebuild import Rebuilder
from .unopened import UnopenedValue

_MOST_ROWS = 1_000_000  # of a stranger's block
_DAMAGE = (pickle.UnpicklingError, EOFError, struct.error, IndexError, KeyError)


def encode(value: Any) -> Encoded:
    """Lay a value out without copying its arrays and tensors.

    Raises:
        TypeError, pickle.PicklingError: cloudpickle can't take it either (an open file, a lock,
        ...).
    """
    if type(value) is UnopenedValue:
        return as_it_is(value._block)
    try:
        (stream, buffers), is_safe = picklers.dump_data(value), True
    except picklers.NeedsCode:
        (stream, buffers), is_safe = picklers.dump_with_code(value), False
    encoded = lay_out(buffers.parts(), stream, is_safe)
    encoded.keep_alive = value, buffers
    return encoded


def decode(
    block: memoryview,
    trusted: bool = True,
    where: str = "the stored value",
    head: Header | None = None,
) -> Any:
    """The value. Its arrays and tensors lie in `block` itself, and keep it alive.

    Args:
        block: a private writable view: a change of the value changes only this view.
        trusted: False reads only what needs no code.
        head: of the block, where the caller has read it already.

    Raises:
        CorruptValueError: damaged, or incomplete.
        UntrustedValueError: it needs code, or more than a stranger may ask for, and `trusted` is
            False.
    """
    head = head or read_header(block, where)
    stream, parts = read_contents(block, head, where)
    if not head.is_safe and not trusted:
        raise UntrustedValueError(
            f"{where} needs code to be read, and this context was opened with trusted=False. "
            "Open it with trusted=True if you know who wrote it."
        )
    if not trusted and head.rows > _MOST_ROWS:
        raise UntrustedValueError(f"{where} has more than {_MOST_ROWS:,} buffers.")
    try:
        if not trusted:
            return _decode_as_a_strangers(stream, parts, where)
        return picklers.make_unpickler(stream, parts, head.is_safe).load()
    except DiscomfortError:
        raise
    except ModuleNotFoundError as e:
        if e.name != "torch":
            raise
        raise ImportError(
            f"It holds a tensor, and the Python of this script has no torch: {sys.executable}. "
            "Install torch there, or start the script with ComfyUI's Python."
        ) from e
    except _DAMAGE as e:
        raise CorruptValueError(f"{where} can't be read: {e}. Save the value again.") from e
    except (ValueError, RuntimeError, ArithmeticError, MemoryError) as e:
        if not head.is_safe:  # raised by the classes of the value
            raise
        raise CorruptValueError(f"{where} can't be read: {e}. Save the value again.") from e
    except (TypeError, AttributeError) as e:  # raised by the classes of the value
        raise TypeError(
            f"{where} can't be made again: its classes can be saved but not loaded "
            f"({type(e).__name__}: {e}). If it is an object of ComfyUI's, set its type to "
            '"ref" in pass_by_rules.json.'
        ) from e


def _decode_as_a_strangers(stream: memoryview, parts: Parts, where: str) -> Any:
    """Read what may have been made to harm: within limits, and nothing but data."""
    try:
        return DataReader(stream, Rebuilder(parts, is_bounded=True)).read()
    except (UntrustedValueError, CorruptValueError) as e:
        raise type(e)(f"{where} can't be read: {e}") from e


def decode_or_keep(block: memoryview, trusted: bool, where: str, head: Header) -> Any:
    """`decode`, but of what this process has not the code for an UnopenedValue."""
    try:
        return decode(block, trusted, where, head)
    except ImportError as e:
        return UnopenedValue(block, str(e))


def unpack(data: bytes, where: str) -> Encoded:
    """What `pack` gave, ready to be written as a block again.

    Raises:
        CorruptValueError: damaged.
        UntrustedValueError: it needs code to be read.
    """
    view = memoryview(bytearray(data))  # torch wants to be able to write
    decode(view, trusted=False, where=where)
    return as_it_is(view)
