"""Routes for this machine only, whatever `--listen` says."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from ...system.local_requests import why_refused

Handler = Callable[[Any], Awaitable[Any]]


def local_only(handler: Handler, why: str) -> Handler:
    """Answer 403, and why, to whoever is not on this machine or not a page of this ComfyUI.

    Args:
        why: why this is for nobody else, as a sentence.
    """

    async def answer(request: Any) -> Any:
        from aiohttp import web

        refusal = why_refused(request)
        if refusal is not None:
            return web.json_response({"error": f"{why} {refusal}"}, status=403)
        return await handler(request)

    return answer
