"""Runs inside a worker that is kept: hands it from one master to the next, emptied in between.

The two routes are its keeper's alone. `inside_comfyui.py` puts them in place; `guard.py` shuts the
last master out, `clean_comfyui.py` and `leavings.py` remove what it left.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable
from typing import Any

from .clean_comfyui import Cleaner, NotClean
from .guard import Guard

log = logging.getLogger("discomfort.worker")

KEEPER_VARIABLE = "DISCOMFORT_KEEPER_TOKEN"
LET_GO_PATH = "/discomfort/keep/let_go"
TAKE_PATH = "/discomfort/keep/take"
DEFAULT_WAIT_S = 30.0
LONGEST_WAIT_S = 600.0


class Keeping:
    """Who has this worker, and what is kept in it.

    Args:
        guard: who lets in.
        cleaner: of ComfyUI.
        about: what `/discomfort/hello` answers.
        forget: each drops what a module of ours remembers of a master; may raise `OSError`.
    """

    def __init__(
        self,
        guard: Guard,
        cleaner: Cleaner,
        about: Callable[[], dict[str, Any]],
        forget: Iterable[Callable[[], None]],
    ):
        self._guard, self._cleaner = guard, cleaner
        self._about, self._forget = about, tuple(forget)
        self._letting_go: asyncio.Task[None] | None = None
        self._is_empty = False
        self.kept: list[dict[str, Any]] = []

    def add_routes(self, routes: Any) -> None:
        """Source: server.py of 0.3.64 and 0.33: `routes` are served below "/api" as well."""
        routes.post(LET_GO_PATH)(self._answer_let_go)
        routes.post(TAKE_PATH)(self._answer_take)
        self._guard.reserve((self._answer_let_go, self._answer_take))

    async def _answer_let_go(self, request: Any) -> Any:
        from aiohttp import web

        wait_s = (await _body(request)).get("wait_s", DEFAULT_WAIT_S)
        is_number = isinstance(wait_s, (int, float)) and not isinstance(wait_s, bool)
        if not is_number or not 0 <= wait_s <= LONGEST_WAIT_S:
            why = f"wait_s must be a number of seconds from 0 to {LONGEST_WAIT_S:.0f}."
            return web.json_response({"is_idle": False, "why": why}, status=400)
        if self._letting_go is None or (self._letting_go.done() and not self._is_empty):
            self._letting_go = asyncio.create_task(self._let_go(float(wait_s)))
        try:
            # It goes on when the keeper does not wait for it; who asks twice waits for the first.
            await asyncio.shield(self._letting_go)
        except (NotClean, OSError) as e:
            return web.json_response({"is_idle": False, "why": str(e)}, status=409)
        return web.json_response({"is_idle": True, "kept": self.kept})

    async def _let_go(self, wait_s: float) -> None:
        """Shut the master out, then empty all.

        Raises:
            NotClean, OSError: something of it is left. The next try begins anew.
        """
        deadline = time.monotonic() + wait_s
        self.kept = []
        if not await self._guard.shut_out(wait_s):
            raise NotClean("A request of the last script does not end.")
        try:
            self.kept = await self._cleaner.clean(deadline)
            for forget in self._forget:
                forget()
        except (NotClean, OSError):
            raise
        except Exception as e:  # a ComfyUI that differs, or code of a node pack
            log.exception("This worker can't be emptied.")
            raise NotClean(f"It can't be emptied: {type(e).__name__}: {e}") from e
        self._is_empty = True
        log.info("The last script has let go of this worker; %d models are kept.", len(self.kept))

    async def _answer_take(self, request: Any) -> Any:
        from aiohttp import web

        token = (await _body(request)).get("token")
        if not self._is_empty:
            return web.Response(status=409, text="This worker has not been let go of.\n")
        refusal = self._guard.admit(token)
        if refusal is not None:
            return web.Response(status=400, text=f"{refusal}\n")
        self._is_empty, self._letting_go = False, None
        return web.json_response(self._about())


async def _body(request: Any) -> dict[str, Any]:
    """The JSON of a request; empty for anything else."""
    try:
        body = await request.json()
    except (ValueError, LookupError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}
