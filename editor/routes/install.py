"""Puts in place what the editor asks of us over HTTP, in the user's ComfyUI only."""

from __future__ import annotations

from ..host import comfyui
from ..host.shared_worker import is_worker
from .ports import register_ports_route
from .runs import register_runs_routes


def install() -> None:
    """Put the routes in place, once, if this is a ComfyUI that is no worker.

    Source: server.py of 0.3.64 and 0.33: routes that extensions add at import are served.
    """
    instance = comfyui.running_server()
    if instance is None or is_worker() or getattr(instance, "discomfort_ports", False):
        return
    instance.discomfort_ports = True
    register_ports_route(instance.routes)
    register_runs_routes(instance.routes)
