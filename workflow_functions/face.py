"""What a function shows of itself: name, signature, words; with and without `await`."""

from __future__ import annotations

import inspect
from typing import Any

from .shape import Shape
from .signature import PortType, signature_of
from .words import describe_shape, plain


class _Doc:
    """The docstring: of the class its own, of a function what its workflow is."""

    def __init__(self, of_class: str):
        self._of_class = of_class

    def __get__(self, function: Any, _: type) -> str:
        return self._of_class if function is None else describe_shape(function._look())


class FunctionFace:
    """A workflow as a function: what `help()`, `inspect.signature` and `?` ask of it."""

    def __init_subclass__(cls) -> None:
        cls.__doc__ = _Doc(cls.__dict__.get("__doc__") or "")  # type: ignore[assignment]

    def _look(self) -> Shape:
        """What the workflow is, as it is now."""
        raise NotImplementedError

    @property
    def __name__(self) -> str:
        return self._look().name

    @property
    def __signature__(self) -> inspect.Signature:
        return signature_of(self._look(), PortType("FunctionResults"))

    def __repr__(self) -> str:
        shape = self._look()
        return f"<{type(self).__name__} {shape.name}, of {plain(shape.title, 100)}>"
