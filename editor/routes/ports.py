"""The route behind the sockets of nodes that run workflows: names and types of ports.

It answers whoever ComfyUI answers, also behind `--listen` and proxies, and tells of a saved
workflow only whom ComfyUI's own `/userdata` gives that file.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from ...errors import DiscomfortError
from ..host import allowed_folders, comfyui
from ..run_nodes.request import find_port_types, is_by_reference

PORTS_PATH = "/discomfort/ports"


class _NotFound(LookupError):
    """No such workflow, for whoever asks: whether there is one elsewhere is not told."""


def register_ports_route(routes: Any) -> None:
    """Add the route to an aiohttp RouteTableDef."""
    routes.get(PORTS_PATH)(_get_ports)


async def _get_ports(request: Any) -> Any:
    """`?workflow=NAME`, one or several: what goes in and comes out when they run in that order.

    Answers {"inputs": [{"name", "type", "by_reference"}], "outputs": [...]}; 400 or 404
    {"error": text}, without a path, for what can't be run.
    """
    from aiohttp import web

    names = [name for name in request.query.getall("workflow", []) if name.strip()]
    try:
        answer = await asyncio.to_thread(_ports_of, names, request)
    except _NotFound as e:
        return web.json_response({"error": str(e)}, status=404)
    except DiscomfortError as e:
        return web.json_response({"error": str(e)}, status=400)
    except (OSError, RecursionError):  # a file that went just now, or that nobody could read
        text = f"{', '.join(names)} can't be read. Look whether the editor opens it."
        return web.json_response({"error": text}, status=400)
    return web.json_response(answer)


def _ports_of(names: list[str], request: Any) -> dict[str, Any]:
    port_types = find_port_types(tuple(_find(name.strip(), request) for name in names))
    return {
        key: [
            {"name": uid, "type": kind, "by_reference": is_by_reference(kind)}
            for uid, kind in ports.items()
        ]
        for key, ports in (("inputs", port_types.inputs), ("outputs", port_types.outputs))
    }


def _find(name: str, request: Any) -> Path:
    """The file that a node would run, if who asks may know it."""
    found = allowed_folders.find_allowed(name, allowed_folders.workflow_folders())
    saved = allowed_folders.saved_workflows().resolve()
    if found is None or not found.is_file() or not _may_know(request, saved, found):
        raise _NotFound(
            f"There is no workflow {name!r} here. Save it in the editor, or check its name."
        )
    return found


def _may_know(request: Any, saved: Path, found: Path) -> bool:
    return saved not in found.parents or comfyui.gives_to(request, saved, found)
