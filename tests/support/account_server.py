"""A stand-in for api.comfy.org, on this machine: answers API nodes, and notes who asked how."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

ANSWER = {
    "candidates": [
        {"content": {"role": "model", "parts": [{"text": "a lighthouse"}]}, "finishReason": "STOP"}
    ],
    "modelVersion": "stand-in",
}


@dataclass
class AccountServer:
    """One that runs.

    Attributes:
        logins: of each request, the headers that say who pays.
        is_refusing: it answers that nobody is logged in, with the key in its words.
        may_answer: requests wait for it.
    """

    url: str
    logins: list[dict[str, str]] = field(default_factory=list)
    is_refusing: bool = False
    asked: threading.Event = field(default_factory=threading.Event)
    may_answer: threading.Event = field(default_factory=threading.Event)

    def reset(self) -> None:
        self.logins.clear()
        self.is_refusing = False
        self.asked.clear()
        self.may_answer.set()


@contextlib.contextmanager
def account_server() -> Iterator[AccountServer]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            login = {
                name: self.headers[name]
                for name in ("X-API-KEY", "Authorization")
                if name in self.headers
            }
            about.logins.append(login)
            about.asked.set()
            about.may_answer.wait(60)
            status: int = 200
            answer: Any = ANSWER
            if about.is_refusing:
                status, answer = 400, {"error": {"message": f"who is {' '.join(login.values())}?"}}
            body = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing on the tests' own output."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    about = AccountServer(f"http://127.0.0.1:{server.server_address[1]}")
    about.may_answer.set()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield about
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
