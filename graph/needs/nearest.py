"""The name most like a missing one, among those that a server has."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

_ALIKE = 0.75  # of difflib's ratio: below, two names have little in common
_MOST = 20_000  # names that are compared letter by letter


def nearest_name(name: str, known: Iterable[str]) -> str | None:
    r"""The name that was most likely meant: the same with other separators ("XL\a" and "XL/a"),
    the same in another folder, else one that is spelt almost so.
    """
    names = [k for k in known if isinstance(k, str)]
    for same in (_with_slashes, lambda n: _with_slashes(n).casefold(), base_name):
        found = [k for k in names if same(k) == same(name)]
        if found:
            return min(found, key=len)
    by_base = {base_name(k): k for k in names[:_MOST]}
    alike = difflib.get_close_matches(base_name(name), list(by_base), n=1, cutoff=_ALIKE)
    return by_base[alike[0]] if alike else None


def base_name(name: str) -> str:
    """The file's own name, in small letters, without folders of either kind of system."""
    return _with_slashes(name).rpartition("/")[2].casefold()


def is_same_file(name: str, other: str | None) -> bool:
    """Whether two names differ in folder, separators or capital letters only."""
    return other is not None and base_name(name) == base_name(other)


def _with_slashes(name: str) -> str:
    return name.replace("\\", "/")
