"""Reads the rules that a pack's author, or a user, wrote as JSON: `docs/node_packs.md`.

Every error is reported at once, with its place. Where the JSON comes from is the caller's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from ...errors import ConfigError
from .rules import ClassRules, PackRules, Rows

_LEAST_PREFIX = 3  # letters before a "*": less would speak of other packs' classes


def read_rules(data: Any, source: str, folder: str | None = None) -> PackRules:
    """Check the JSON of one table of rules.

    Args:
        source: what messages call it, a file's path.
        folder: of the pack that brought it, in custom_nodes: it speaks of that pack's classes,
            whatever it says. None: it is the user's own, and speaks of any, or of those of the
            pack that it names.

    Raises:
        ConfigError: with all that is wrong.
    """
    reader = _Reader()
    rules = reader.pack(data, folder)
    if reader.wrong:
        raise ConfigError(f"The rules in {source} can't be used: {'; '.join(reader.wrong)}.")
    return replace(rules, source=source)


class _Reader:
    def __init__(self) -> None:
        self.wrong: list[str] = []

    def pack(self, data: Any, folder: str | None) -> PackRules:
        if not isinstance(data, Mapping):
            self.wrong.append("they must be an object")
            return PackRules("", "", {})
        self._known(data, "the file", ("pack", "seen_with", "classes"))
        pack = data.get("pack", "")
        if not isinstance(pack, str):
            self.wrong.append('"pack" must be the name of the pack\'s folder in custom_nodes')
            pack = ""
        pack = pack if folder is None else folder
        seen = data.get("seen_with", "")
        if not isinstance(seen, str):
            self.wrong.append('"seen_with" must be text')
        classes = data.get("classes")
        if not isinstance(classes, Mapping):
            self.wrong.append('"classes" must be an object: class -> its rules')
            classes = {}
        found = {name: self._class(name, rules, pack) for name, rules in classes.items()}
        return PackRules(pack, str(seen), found)

    def _known(self, data: Mapping[str, Any], where: str, names: tuple[str, ...]) -> None:
        for name in data:
            if name not in names:
                self.wrong.append(f"{where} has no {name!r}; it may have {', '.join(names)}")

    def _class(self, name: str, data: Any, pack: str) -> ClassRules:
        where = f"class {name!r}"
        if not isinstance(data, Mapping):
            self.wrong.append(f"{where} must be an object")
            return ClassRules()
        self._known(data, where, tuple(_FIELDS))
        if name.endswith("*"):
            if len(name) <= _LEAST_PREFIX:
                self.wrong.append(f"{where} must have {_LEAST_PREFIX} letters before the *")
            for key in sorted(_WHOLE_NAMES & data.keys()):
                self.wrong.append(f"{where}: {key!r} needs the whole name of a class")
        values: dict[str, Any] = {}
        for key, value in data.items():
            if key not in _FIELDS:
                continue
            try:
                values[key] = _FIELDS[key](value)
            except ValueError as e:
                self.wrong.append(f"{where}: {key!r} must be {e}")
        return ClassRules(**values, pack=pack)


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("true or false")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("text")
    return value


def _texts(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(v, str) and v for v in value):
        raise ValueError("a list of texts")
    return tuple(value)


def _text_map(value: Any) -> dict[str, str]:
    if not isinstance(value, Mapping) or not all(isinstance(v, str) for v in value.values()):
        raise ValueError("an object of texts")
    return dict(value)


def _places(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
        raise ValueError("a list of texts, which may be empty")
    return tuple(value)


def _text_maps(value: Any) -> dict[str, dict[str, str]]:
    if not isinstance(value, Mapping):
        raise ValueError("an object of objects of texts")
    return {str(k): _text_map(v) for k, v in value.items()}


def _size(value: Any) -> tuple[str, str, str]:
    names = _texts(value) if isinstance(value, list) else ()
    if len(names) != 3:
        raise ValueError("a list of three texts: the old widget, the width and the height")
    return names[0], names[1], names[2]


def _rows(value: Any) -> Rows:
    names = {"key", "prefix", "dropped", "unsure_with"}
    if not isinstance(value, Mapping) or not value.keys() <= names:
        raise ValueError(f"an object with {', '.join(sorted(names))}")
    try:
        return Rows(
            _text(value.get("key")),
            _text(value.get("prefix")),
            _texts(value.get("dropped", [])),
            _text_map(value.get("unsure_with", {})),
        )
    except ValueError as e:
        raise ValueError(f"an object with texts key and prefix, and what else is in it {e}") from e


_FIELDS: dict[str, Callable[[Any], Any]] = {
    "page_only": _flag,
    "set_name": _flag,
    "get_name": _flag,
    "named_only": _flag,
    "size_text": _size,
    "old_names": _text_map,
    "old_places": _places,
    "instead": _text_maps,
    "widgets": _text_map,
    "sockets": _texts,
    "ignores_surplus": _flag,
    "rows": _rows,
    "from_properties": _text_map,
    "fixed": _text_map,
    "first_choice": _texts,
    "patterns": _texts,
    "drawn": _texts,
    "refusal": _text,
}
# Rules of nodes that a server may lack: a beginning would speak of other packs' nodes too.
_WHOLE_NAMES = {"page_only", "set_name", "get_name"}
