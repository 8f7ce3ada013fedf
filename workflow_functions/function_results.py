"""What a function gives: the dict of results, with its values as attributes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import printable
from ..run.results import Results
from .closest import closest_of
from .identifiers import find_identifiers
from .read_shape import TAKEN_BY_RESULTS


class FunctionResults(Results):
    """Results whose values are attributes, too: `result.picture` is `result["picture"]`.

    A name that can't be one, or that results have already (`items`), is there under the identifier
    that `help()` of the function shows.
    """

    __slots__ = ("_names",)

    def __init__(
        self,
        values: Mapping[str, Any] | None = None,
        files: Mapping[str, list[Path]] | None = None,
        identifiers: Mapping[str, str] | None = None,
    ):
        """`identifiers`: name -> identifier, of those that are known."""
        super().__init__(values, files)
        found = find_identifiers(self, TAKEN_BY_RESULTS, identifiers)
        self._names = {identifier: name for name, identifier in found.items()}

    def __getattr__(self, identifier: str) -> Any:
        names = {} if identifier == "_names" else self._names
        name = names.get(identifier)
        if name is not None and name in self:
            return self[name]
        close = closest_of(identifier, [i for i, n in names.items() if n in self])
        raise AttributeError(printable(f"There is no result {identifier!r}.{close}"))

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *(i for i, name in self._names.items() if name in self)]

    def copy(self) -> FunctionResults:
        return FunctionResults(self, self.files, self._identifiers())

    __copy__ = copy

    def __deepcopy__(self, memo: dict[int, Any]) -> FunctionResults:
        copied = super().__deepcopy__(memo)
        return FunctionResults(copied, self.files, self._identifiers())

    def _identifiers(self) -> dict[str, str]:
        return {name: identifier for identifier, name in self._names.items()}
