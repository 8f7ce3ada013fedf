"""A worker that is kept, and what its keeper and its masters ask of it, for tests."""

from __future__ import annotations

import contextlib
import http.client
import json
import secrets
import socket
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from custom_nodes.discomfort.system.config import WorkerConfig, load_config
from custom_nodes.discomfort.worker.launch import settings
from custom_nodes.discomfort.worker.launch.guard import TOKEN_HEADER
from custom_nodes.discomfort.worker.launch.inside_comfyui import KEEPER_TOKEN_VARIABLE
from custom_nodes.discomfort.worker.launch.keeping import LET_GO_PATH, TAKE_PATH
from custom_nodes.discomfort.worker.launch.process import WorkerProcess
from support.servers import DEADLINE_S, STUB_NODES, Server, wait_until, write_config


class Reply(NamedTuple):
    status: int
    body: Any


class KeptWorker:
    """One worker; `token` is the present master's."""

    def __init__(self, process: WorkerProcess, keeper: str):
        ready = process.ready.result(DEADLINE_S)
        self.process, self.keeper = process, keeper
        self.token = ready.auth_headers[TOKEN_HEADER]
        self.hello = ready.hello
        host, port = ready.address.split(":")
        self.place = host, int(port)
        assert isinstance(process.pid, int)
        self.pid = process.pid

    def ask(self, method: str, path: str, body: Any = None, token: str | None = None) -> Reply:
        """As the master, or with another token."""
        data = None if body is None else json.dumps(body).encode()
        headers = {TOKEN_HEADER: self.token if token is None else token}
        connection = http.client.HTTPConnection(*self.place, timeout=DEADLINE_S)
        try:
            connection.request(method, path, data, headers)
            reply = connection.getresponse()
            text = reply.read()
        finally:
            connection.close()
        with contextlib.suppress(ValueError):
            return Reply(reply.status, json.loads(text))
        return Reply(reply.status, text.decode(errors="replace"))

    def let_go(self, wait_s: float = DEADLINE_S / 2) -> Reply:
        return self.ask("POST", LET_GO_PATH, {"wait_s": wait_s}, self.keeper)

    def take(self, token: Any = None, **more: Any) -> Reply:
        """As the keeper; a new token, if none is given, is the master's then."""
        given = secrets.token_urlsafe(32) if token is None else token
        reply = self.ask("POST", TAKE_PATH, {"token": given, **more}, self.keeper)
        if reply.status == 200:
            self.token, self.hello = given, reply.body
        return reply

    def hand_over(self) -> list[dict[str, Any]]:
        """To the next master; what is kept."""
        gone = self.let_go()
        assert gone.status == 200, gone
        taken = self.take()
        assert taken.status == 200, taken
        assert taken.body["kept"] == gone.body["kept"]
        return taken.body["kept"]

    def queue(self, prompt: dict[str, Any]) -> str:
        prompt_id = str(uuid.uuid4())
        reply = self.ask("POST", "/prompt", {"prompt": prompt, "prompt_id": prompt_id})
        assert reply.status == 200, reply
        return prompt_id

    def run(self, prompt: dict[str, Any]) -> dict[str, Any]:
        """Its entry of the history."""
        prompt_id, found = self.queue(prompt), {}

        def is_done() -> bool:
            found.update(self.ask("GET", f"/history/{prompt_id}").body)
            return bool(found)

        wait_until(is_done, "the end of a prompt")
        entry = found[prompt_id]
        assert entry["status"]["status_str"] == "success", entry["status"]
        return entry

    def begin(self, head: str, body: bytes, length: int) -> socket.socket:
        """A request of the master's of which only the beginning of the body is sent."""
        connection = socket.create_connection(self.place, timeout=DEADLINE_S)
        lines = [head, "Host: 127.0.0.1", f"{TOKEN_HEADER}: {self.token}"]
        lines += [f"Content-Length: {length}"] if length else []
        connection.sendall("\r\n".join([*lines, "", ""]).encode() + body)
        return connection


@contextlib.contextmanager
def kept_worker(server: Server, folder: Path, extra_args: Iterable[str] = ()) -> Iterator[Any]:
    """A worker with a keeper's token in its environment, started for several tests."""
    path = write_config(folder, server.path)
    config = load_config(WorkerConfig, path.name, path)
    options = settings.WorkerOptions(extra_custom_nodes=[STUB_NODES], extra_args=extra_args)
    keeper = secrets.token_urlsafe(32)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(KEEPER_TOKEN_VARIABLE, keeper)
        process = WorkerProcess(settings.make_launch(config, options))
        process.start().result(300)
    try:
        yield KeptWorker(process, keeper)
    finally:
        process.stop()
