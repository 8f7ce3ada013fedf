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
class Wires:
    """`parents` says which reroute a link goes through: `{"id": link, "parentId": reroute}`."""

    reroutes: list[dict[str, Any]]
    parents: list[dict[str, Any]]
    floating: list[dict[str, Any]]

    def __bool__(self) -> bool:
        return bool(self.reroutes or self.parents or self.floating)


def read_wires(data: Mapping[str, Any]) -> Wires:
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
    return Wires(
        _dicts(extra.get("reroutes"), data.get("reroutes")),
        parents,
        _dicts(extra.get("floatingLinks"), data.get("floatingLinks")),
    )


def with_wires(data: Mapping[str, Any], wires: Wires) -> dict[str, Any]:
    """The JSON with these wires instead of its own, where its version wants them."""
    out = {k: v for k, v in data.items() if k not in ("reroutes", "floatingLinks")}
    if isinstance(out.get("extra"), dict):
        out["extra"] = {
            k: v
            for k, v in out["extra"].items()
            if k not in ("reroutes", "linkExtensions", "floatingLinks")
        }
    if wires.reroutes and out.get("version") == 1:
        out["reroutes"] = wires.reroutes
    elif wires.reroutes:
        in_extra = {"reroutes": wires.reroutes, "linkExtensions": wires.parents}
        out["extra"] = {**(out.get("extra") or {}), **in_extra}
    if wires.floating:
        out["floatingLinks"] = wires.floating
    return out


def tidy_wires(data: dict[str, Any], links: Collection[NodeId]) -> dict[str, Any]:
    """The JSON without what its wires say of links that are gone, and without empty reroutes."""
    wires = read_wires(data)
    if not wires.reroutes and not wires.parents:
        return data
    trimmed = [
        {**r, "linkIds": [i for i in r.get("linkIds") or [] if i in links]} for r in wires.reroutes
    ]
    by_id = {r.get("id"): r for r in trimmed}
    alive: set[Any] = set()
    for reroute in trimmed:
        current = reroute.get("id") if reroute["linkIds"] or reroute.get("floating") else None
        while current in by_id and current not in alive:
            alive.add(current)
            current = by_id[current].get("parentId")
    reroutes = [r for r in trimmed if r.get("id") in alive]
    parents = [p for p in wires.parents if p.get("id") in links and p.get("parentId") in alive]
    if (reroutes, parents) == (wires.reroutes, wires.parents):
        return data
    return with_wires(data, Wires(reroutes, parents, wires.floating))


def renumber_wires(
    wires: Wires,
    nodes: Mapping[NodeId, NodeId],
    links: Mapping[NodeId, NodeId],
    first_reroute: int,
    first_floating: int,
) -> Wires:
    """The wires after nodes and links got other ids; reroutes and floating links are counted on."""
    reroutes = {r.get("id"): first_reroute + i for i, r in enumerate(wires.reroutes)}

    def follow(item: dict[str, Any]) -> dict[str, Any]:
        parent = reroutes.get(item.get("parentId"))
        out = {k: v for k, v in item.items() if k != "parentId"}
        return out if parent is None else {**out, "parentId": parent}

    return Wires(
        [
            {
                **follow(r),
                "id": reroutes[r.get("id")],
                "linkIds": [links[i] for i in r.get("linkIds") or [] if i in links],
            }
            for r in wires.reroutes
        ],
        [{**follow(p), "id": links[p["id"]]} for p in wires.parents if p.get("id") in links],
        [
            {
                **follow(f),
                "id": first_floating + i,
                "origin_id": nodes.get(f.get("origin_id", -1), -1),
                "target_id": nodes.get(f.get("target_id", -1), -1),
            }
            for i, f in enumerate(wires.floating)
        ],
    )


def _dicts(*values: Any) -> list[dict[str, Any]]:
    found = (item for value in values if isinstance(value, list) for item in value)
    return [item for item in found if isinstance(item, dict)]
