"""Which classes a pack's rules speak of that are not that pack's: these are passed over."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .known_packs import KNOWN
from .rules import PackRules, is_of_pack


def foreign_classes(rules: PackRules, raw: Mapping[str, Any]) -> list[str]:
    """The names of a table that are passed over; none of a user's, which speaks of any class.

    Args:
        raw: the server's /object_info.
    """
    if not rules.pack:
        return []
    return [name for name in rules.classes if _is_foreign(name, rules.pack, raw)]


def _is_foreign(name: str, pack: str, raw: Mapping[str, Any]) -> bool:
    if name.endswith("*"):  # a beginning speaks of this pack's among those that begin so
        meant = [kind for kind in raw if kind.startswith(name[:-1])]
        return bool(meant) and not any(is_of_pack(_module(kind, raw), pack) for kind in meant)
    if name in raw:
        return not is_of_pack(_module(name, raw), pack)
    return KNOWN.owner(name) not in (None, pack.lower())


def _module(class_type: str, raw: Mapping[str, Any]) -> str:
    definition = raw.get(class_type)
    return str(definition.get("python_module")) if isinstance(definition, Mapping) else ""
