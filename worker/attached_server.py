"""Uses a ComfyUI that runs already, on this machine: nothing is started, guarded or killed.

The counterpart of `server.py`: the same questions, with other answers.
"""

from __future__ import annotations

import asyncio
import logging
import re
import secrets
import threading
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from ..errors import WorkerStartError
from .client.client import Client
from .client.failures import says_nothing_runs
from .client.http import Reply, Transport, TransportError
from .launch.inside_comfyui import HELLO_PATH, TOKEN_HEADER
from .launch.proof import NONCE_HEADER, is_equal, script_token, server_proof
from .launch.worker_folder import WorkerFolder, make_worker_folder

log = logging.getLogger("discomfort.worker")

_TIMEOUT_S = 10.0
_CONNECT_WAIT_S = 5.0
_HOST_AND_PORT = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[\w.-]+):\d{1,5}(/.*)?")
_OUR_NODE = "DiscomfortContextLoader"


class AttachedServer:
    """A ComfyUI of the user's, and the client that talks to it.

    A socket that was dropped may mean that it was restarted: then it is asked again who it is.

    Attributes:
        starts: how many servers there were; what was learned from one holds for that one only.
        hello: what the server said about itself.
        auth_headers: none that others need: it has no guard.
    """

    process = None
    is_starting = False

    def __init__(self, url: str):
        self.url = complete_url(url)
        self.starts = 0
        self.hello: dict[str, Any] | None = None
        self.auth_headers: dict[str, str] = {}
        self._client: Client | None = None
        self._proof: dict[str, str] = {}  # goes with every request
        self._drops = 0
        self._folder: WorkerFolder | None = None
        self._lock = threading.Lock()

    @property
    def client(self) -> Client | None:
        """The client, as long as it is certain that the server is the one that was asked."""
        client = self._client
        if client is None or client.is_gone or not client.listener.is_connected:
            return None
        return client if client.listener.drops == self._drops else None

    @property
    def has_failed(self) -> bool:
        return self._client is not None and self.client is None

    async def ensure_ready(self, timeout_s: float | None = None) -> Client:
        """The client, once the server is known to be there and to have this extension.

        Args:
            timeout_s: of no use here; nothing is started.

        Raises:
            WorkerStartError: no answer, it is no ComfyUI, it is not on this machine, or it
                lacks the extension.
        """
        client = self.client
        if client is not None:
            return client
        known = self._client
        drops = known.listener.drops if known else 0
        hello, token = await ask_who(self.url)
        with self._lock:
            self._proof[TOKEN_HEADER] = token
            if self._client is None or self._client.is_gone:
                self._client, drops = Client(self.url, self._proof), 0
            if self.hello is None or hello["start"] != self.hello["start"]:
                if self.hello is not None:
                    log.info("The ComfyUI at %s was started anew.", self.url)
                self.starts += 1
                self._client.ask.forget()
                self._client.note_process(hello.get("pid"))
            self._client.folders = hello["folders"]
            self.hello, self._drops = hello, drops
            client = self._client
        if not client.listener.is_connected:
            await asyncio.to_thread(client.listener.wait_connected, _CONNECT_WAIT_S)
        return client

    def journal_folder(self) -> Path:
        """A folder of our own: the next start looks into it, if we can't."""
        with self._lock:
            if self._folder is None:
                self._folder = make_worker_folder()
            return self._folder.path

    def stop(self) -> None:
        """Leave the server alone. Blocks; safe at any time."""
        with self._lock:
            folder, self._folder = self._folder, None
            client, self._client = self._client, None
        if client is not None:
            client.leave()
        if folder is not None:
            folder.remove(with_log=True)

    let_go = stop


def complete_url(url: str) -> str:
    """An address as people write it, `host:port`, as one with `http://`; others as they are."""
    url = url.strip()
    return f"http://{url}" if _HOST_AND_PORT.fullmatch(url) else url


class Introduced(NamedTuple):
    """What a ComfyUI says about itself, and what to show it with every request."""

    hello: dict[str, Any]
    token: str


async def ask_who(url: str) -> Introduced:
    """Have the ComfyUI at `url` prove that it is this user's, and prove it to it.

    Raises:
        WorkerStartError: see `AttachedServer.ensure_ready`.
    """
    if not url.startswith(("http://", "https://")):
        raise WorkerStartError(
            f"{url!r} is no address of a ComfyUI: it is like http://127.0.0.1:8188."
        )
    nonce = secrets.token_hex(16)
    http = Transport(url, {NONCE_HEADER: nonce})
    try:
        reply = await http.get(HELLO_PATH, _TIMEOUT_S)
        answer = reply.json() if reply.status == 200 else None
        if not isinstance(answer, dict) or "proof" not in answer:
            nodes = (await http.get(f"/object_info/{_OUR_NODE}")).json()
            raise WorkerStartError(_why_not(url, reply, nodes))
        token = _check_proof(url, nonce, answer)
        about = await _ask_about(url, token)
    except TransportError as e:
        raise WorkerStartError(
            f"No ComfyUI answers at {url} ({e}). Start it, or leave out url= (ATTACH_URL)."
        ) from None  # the message has all that the tracebacks of aiohttp would say
    finally:
        await http.close()
    if about["missing"]:
        raise WorkerStartError(
            f"The Python of the ComfyUI at {url} lacks {', '.join(about['missing'])}. Install "
            "what is missing there, and start it again."
        )
    if about.get("stopped"):
        raise WorkerStartError(says_nothing_runs(url, about["stopped"]))
    return Introduced(about, token)


def _check_proof(url: str, nonce: str, answer: dict[str, Any]) -> str:
    """See that the server has this user's secret; the token that shows it that we have it too."""
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    start = str(answer.get("start"))
    try:
        if is_equal(answer["proof"], server_proof(nonce, start, port)):
            return script_token(start, port)
    except OSError as e:
        raise WorkerStartError(f"No secret can be shared with the ComfyUI at {url}: {e}") from e
    raise WorkerStartError(
        f"The ComfyUI at {url} does not know the secret of this user. It runs as another user, or "
        "with another data folder (XDG_DATA_HOME), or behind another port: give url= the port that "
        "ComfyUI itself listens on."
    )


async def _ask_about(url: str, token: str) -> dict[str, Any]:
    http = Transport(url, {TOKEN_HEADER: token})
    try:
        about = (await http.get(HELLO_PATH, _TIMEOUT_S)).json()
    finally:
        await http.close()
    if not isinstance(about, dict) or "folders" not in about:
        raise WorkerStartError(f"The ComfyUI at {url} was just started anew. Try again.")
    return about


def _why_not(url: str, reply: Reply, nodes: Any) -> str:
    if reply.status == 401:
        return f"The server at {url} is another script's worker; it can't be shared."
    if reply.status == 403:
        return (
            f"The ComfyUI at {url} does not answer this script: values go through the memory of "
            f"one machine. Run the script on the machine of that ComfyUI. It says: {reply.text!r}."
        )
    if not isinstance(nodes, dict):
        return f"{url} answers, but not as a ComfyUI does (status {reply.status})."
    if _OUR_NODE in nodes:
        return (
            f"The ComfyUI at {url} has another version of this extension. Update it there, and "
            "start ComfyUI again."
        )
    return (
        f"The ComfyUI at {url} does not have this extension. Put this project into its "
        "custom_nodes folder (or a link to it) and start it again."
    )
