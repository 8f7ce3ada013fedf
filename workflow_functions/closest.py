"""The name that was meant, among those that there are."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from .words import plain, quoted

_LISTED = 20
_COMPARED = 2000


def closest_of(name: str, known: Iterable[str]) -> str:
    """A sentence that follows what was wrong: which name was meant, or which there are."""
    names = list(known)[:_COMPARED]
    close = difflib.get_close_matches(name, names, n=1)
    if not close:
        folded = {other.casefold(): other for other in names}
        close = [folded[name.casefold()]] if name.casefold() in folded else []
    if close:
        return f" Did you mean {quoted(close[0])}?"
    shown = ", ".join(plain(other) for other in names[:_LISTED])
    more = f", ... ({len(names)} in all)" if len(names) > _LISTED else ""
    return f" There are: {shown}{more}." if names else " There are none."
