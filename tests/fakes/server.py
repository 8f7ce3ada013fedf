"""The fake's HTTP routes and websocket, under the names by which extensions know ComfyUI's own."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import os
import struct
import sys
import time
import uuid
from collections import Counter
from typing import Any

import folder_paths
from aiohttp import WSMsgType, web
from comfyui_version import __version__
from execution import PromptQueue
from replacements import Replacements
from validation import error, validate

import nodes


class PromptServer:
    """One per process, found through `PromptServer.instance`."""

    instance: PromptServer

    def __init__(self, loop: asyncio.AbstractEventLoop, faults: dict[str, Any]):
        PromptServer.instance = self
        self.loop = loop
        self.faults = faults
        self.requests: Counter[str] = Counter()
        self.app = web.Application(client_max_size=100 * 1024 * 1024, middlewares=[self._answer])
        self.routes = web.RouteTableDef()
        self.sockets: dict[str, web.WebSocketResponse] = {}
        self.client_id: str | None = None
        self.last_prompt_id: str | None = None
        self.last_node_id: str | None = None
        self.messages: asyncio.Queue[tuple[Any, Any, str | None]] = asyncio.Queue()
        self.prompt_queue = PromptQueue(self._queue_updated)
        self.node_replace_manager = Replacements()
        self.number = 0
        self.on_prompt_handlers: list[Any] = []
        self._add_routes()

    def _queue_updated(self) -> None:
        self.send_sync("status", self._status())

    def _status(self) -> dict[str, Any]:
        return {"status": {"exec_info": {"queue_remaining": self.prompt_queue.remaining}}}

    def send_sync(self, event: Any, data: Any, sid: str | None = None) -> None:
        """Send to one client, or to all, from any thread."""
        self.loop.call_soon_threadsafe(self.messages.put_nowait, (event, data, sid))

    async def publish(self) -> None:
        """The one that writes to sockets: who does not read stalls everybody, as with the real
        one.
        """
        while True:
            event, data, sid = await self.messages.get()
            if "stall" in self.faults:
                await asyncio.sleep(float(self.faults.pop("stall")))
            if "mute" in self.faults:
                continue
            if "foreign" in self.faults:
                await self._send_foreign(sid)
            await self._send(event, data, sid)
            if self.faults.get("drop-socket") == event:
                del self.faults["drop-socket"]
                await self._drop_sockets()

    async def _send(self, event: Any, data: Any, sid: str | None) -> None:
        targets = self.sockets.values() if sid is None else [self.sockets.get(sid)]
        for ws in [t for t in targets if t is not None]:
            try:
                if isinstance(event, int):
                    await ws.send_bytes(_preview(event, data))
                else:
                    await ws.send_str(json.dumps({"type": event, "data": data}))
            except (ConnectionError, RuntimeError) as e:
                logging.debug("A client is gone: %s", e)

    async def _send_foreign(self, sid: str | None) -> None:
        """What a shared server or a strange extension may send in between."""
        other = str(uuid.uuid4())
        for event, data in (
            ("execution_start", {"prompt_id": other}),
            ("executing", {"node": "1", "prompt_id": other}),
            ("executed", {"node": "1", "prompt_id": other, "output": {"text": ["not yours"]}}),
            ("execution_success", {"prompt_id": other}),
            ("execution_error", {"prompt_id": other, "exception_message": "not yours"}),
            ("progress", {"value": "x"}),
            ("some.extension", None),
        ):
            await self._send(event, data, sid)
        for ws in list(self.sockets.values()):
            await ws.send_str("no json at all")
            await ws.send_bytes(b"\x00\x00\x00\x63?")

    async def _drop_sockets(self) -> None:
        for ws in list(self.sockets.values()):
            transport = ws._req.transport if ws._req else None
            if transport is not None:
                transport.abort()

    async def _ws(self, request: web.Request) -> web.WebSocketResponse:
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        sid = request.query.get("clientId") or uuid.uuid4().hex
        self.sockets[sid] = ws
        try:
            await self._send("status", {**self._status(), "sid": sid}, sid)
            async for message in ws:
                if message.type == WSMsgType.ERROR:
                    break
        finally:
            self.sockets.pop(sid, None)
        return ws

    def _add_routes(self) -> None:
        for method, path, handler in (
            ("GET", "/ws", self._ws),
            ("GET", "/system_stats", self._system_stats),
            ("GET", "/object_info", self._object_info),
            ("GET", "/object_info/{node_class}", self._object_info),
            ("GET", "/node_replacements", self._node_replacements),
            ("GET", "/prompt", self._get_prompt),
            ("POST", "/prompt", self._post_prompt),
            ("GET", "/queue", self._get_queue),
            ("POST", "/queue", self._post_queue),
            ("POST", "/interrupt", self._interrupt),
            ("GET", "/history", self._history),
            ("GET", "/history/{prompt_id}", self._history),
            ("POST", "/history", self._post_history),
            ("POST", "/free", self._free),
            ("GET", "/view", self._view),
            ("POST", "/upload/image", self._upload),
            ("POST", "/fake/misbehave", self._misbehave),
            ("GET", "/fake/requests", self._requests),
        ):
            self.routes.route(method, path)(handler)

    @web.middleware
    async def _answer(self, request: web.Request, handler: Any) -> web.StreamResponse:
        """Count it; or, with the fault `busy`, fail as a server does that has too much to do."""
        self.requests[request.path] += 1
        is_ours = request.path.startswith("/fake/")
        if not is_ours and request.path.startswith(self.faults.get("busy", "\n")):
            raise web.HTTPServiceUnavailable
        return await handler(request)

    async def _requests(self, request: web.Request) -> web.Response:
        return web.json_response(self.requests)

    async def _misbehave(self, request: web.Request) -> web.Response:
        """Set faults, `{name: value}`; null takes one away."""
        for name, value in (await request.json()).items():
            self.faults.pop(name, None)
            if value is not None:
                self.faults[name] = value
        return web.json_response(self.faults)

    async def _system_stats(self, request: web.Request) -> web.Response:
        system = {"comfyui_version": __version__, "argv": sys.argv, "python_version": sys.version}
        return web.json_response({"system": system, "devices": []})

    async def _object_info(self, request: web.Request) -> web.Response:
        wanted = request.match_info.get("node_class")
        names = nodes.NODE_CLASS_MAPPINGS if wanted is None else [wanted]
        known = [name for name in names if name in nodes.NODE_CLASS_MAPPINGS]
        return web.json_response({name: _describe(name) for name in known})

    async def _node_replacements(self, request: web.Request) -> web.Response:
        return web.json_response(self.node_replace_manager.as_dict())

    async def _get_prompt(self, request: web.Request) -> web.Response:
        return web.json_response(self._status()["status"])

    async def _post_prompt(self, request: web.Request) -> web.Response:
        logging.info("got prompt")
        body = await request.json()
        for handler in self.on_prompt_handlers:
            body = handler(body)
        if "refuse" in self.faults:
            refusal = error("prompt_no_outputs", "Prompt has no outputs")
            return web.json_response({"error": refusal, "node_errors": {}}, status=400)
        if not isinstance(body.get("prompt"), dict):
            refusal = error("no_prompt", "No prompt provided", "No prompt provided")
            return web.json_response({"error": refusal, "node_errors": {}}, status=400)
        self.node_replace_manager.apply(body["prompt"])
        refusal, outputs, node_errors = validate(body["prompt"])
        if refusal is not None:
            logging.warning("invalid prompt: %s", refusal)
            return web.json_response({"error": refusal, "node_errors": node_errors}, status=400)
        self.number += 1
        number = -self.number if body.get("front") else self.number
        extra = dict(body.get("extra_data") or {}, create_time=int(time.time() * 1000))
        if "client_id" in body:
            extra["client_id"] = body["client_id"]
        prompt_id = str(body.get("prompt_id") or uuid.uuid4())
        self.prompt_queue.put((number, prompt_id, body["prompt"], extra, outputs, {}))
        if "drop-answer" in self.faults and request.transport:
            del self.faults["drop-answer"]
            request.transport.abort()
        return web.json_response(
            {"prompt_id": prompt_id, "number": number, "node_errors": node_errors}
        )

    async def _get_queue(self, request: web.Request) -> web.Response:
        return web.json_response(self.prompt_queue.rows())

    async def _post_queue(self, request: web.Request) -> web.Response:
        body = await request.json()
        if body.get("clear"):
            rows = self.prompt_queue.rows()["queue_pending"]
            self.prompt_queue.delete([row[1] for row in rows])
        self.prompt_queue.delete(body.get("delete") or [])
        return web.Response()

    async def _interrupt(self, request: web.Request) -> web.Response:
        body = await request.json() if request.can_read_body else {}
        if "no-interrupt" not in self.faults:
            self.prompt_queue.interrupt(body.get("prompt_id"))
        return web.Response()

    async def _history(self, request: web.Request) -> web.Response:
        history, wanted = self.prompt_queue.history, request.match_info.get("prompt_id")
        if wanted is not None:
            history = {wanted: history[wanted]} if wanted in history else {}
        return web.json_response(history)

    async def _post_history(self, request: web.Request) -> web.Response:
        body = await request.json()
        if body.get("clear"):
            self.prompt_queue.history.clear()
        for prompt_id in body.get("delete") or []:
            self.prompt_queue.history.pop(prompt_id, None)
        return web.Response()

    async def _free(self, request: web.Request) -> web.Response:
        return web.Response()

    async def _view(self, request: web.Request) -> web.StreamResponse:
        try:
            folder = folder_paths.folder_of(request.query.get("type", "output"))
        except KeyError:
            return web.Response(status=400)
        name = os.path.join(request.query.get("subfolder", ""), request.query.get("filename", ""))
        path = folder_paths.inside(folder, name)
        if path is None:
            return web.Response(status=403)
        return web.FileResponse(path) if os.path.isfile(path) else web.Response(status=404)  # noqa: ASYNC240

    async def _upload(self, request: web.Request) -> web.Response:
        form = await request.post()
        image = form.get("image")
        if not isinstance(image, web.FileField):
            return web.Response(status=400)
        kind, subfolder = str(form.get("type", "input")), str(form.get("subfolder", ""))
        path = folder_paths.inside(
            folder_paths.folder_of(kind), os.path.join(subfolder, os.path.basename(image.filename))
        )
        if path is None:
            return web.Response(status=400)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:  # noqa: ASYNC230
            file.write(image.file.read())
        name = os.path.basename(path)
        return web.json_response({"name": name, "subfolder": subfolder, "type": kind})


def _preview(event: int, data: Any) -> bytes:
    """A picture for the socket, `(format, PIL image, largest side)`; with event 4 also whose it
    is.
    """
    (form, image, largest), about = data if event == 4 else (data, None)
    if largest:
        image = image.copy()
        image.thumbnail((largest, largest))
    out = io.BytesIO()
    image.save(out, form)
    if about is None:
        return struct.pack(">II", 1, 1 if form == "JPEG" else 2) + out.getvalue()
    words = json.dumps({**about, "image_type": f"image/{form.lower()}"}).encode()
    return struct.pack(">II", 4, len(words)) + words + out.getvalue()


def _describe(name: str) -> dict[str, Any]:
    """The entry of /object_info."""
    kind = nodes.NODE_CLASS_MAPPINGS[name]
    types = kind.INPUT_TYPES()
    count = len(kind.RETURN_TYPES)
    return {
        "input": types,
        "input_order": {part: list(inputs) for part, inputs in types.items()},
        "is_input_list": getattr(kind, "INPUT_IS_LIST", False),
        "output": list(kind.RETURN_TYPES),
        "output_is_list": list(getattr(kind, "OUTPUT_IS_LIST", [False] * count)),
        "output_name": list(getattr(kind, "RETURN_NAMES", kind.RETURN_TYPES)),
        "name": name,
        "display_name": nodes.NODE_DISPLAY_NAME_MAPPINGS.get(name, name),
        "description": getattr(kind, "DESCRIPTION", ""),
        "python_module": nodes.MODULES.get(name, "nodes"),
        "category": getattr(kind, "CATEGORY", "sd"),
        "output_node": getattr(kind, "OUTPUT_NODE", False),
        "search_aliases": [],
        "api_node": getattr(kind, "API_NODE", None),
    }
