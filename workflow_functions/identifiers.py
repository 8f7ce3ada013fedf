"""Names of ports as Python names: one for each, the same whatever the order of the names is."""

from __future__ import annotations

import keyword
import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping

_NO_LETTER = re.compile(r"\W+")
# What a program asks an object for on its own: an attribute of such a name would answer.
_ASKED_FOR = re.compile(r"__|_repr_|_ipython_")
_LONGEST = 60  # letters of a name that was no identifier


def find_identifiers(
    names: Iterable[str],
    taken: Collection[str] = (),
    given: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """name -> identifier. A name that can be one keeps it; others get one like it, or a number.

    Args:
        taken: what none may have.
        given: what some names have already.
    """
    found = dict(given or {})
    used = {*taken, *found.values()}
    waiting = []
    for name in sorted(set(names) - found.keys()):
        if is_identifier(name) and name not in used:
            found[name] = name
            used.add(name)
        else:
            waiting.append(name)
    for name in waiting:
        found[name] = unused(to_identifier(name), used)
        used.add(found[name])
    return found


def is_identifier(name: str) -> bool:
    """Whether a name can be written as it is, as an argument and as an attribute."""
    return (
        name.isidentifier()
        and not keyword.iskeyword(name)
        and not _ASKED_FOR.match(name)
        and unicodedata.normalize("NFKC", name) == name  # as Python reads it
    )


def to_identifier(name: str, otherwise: str = "port") -> str:
    """A Python name that is like a text; `otherwise` for one without a letter."""
    text = unicodedata.normalize("NFKC", name)
    text = _NO_LETTER.sub("_", text).strip("_")[:_LONGEST].rstrip("_")
    if not f"_{text}".isidentifier():  # letters to `re` that are none to Python
        text = "".join(c for c in text if f"_{c}".isidentifier()).strip("_")
    if not text:
        return otherwise
    if not text.isidentifier():
        return f"_{text}"  # it begins with a digit
    return f"{text}_" if keyword.iskeyword(text) else text


def unused(identifier: str, used: Collection[str]) -> str:
    """The identifier, or one with something behind it that is not among the used ones."""
    if identifier not in used:
        return identifier
    if f"{identifier}_" not in used and not identifier.endswith("_"):
        return f"{identifier}_"
    number = 2
    while f"{identifier.rstrip('_')}_{number}" in used:
        number += 1
    return f"{identifier.rstrip('_')}_{number}"
