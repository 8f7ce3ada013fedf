"""Which prompts of a ComfyUI that is no worker came from a script that proved itself.

Our internal nodes read and write where a prompt says. There anybody can queue prompts, so they do
nothing in any other: what they need is taken from scripts alone (`run_data.py`). Put in place by
`inside_comfyui.py`.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from typing import Any

from . import proof

_PATHS = ("/prompt", "/api/prompt")
_KEPT = 4096


class ProvenPrompts:
    """The ids of prompts that scripts of this user have queued.

    Args:
        start: of this server, which the proof is for.
        token_header: where a request has it.
    """

    def __init__(self, start: str, token_header: str):
        self._start, self._header = start, token_header
        self._ids: OrderedDict[str, None] = OrderedDict()

    def is_proven(self, request: Any) -> bool:
        """Whether a request is a script's of this user."""
        given = request.headers.get(self._header)
        if not given:
            return False
        try:
            expected = proof.script_token(self._start, port_of(request))
        except OSError:
            return False
        return proof.is_equal(given, expected)

    def has(self, prompt_id: Any) -> bool:
        return prompt_id in self._ids

    def middleware(self) -> Any:
        """Notes the prompts of scripts, and lets nobody else take one's id."""
        from aiohttp import web

        @web.middleware
        async def note(request: Any, handler: Any) -> Any:
            if request.method == "POST" and request.path in _PATHS:
                is_proven = self.is_proven(request)
                if is_proven or self._ids:
                    prompt_id = await _prompt_id_of(request)
                    if is_proven and prompt_id is not None:
                        self._note(prompt_id)
                    elif prompt_id in self._ids:
                        return web.Response(status=409, text="This prompt is a script's.\n")
            return await handler(request)

        return note

    def _note(self, prompt_id: str) -> None:
        self._ids[prompt_id] = None
        self._ids.move_to_end(prompt_id)
        while len(self._ids) > _KEPT:
            self._ids.popitem(last=False)


async def _prompt_id_of(request: Any) -> str | None:
    """The id in a body, read as ComfyUI reads it: in the charset that the request names."""
    try:
        given = json.loads(await request.text()).get("prompt_id")
    except (ValueError, LookupError, AttributeError, RecursionError):
        return None
    return None if given is None else str(given)


def port_of(request: Any) -> int:
    """The port of this server that a request came to."""
    return request.transport.get_extra_info("sockname")[1]
