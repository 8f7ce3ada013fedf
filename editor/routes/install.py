"""What the editor asks of us over HTTP, in the user's ComfyUI only."""

from __future__ import annotations

import asyncio
from typing import Any

from ...errors import DiscomfortError
from ..host import allowed_folders, comfyui
from ..host.shared_worker import is_worker
from ..run_nodes.request import find_port_types, is_by_reference
from .runs import register_runs_routes

PORTS_PATH = "/discomfort/ports"


def install() -> None:
    """Put the routes in place, once, if this is a ComfyUI that is no worker.

    Source: server.py of 0.3.64 and 0.33: routes that extensions add at import are served.
    """
    instance = comfyui.running_server()
    if instance is None or is_worker() or getattr(instance, "discomfort_ports", False):
        return
    instance.discomfort_ports = True
    instance.routes.get(PORTS_PATH)(_get_ports)
    register_runs_routes(instance.routes)


async def _get_ports(request: Any) -> Any:
    """`?workflow=NAME`, one or several: what goes in and comes out when they run in that order.

    Answers {"inputs": [{"name", "type", "by_reference"}], "outputs": [...]}; 400 {"error": text}
    for what can't be run.
    """
    from aiohttp import web

    names = [name for name in request.query.getall("workflow", []) if name.strip()]
    try:
        answer = await asyncio.to_thread(_ports_of, names)
    except (DiscomfortError, FileNotFoundError) as e:
        return web.json_response({"error": str(e)}, status=400)
    return web.json_response(answer)


def _ports_of(names: list[str]) -> dict[str, Any]:
    allowed = allowed_folders.workflow_folders()
    port_types = find_port_types(
        tuple(allowed_folders.find_workflow(name, allowed) for name in names)
    )
    return {
        key: [
            {"name": uid, "type": kind, "by_reference": is_by_reference(kind)}
            for uid, kind in ports.items()
        ]
        for key, ports in (("inputs", port_types.inputs), ("outputs", port_types.outputs))
    }
