"""A key, which comes from the environment and stays out of all that is shown or kept."""

from __future__ import annotations

import os

from ...errors import WorkflowError

# Servers repeat a key with its middle left out ("sk-abcd***wxyz"). Shorter parts are words.
_PART = 4
_PART_OF_TEXT = 8  # in what a model says words of four letters are no part of a key
HIDDEN = "***"


class Key:
    """The value of a variable; `Key("")` is none.

    Raises:
        WorkflowError: the variable is not set, or has what no request can carry.
    """

    def __init__(self, variable: str):
        self.variable = variable
        self._value = _read(variable) if variable else ""

    @property
    def headers(self) -> dict[str, str]:
        """What a request that may have the key is sent with."""
        return {"Authorization": f"Bearer {self._value}"} if self._value else {}

    def hide(self, text: str) -> str:
        """A text that somebody else wrote, without any part of the key. To be done before it is
        shortened.
        """
        plain, parts, size = _lower(text), *self._parts(_PART)
        kept, at = [""], 0
        for start in range(len(plain) - size + 1):
            if plain[start : start + size] not in parts:
                continue
            if start > at or (start == at and kept[-1] != HIDDEN):
                kept += [text[at:start], HIDDEN]
            at = start + size
        return "".join([*kept, text[at:]])

    def is_in(self, text: str) -> bool:
        """Whether a part of the key is in what a model says."""
        plain = _lower(text)
        return any(part in plain for part in self._parts(_PART_OF_TEXT)[0])

    def _parts(self, size: int) -> tuple[set[str], int]:
        """All parts of that size, or the whole of a shorter key; and their size."""
        key = _lower(self._value)
        size = min(size, len(key))
        return {key[i : i + size] for i in range(len(key) - size + 1) if size}, size


def _lower(text: str) -> str:
    """In lower case, of the same length."""
    return "".join(c.lower() if c.isascii() else c for c in text)


def _read(variable: str) -> str:
    value = os.environ.get(variable, "").strip()
    if not value:
        raise WorkflowError(
            f"The environment variable {variable} is not set. Set it to your key before you start "
            "ComfyUI, or empty key_variable for a server that needs none."
        )
    if not value.isascii() or not value.isprintable() or " " in value:
        raise WorkflowError(
            f"The environment variable {variable} holds no key: a key is printable ASCII without "
            "blanks. Set it anew, and restart ComfyUI."
        )
    return value
