"""Runs inside a worker that is kept: hands it from one master to the next, emptied in between.

The two routes are its keeper's alone. `inside_comfyui.py` puts them in place; `guard.py` shuts the
last master out, `clean_comfyui.py` and `leavings.py` remove what it left.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Callable, Iterable
from typing import Any

from .clean_comfyui import Cleaner, NotClean
from .guard import Guard

log = logging.getLogger("discomfort.worker")

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
        save_in: has nodes save in another folder from now on.
        forget: each drops what a module of ours remembers of a master; may raise `OSError`.
    """

    def __init__(
        self,
        guard: Guard,
        cleaner: Cleaner,
        about: Callable[[], dict[str, Any]],
        save_in: Callable[[str], None],
        forget: Iterable[Callable[[], None]],
    ):
        self._guard, self._cleaner = guard, cleaner
        self._about, self._save_in, self._forget = about, save_in, tuple(forget)
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
            return _refusal(400, why)
        if self._letting_go is None or (self._letting_go.done() and not self._is_empty):
            self._letting_go = asyncio.create_task(self._let_go(float(wait_s)))
        try:
            # It goes on when the keeper does not wait for it; who asks twice waits for the first.
            await asyncio.shield(self._letting_go)
        except (NotClean, OSError) as e:
            return _refusal(409, str(e))
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

        body = await _body(request)
        output = body.get("output")
        if output is not None and not (isinstance(output, str) and os.path.isabs(output)):
            return _refusal(400, "output must be the whole path of a folder.")
        if not self._is_empty:
            return _refusal(409, "This worker has not been let go of.")
        if output is not None:
            try:
                os.makedirs(output, mode=0o700, exist_ok=True)
            except OSError as e:
                return _refusal(400, f"{output} can't be made: {e}")
        refusal = self._guard.admit(body.get("token"))
        if refusal is not None:
            return _refusal(400, refusal)
        if output is not None:
            self._save_in(output)
        self._is_empty, self._letting_go = False, None
        return web.json_response(self._about())


def _refusal(status: int, why: str) -> Any:
    from aiohttp import web

    return web.json_response({"is_idle": False, "why": why}, status=status)


async def _body(request: Any) -> dict[str, Any]:
    """The JSON of a request; empty for anything else."""
    try:
        body = await request.json()
    except (ValueError, LookupError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}
