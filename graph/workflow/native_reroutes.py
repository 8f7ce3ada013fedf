"""The editor's native reroutes and floating links: they only shape the drawing, but name links.

Schema 0.4 keeps them in `extra` (`reroutes`, `linkExtensions`), schema 1 and subgraph definitions
at the top (`reroutes`, a `parentId` in each link).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from .model import NodeId


@dataclass(frozen=True, slots=True)
class NativeReroutes:
    """`parents` says which reroute a link goes through: `{"id": link, "parentId": reroute}`."""

    reroutes: list[dict[str, Any]]
    parents: list[dict[str, Any]]
    floating: list[dict[str, Any]]

    def __bool__(self) -> bool:
        return bool(self.reroutes or self.parents or self.floating)


def read_reroutes(data: Mapping[str, Any]) -> NativeReroutes:
    """What a graph's JSON says, in whichever place its version has it."""
    found = data.get("extra")
    extra: Mapping[str, Any] = found if isinstance(found, dict) else {}
    parents = _dicts(extra.get("linkExtensions"))
    if not parents:
        parents = [
            {"id": link.get("id"), "parentId": link["parentId"]}
            for link in _dicts(data.get("links"))
            if link.get("parentId") is not None
        ]
    return NativeReroutes(
        _dicts(extra.get("reroutes"), data.get("reroutes")),
        parents,
        _dicts(extra.get("floatingLinks"), data.get("floatingLinks")),
    )


def with_reroutes(data: Mapping[str, Any], native: NativeReroutes) -> dict[str, Any]:
    """The JSON with these native instead of its own, where its version wants them."""
    out = {k: v for k, v in data.items() if k not in ("reroutes", "floatingLinks")}
    if isinstance(out.get("extra"), dict):
        out["extra"] = {
            k: v
            for k, v in out["extra"].items()
            if k not in ("reroutes", "linkExtensions", "floatingLinks")
        }
    if native.reroutes and out.get("version") == 1:
        out["reroutes"] = native.reroutes
    elif native.reroutes:
        in_extra = {"reroutes": native.reroutes, "linkExtensions": native.parents}
        out["extra"] = {**(out.get("extra") or {}), **in_extra}
    if native.floating:
        out["floatingLinks"] = native.floating
    return out


def tidy_reroutes(data: dict[str, Any], links: Collection[NodeId]) -> dict[str, Any]:
    """The JSON without what its native say of links that are gone, and without empty reroutes."""
    native = read_reroutes(data)
    if not native.reroutes and not native.parents:
        return data
    trimmed = [
        {**r, "linkIds": [i for i in r.get("linkIds") or [] if i in links]} for r in native.reroutes
    ]
    by_id = {r.get("id"): r for r in trimmed}
    alive: set[Any] = set()
    for reroute in trimmed:
        current = reroute.get("id") if reroute["linkIds"] or reroute.get("floating") else None
        while current in by_id and current not in alive:
            alive.add(current)
            current = by_id[current].get("parentId")
    reroutes = [r for r in trimmed if r.get("id") in alive]
    parents = [p for p in native.parents if p.get("id") in links and p.get("parentId") in alive]
    if (reroutes, parents) == (native.reroutes, native.parents):
        return data
    return with_reroutes(data, NativeReroutes(reroutes, parents, native.floating))


def renumber_reroutes(
    native: NativeReroutes,
    nodes: Mapping[NodeId, NodeId],
    links: Mapping[NodeId, NodeId],
    first_reroute: int,
    first_floating: int,
) -> NativeReroutes:
    """The same after nodes and links got other ids; reroutes and floating links are counted on."""
    reroutes = {r.get("id"): first_reroute + i for i, r in enumerate(native.reroutes)}

    def follow(item: dict[str, Any]) -> dict[str, Any]:
        parent = reroutes.get(item.get("parentId"))
        out = {k: v for k, v in item.items() if k != "parentId"}
        return out if parent is None else {**out, "parentId": parent}

    return NativeReroutes(
        [
            {
                **follow(r),
                "id": reroutes[r.get("id")],
                "linkIds": [links[i] for i in r.get("linkIds") or [] if i in links],
            }
            for r in native.reroutes
        ],
        [{**follow(p), "id": links[p["id"]]} for p in native.parents if p.get("id") in links],
        [
            {
                **follow(f),
                "id": first_floating + i,
                "origin_id": nodes.get(f.get("origin_id", -1), -1),
                "target_id": nodes.get(f.get("target_id", -1), -1),
            }
            for i, f in enumerate(native.floating)
        ],
    )


def _dicts(*values: Any) -> list[dict[str, Any]]:
    found = (item for value in values if isinstance(value, list) for item in value)
    return [item for item in found if isinstance(item, dict)]
