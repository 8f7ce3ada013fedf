"""Where the models of a workflow come from, as far as the file says: `properties.models` of its
nodes, those inside of subgraphs and group nodes, and the list `models` of older files.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from .nearest import base_name
from .values import ModelSource

_SHA256 = re.compile(r"[0-9a-fA-F]{64}")


def model_sources(data: Mapping[str, Any]) -> list[ModelSource]:
    """All that a workflow's JSON says of models, each thing once. Nothing else is read of it."""
    found: dict[ModelSource, None] = {}
    for entry in _entries(data):
        source = _read(entry)
        if source is not None:
            found[source] = None
    return list(found)


def source_of(name: str, folder: str | None, sources: list[ModelSource]) -> ModelSource | None:
    """What is said of the model of that name: of that folder before others, and of the very name
    before one that has no folder in it.
    """
    same = [s for s in sources if s.name == name]
    same = same or [s for s in sources if base_name(s.name) == base_name(name)]
    # One with a hash can be checked.
    same.sort(key=lambda s: (s.folder != folder, s.sha256 is None))
    return same[0] if same else None


def _entries(data: Mapping[str, Any]) -> Iterator[Any]:
    for nodes in _node_lists(data):
        for node in nodes:
            properties = node.get("properties") if isinstance(node, Mapping) else None
            if isinstance(properties, Mapping):
                yield from _listed(properties.get("models"))
    yield from _listed(data.get("models"))


def _node_lists(data: Mapping[str, Any]) -> Iterator[list[Any]]:
    yield _listed(data.get("nodes"))
    definitions = data.get("definitions")
    if isinstance(definitions, Mapping):
        for subgraph in _listed(definitions.get("subgraphs")):
            if isinstance(subgraph, Mapping):
                yield _listed(subgraph.get("nodes"))
                yield [{"properties": subgraph}]  # a list of its own
    extra = data.get("extra")
    groups = extra.get("groupNodes") if isinstance(extra, Mapping) else None
    for group in groups.values() if isinstance(groups, Mapping) else ():
        if isinstance(group, Mapping):
            yield _listed(group.get("nodes"))


def _read(entry: Any) -> ModelSource | None:
    if not isinstance(entry, Mapping):
        return None
    name, url, folder = (entry.get(key) for key in ("name", "url", "directory"))
    if not isinstance(name, str) or not name or not isinstance(url, str):
        return None
    kind, digest = str(entry.get("hash_type") or "sha256"), str(entry.get("hash"))
    is_sha256 = kind.lower().replace("-", "") == "sha256" and _SHA256.fullmatch(digest)
    sha256 = digest.lower() if is_sha256 else None
    return ModelSource(name, url, folder if isinstance(folder, str) else "", sha256)


def _listed(items: Any) -> list[Any]:
    return items if isinstance(items, list) else []
