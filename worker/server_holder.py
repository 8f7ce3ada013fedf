"""What a connector does about its server: has one started when it is needed, and ended.

The connector of `comfy_serverless.py` is one; whoever only looks needs no more than `server_view`.
"""

from __future__ import annotations

import asyncio

from ..errors import WorkerStartError
from ..system.config import WorkerConfig
from ..system.ctrl_c import heard, say_what_follows
from ..system.login import Login, is_login_set, read_login
from .attached_server import AttachedServer
from .client.client import Client
from .client.uploads import Uploads
from .keep_warm import keep_warm_s, say_kept
from .keeper.kept_process import KeptProcess
from .kept_classes import keep_now
from .launch.settings import WorkerOptions, make_launch
from .server import Worker
from .server_view import ServerView

_ENDED = "ComfyUI is being ended"


class ServerHolder(ServerView):
    """One server after the other: the first at the first need, the next when one has died."""

    def __init__(self, config: WorkerConfig, options: WorkerOptions | None = None):
        super().__init__()
        self._config, self._options = config, options or WorkerOptions()
        self._uploads = Uploads()
        self._keep_s: float | None = None
        self._knows_keep_s = False

    async def _ensure_client(self, start_timeout: float | None = None) -> Client:
        if self._is_killed:
            raise WorkerStartError(
                "This connector was killed. ComfyConnector.create() makes a new one."
            )
        if self._server is None:
            self._server = self._make_server()
        client = await self._server.ensure_ready(start_timeout)
        say_kept(self._keep_s)
        if self._uploads.has_ephemeral:  # those of a worker that died are this one's now
            self._uploads.keep_journal_in(self._server.journal_folder())
        return client

    def expect_classes(self) -> None:
        """Have a worker begin with the answer to /object_info: a run is to come."""
        client = self._client_now()
        if client is not None and isinstance(self._server, Worker):
            client.ask.expect_object_info()

    @property
    def login(self) -> Login:
        """The login of the user's Comfy account, in the configuration or the environment.

        Raises:
            ConfigError: it can be none.
        """
        return read_login(self._config.COMFY_ORG_API_KEY)

    @property
    def has_login(self) -> bool:
        """Whether one is set; a bad one is an error only where it is needed."""
        return is_login_set(self._config.COMFY_ORG_API_KEY)

    def _make_server(self) -> Worker | AttachedServer:
        if self._config.ATTACH_URL:
            return AttachedServer(self._config.ATTACH_URL)
        if not self._knows_keep_s:
            self._keep_warm(keep_warm_s(self._options.keep_warm, self._config.KEEP_WARM_S))
        return Worker(make_launch(self._config, self._options), self._keep_s)

    def _keep_warm(self, seconds: float | None) -> None:
        """How long the worker is to wait for the next script: what was asked for last."""
        self._keep_s, self._knows_keep_s = seconds, True
        if isinstance(self._server, Worker):
            self._server.keep_s = seconds

    def _stays(self, lets_go: bool) -> bool:
        """Whether ComfyUI goes on when this script has left it."""
        server = self._server
        if not isinstance(server, Worker):
            return True
        process = server.process
        if not (lets_go and isinstance(process, KeptProcess) and server.client is not None):
            return False
        return bool(process.was_joined) if server.keep_s is None else server.keep_s > 0

    async def _end_server(self, lets_go: bool = False) -> None:
        """End it for good, and remove what was uploaded for it. Safe to call twice.

        Args:
            lets_go: leave it to the next script, if it is kept.
        """
        client = self._client_now()
        self._is_killed = True
        try:
            if self._server is not None:
                leave = self._server.let_go if lets_go else self._server.stop
                what = "ComfyUI is being let go" if self._stays(lets_go) else _ENDED
                if what is _ENDED:  # else there is nothing to wait for
                    say_what_follows(what)
                with heard(lambda: what):
                    await asyncio.shield(asyncio.to_thread(leave))
            if client is not None:
                await client.http.close()
        finally:
            self._uploads.remove_ephemeral()
            keep_now()
