"""What a connector shows of its server: state, addresses, log. It only looks."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from . import model_memory
from .attached_server import AttachedServer
from .client.client import Client
from .input_files import existing_files
from .server import Worker


class ServerView:
    """The attributes of a connector that describe its server. None where there is no server."""

    def __init__(self) -> None:
        self._server: Worker | AttachedServer | None = None
        self._is_killed = False

    def _client_now(self) -> Client | None:
        """The client, if it can be used at once."""
        return None if self._is_killed or self._server is None else self._server.client

    @property
    def state(self) -> str:
        """ "uninit", "initializing", "ready", "error" or "killed"."""
        if self._is_killed:
            return "killed"
        if self._client_now() is not None:
            return "ready"
        if self._server is None:
            return "uninit"
        if self._server.is_starting:
            return "initializing"
        return "error" if self._server.has_failed else "uninit"

    @property
    def start_words(self) -> str | None:
        """What a ComfyUI that starts is doing: "ComfyUI is starting, 40 s: importing ComfyUI-X".

        None when none starts.
        """
        server = self._server
        if server is None or not server.is_starting or server.process is None:
            return None
        return server.process.start_words

    @property
    def object_info_version(self) -> int:
        """Changes with every new server: what was learned from the old one is void then."""
        return self._server.starts if self._server else 0

    @property
    def server_address(self) -> str | None:
        """For instance "http://127.0.0.1:8188"."""
        client = self._client_now()
        return client.http.base_url if client else None

    @property
    def ws_address(self) -> str | None:
        """The websocket's address, with our client id."""
        client = self._client_now()
        if client is None:
            return None
        return f"ws{client.http.base_url[4:]}/ws?clientId={client.listener.client_id}"

    @property
    def client_id(self) -> str | None:
        """The name under which the server sends us events.

        It changes when a socket had to be given up.
        """
        client = self._client_now()
        return client.listener.client_id if client else None

    @property
    def auth_headers(self) -> dict[str, str]:
        """What a client of one's own must send with every request to this worker."""
        return dict(self._server.auth_headers) if self._server else {}

    @property
    def pid(self) -> int | None:
        """The worker's process id; None when there is none, or it is not ours."""
        process = self._server.process if self._server else None
        return process.pid if process is not None and process.is_alive else None

    @property
    def folders(self) -> dict[str, str]:
        """The server's folders "input", "output" and "temp"."""
        server = self._server
        return dict(server.hello["folders"]) if server and server.hello else {}

    @property
    def model_folders(self) -> dict[str, list[str]]:
        """Kind of model, as ComfyUI calls it ("vae") -> the folders in which it looks for them."""
        server = self._server
        return dict(server.hello["models"]) if server and server.hello else {}

    @property
    def manager_folder(self) -> str | None:
        """Where the ComfyUI Manager is, if that is installed as a Python package."""
        server = self._server
        return server.hello.get("manager") if server and server.hello else None

    @property
    def kept_loaders(self) -> list[dict[str, Any]]:
        """Nodes whose models the script before had loaded in this server, the oldest first."""
        hello = self._server.hello if self._server else None
        return list(hello.get("kept") or ()) if hello else []

    @property
    def python(self) -> str | None:
        """What runs the worker; None where it is not ours."""
        return self._server.launch.command[0] if isinstance(self._server, Worker) else None

    def existing_files(self, names: Iterable[str]) -> set[str]:
        """Those of these names of input files, as nodes have them, that are there."""
        return existing_files(self.folders, names)

    def model_sizes(self, names: Iterable[str]) -> dict[str, int]:
        """Name of a model file, as nodes have it -> its bytes, of those that are found."""
        hello = self._server.hello if self._server else None
        return model_memory.model_sizes(hello["models"], names) if hello else {}

    def spare_address_bytes(self) -> int | None:
        """What a limit on the worker's address space leaves it; None without a limit."""
        return None if self.pid is None else model_memory.spare_address_bytes(self.pid)

    @property
    def log_path(self) -> str | None:
        """The worker's own log file."""
        process = self._server.process if self._server else None
        return process.log_path if process else None

    def logs(self, tail: int | None = 100) -> str:
        """The worker's output, its newest `tail` lines; None: all that its file has."""
        process = self._server.process if self._server else None
        if process is None or process.log_path is None:
            return ""
        if tail is not None:
            return "\n".join(process.last_lines(tail))
        with contextlib.suppress(OSError):
            return Path(process.log_path).read_text(encoding="utf-8", errors="replace")
        return "\n".join(process.last_lines(1000))
