"""The node packs whose classes a workflow has and the server lacks, and what installs each.

A node's file says its pack (`cnr_id` of the registry, `aux_id` of a repository); of others the
ComfyUI Manager's published map may, where that is installed (`PackMap`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ..convert.missing_classes import CORE_PACK, pack_meta
from .values import MissingPack, Place

# What may stand in a command: the rest of a file's words is a stranger's, and might be one itself.
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
_REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,99}/(?!\.)[A-Za-z0-9_.-]{1,100}")
_ADDRESS = re.compile(r"https://[A-Za-z0-9.-]+(/[A-Za-z0-9_.~-]+)+/?")


class UnknownNode(NamedTuple):
    """A node whose class the server lacks; `meta`: its properties, or its `_meta`."""

    place: Place
    meta: Any


@dataclass(frozen=True, slots=True)
class PackMap:
    """The Manager's published map.

    Attributes:
        of_class: class -> address of the pack's repository.
        patterns: of classes' names -> that address.
        ids: address -> the pack's id in the registry.
    """

    of_class: Mapping[str, str] = field(default_factory=dict)
    patterns: tuple[tuple[re.Pattern[str], str], ...] = ()
    ids: Mapping[str, str] = field(default_factory=dict)

    def address_of(self, class_type: str) -> str | None:
        """The address of the pack that has the class."""
        found = self.of_class.get(class_type)
        matching = (address for pattern, address in self.patterns if pattern.search(class_type))
        return found if found is not None else next(matching, None)


def read_pack_map(nodes: Any, packs: Any) -> PackMap:
    """What `extension-node-map.json` and `custom-node-list.json` say; what is odd is left out."""
    of_class: dict[str, str] = {}
    patterns = []
    for address, entry in nodes.items() if isinstance(nodes, Mapping) else ():
        if not isinstance(entry, list) or not entry or not isinstance(entry[0], list):
            continue
        for class_type in entry[0]:
            if isinstance(class_type, str):
                of_class.setdefault(class_type, address)
        about = entry[1] if len(entry) > 1 and isinstance(entry[1], Mapping) else {}
        pattern = about.get("nodename_pattern")
        try:
            if isinstance(pattern, str) and pattern:
                patterns.append((re.compile(pattern), address))
        except re.error:
            continue
    return PackMap(of_class, tuple(patterns), dict(_registered(packs)))


def _registered(packs: Any) -> Iterator[tuple[str, str]]:
    listed = packs.get("custom_nodes") if isinstance(packs, Mapping) else None
    for entry in listed if isinstance(listed, list) else ():
        if isinstance(entry, Mapping) and isinstance(entry.get("id"), str):
            yield str(entry.get("reference")), entry["id"]


def missing_packs(
    nodes: Iterable[UnknownNode], known: PackMap, comfyui: str = ""
) -> list[MissingPack]:
    """The packs of nodes whose classes the server lacks, those that are not known at the end.

    Args:
        comfyui: the folder of the ComfyUI, for the commands.
    """
    found: dict[tuple[str, str], dict[str, list[Place]]] = {}
    versions: dict[tuple[str, str], str] = {}
    for place, meta in nodes:
        said = pack_meta(meta) if isinstance(meta, Mapping) else {}
        key = _pack_of(place.node_type, said, known)
        found.setdefault(key, {}).setdefault(place.node_type, []).append(place)
        versions.setdefault(key, said.get("ver", ""))
    packs = [
        _make_pack(name, address, versions[name, address], classes, comfyui)
        for (name, address), classes in found.items()
    ]
    return sorted(packs, key=lambda pack: not pack.name)


def _pack_of(class_type: str, said: Mapping[str, str], known: PackMap) -> tuple[str, str]:
    """Its name and the address of its repository, "" for what is not known."""
    name, aux = said.get("cnr_id", ""), said.get("aux_id", "")
    address = f"https://github.com/{aux}" if _REPOSITORY.fullmatch(aux) else ""
    if not name and not address:
        address = known.address_of(class_type) or ""
        name = known.ids.get(address, "")
    return name or aux or address.rstrip("/").rpartition("/")[2], address


def _make_pack(
    name: str, address: str, version: str, classes: Mapping[str, list[Place]], comfyui: str
) -> MissingPack:
    is_core = name == CORE_PACK
    command = None if is_core else install_command(name, address, comfyui)
    places = tuple((kind, tuple(nodes)) for kind, nodes in classes.items())
    return MissingPack(name, version, address, is_core, places, command)


def install_command(name: str, address: str, comfyui: str) -> str | None:
    """The command that installs a pack; None where what the file says is no name of one.

    Args:
        name: its id in the registry, or whatever else it is called.
        comfyui: the folder of the ComfyUI.
    """
    folder = address.rstrip("/").rpartition("/")[2].removesuffix(".git")
    if _ID.fullmatch(name) and name != folder:
        where = f' --workspace "{comfyui}"' if comfyui else ""
        return f"comfy{where} node install {name}"
    if _ADDRESS.fullmatch(address) and ".." not in address:
        place = f"{comfyui}/custom_nodes" if comfyui else "custom_nodes"
        return f'git clone {address} "{place}/{folder}"'
    return None


def is_of_folder(pack: MissingPack, folder: str) -> bool:
    """Whether a folder below custom_nodes is most likely that of the pack."""
    of_address = pack.repository.rstrip("/").rpartition("/")[2]
    names = {pack.name, pack.name.rpartition("/")[2], of_address}
    return _plain(folder) in {_plain(name.removesuffix(".git")) for name in names if name}


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())
