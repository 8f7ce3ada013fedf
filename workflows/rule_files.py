"""The rules of node packs that others wrote, as values: those that packs brought, and the user's.

What can't be used is told in the log, with file and reason, and passed over: no run ends for it.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import ConfigError
from ..graph.node_classes.object_info import ObjectInfo, index_object_info
from ..graph.packs.claims import foreign_classes
from ..graph.packs.read_rules import read_rules
from ..graph.packs.rules import PackRules
from ..system import user_folders
from ..system.rule_files import NAME, USERS_FOLDER, UnusableFile, read_rule_file

log = logging.getLogger("discomfort.packs")

Tables = tuple[PackRules, ...]
_MOST_FILES = 200
_LONGEST = 2000  # letters of a message: names in a file may have any length
_NAMED = 5

_Stamps = tuple[tuple[str, int, int, int], ...]


class _Made(NamedTuple):
    raw: Mapping[str, Any]
    served: Any
    users: Tables
    info: ObjectInfo

    def is_of(self, raw: Mapping[str, Any], served: Any, users: Tables) -> bool:
        return self.raw is raw and self.served is served and self.users is users


class UsersRules:
    """The files in the user's folder, read again when one has changed."""

    def __init__(self) -> None:
        self._stamps: _Stamps | None = None
        self._tables: Tables = ()

    def tables(self) -> Tables:
        """The same object as long as nothing has changed."""
        try:
            folder = user_folders.found_data_folder(USERS_FOLDER)
            stamps = _stamps(folder)
        except OSError as e:
            folder, stamps = None, (("", 0, 0, 0),)
            if stamps != self._stamps:
                _pass_over("The folder of your own rules", str(e))
        if stamps != self._stamps:
            self._stamps = stamps
            read = [_read_users(folder / name) for name, *_ in stamps] if folder else []
            self._tables = tuple(table for table in read if table is not None)
        return self._tables


class ClassIndex:
    """A server's /object_info with all rules, made once for what it is made of."""

    def __init__(self) -> None:
        self._users = UsersRules()
        self._made: _Made | None = None

    @property
    def latest(self) -> ObjectInfo | None:
        """The index that was made last; None: none yet."""
        return None if self._made is None else self._made.info

    def of(self, raw: Mapping[str, Any] | ObjectInfo, served: Any) -> ObjectInfo:
        """The index; another object where anything of it has changed. An index stays as it is.

        Args:
            served: what the server gave: `worker/launch/pack_rules.py`.
        """
        if isinstance(raw, ObjectInfo):
            return raw
        users, made = self._users.tables(), self._made
        if made is not None and made.is_of(raw, served, users):
            return made.info
        info = index_object_info(raw, packs_tables(served, raw), users)
        for table in users:
            _say_foreign(table, raw)
        self._made = _Made(raw, served, users, info)
        return info

    def keep(self, raw: Mapping[str, Any], served: Any) -> None:
        """What was asked anew: where it says what is known, the index stays the one that it is."""
        made = self._made
        if made is not None and made.raw == raw and made.served == served:
            self._made = made._replace(raw=raw, served=served)


def packs_tables(served: Any, raw: Mapping[str, Any]) -> Tables:
    """The tables that packs brought, each for its own classes.

    Args:
        raw: the server's /object_info.
    """
    tables = []
    entries = served.get("packs") if isinstance(served, Mapping) else None
    for entry in entries if isinstance(entries, list) else ():
        pack = entry.get("pack") if isinstance(entry, Mapping) else None
        if not isinstance(pack, str) or not pack:
            continue
        source = f"custom_nodes/{pack}/{NAME}"
        if "rules" not in entry:
            _pass_over(source, str(entry.get("problem")))
            continue
        table = _checked(entry["rules"], source, pack)
        if table is not None:
            _say_foreign(table, raw)
            tables.append(table)
    return tuple(tables)


def _stamps(folder: Path | None) -> _Stamps:
    """Name, size and times of the files; in the order in which they win."""
    if folder is None:
        return ()
    with os.scandir(folder) as entries:
        found = sorted(e.name for e in entries if e.name.endswith(".json"))
    stamps = []
    for name in found[:_MOST_FILES]:
        about = os.lstat(folder / name)
        stamps.append((name, about.st_size, about.st_mtime_ns, about.st_ctime_ns))
    return tuple(stamps)


def _read_users(path: Path) -> PackRules | None:
    try:
        data = read_rule_file(path, path.parent)
    except UnusableFile as e:
        _pass_over(str(path), str(e))
        return None
    return _checked(data, str(path), None)


def _checked(data: Any, source: str, folder: str | None) -> PackRules | None:
    try:
        return read_rules(data, source, folder)
    except ConfigError as e:
        _pass_over(source, str(e))
        return None


def _pass_over(source: str, reason: str) -> None:
    log.warning("%s is passed over: %s", source, reason[:_LONGEST])


def _say_foreign(table: PackRules, raw: Mapping[str, Any]) -> None:
    foreign = foreign_classes(table, raw)
    if foreign:
        names = ", ".join(repr(name[:80]) for name in foreign[:_NAMED])
        more = f" and {len(foreign) - _NAMED} more" if len(foreign) > _NAMED else ""
        log.warning(
            "%s speaks of classes that are not the pack %s's: %s%s. What it says of these is "
            "passed over.",
            table.source,
            table.pack,
            names,
            more,
        )
