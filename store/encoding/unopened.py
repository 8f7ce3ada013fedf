"""A stored value that this process can't open, to be handed on as it is.

A script has no ComfyUI in it. What a run gives it of ComfyUI's own classes can't be made again
there, but it can be saved, and be the input of another run, whose worker opens it.
"""

from __future__ import annotations

from typing import Any, NoReturn

from ...errors import UnopenedValueError


class UnopenedValue:
    """Stands for the value; whatever is asked of it raises UnopenedValueError, which says why.

    Attributes:
        _block: the value as it is stored.
    """

    __slots__ = ("_block", "_reason")

    def __init__(self, block: memoryview, reason: str):
        self._block, self._reason = block, f"{reason.rstrip('.')}."

    def __repr__(self) -> str:
        return f"<a value that can't be opened here. {self._reason}>"

    def __getattr__(self, name: str) -> NoReturn:
        raise UnopenedValueError(
            f"{name!r} was asked of a value that can't be opened in this process. {self._reason} "
            "By itself, it can be saved to a context and be an input of another run."
        )

    def __reduce__(self) -> NoReturn:
        self.__getattr__("__reduce__")

    def __len__(self) -> int:
        return self.__getattr__("__len__")

    def __iter__(self) -> Any:
        return self.__getattr__("__iter__")

    def __getitem__(self, key: Any) -> Any:
        return self.__getattr__("__getitem__")

    def __call__(self, *_: Any, **__: Any) -> Any:
        return self.__getattr__("__call__")

    def __bool__(self) -> bool:  # that it has a length must not make `if value` an error
        return True
