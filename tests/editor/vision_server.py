"""A server that talks like an OpenAI-compatible vision endpoint, with its faults. A real program.

`python vision_server.py LOG`: prints its port. What a request's model is called decides what it
does: "good", "rate N", "busy N" (429 N times, Retry-After: 0), "down N" (500 N times),
"slow", "garbage", "empty", "parts", "late" (429 with Retry-After: 3600), "away" (a redirect to
itself). "echo HOW" repeats the key: see ECHOES.
Each request is a line of JSON in LOG: model, prompt, picture's size, the Authorization header.
"""

from __future__ import annotations

import base64
import contextlib
import io
import json
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from PIL import Image

KEY = "zq7XvK2pLm9/TwR4sYb8Nc3"


def middle_left_out(key: str) -> str:
    return f"{key[:8]}{'*' * 12}{key[-5:]}"


# status, and what an error's message or a model's answer says.
ECHOES: dict[str, tuple[int, Callable[[str], str]]] = {
    "whole": (401, lambda key: f"Incorrect API key: {key}"),
    "middle": (401, lambda key: f"Incorrect API key provided: {middle_left_out(key)}."),
    "far": (400, lambda key: "x" * 250 + key + key * 40),
    "cut": (400, lambda key: "x" * 275 + key),  # a line of 300 letters ends behind two of it
    "farther": (400, lambda key: " " * 30_000 + "y" * 19_990 + key),
    "busy": (429, lambda key: f"{key} has no money left"),
    "down": (500, lambda key: f"{key!r} {key.upper()} {key.lower()}"),
    "text": (200, lambda key: f"A picture of {key}. Rating: 5"),
    "part of text": (200, lambda key: f"It says {key[3:12]} in red"),
    "rating": (200, lambda key: f"I do not rate {key[:7]}"),
}


@dataclass
class VisionServer:
    """One that runs, as tests know it."""

    url: str
    log: Path

    def asked(self, model: str) -> list[dict[str, Any]]:
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        return [note for note in map(json.loads, lines) if note["model"] == model]


@contextlib.contextmanager
def serving(log: Path) -> Iterator[VisionServer]:
    command = [sys.executable, __file__, str(log)]
    program = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert program.stdout
    try:
        yield VisionServer(f"http://127.0.0.1:{int(program.stdout.readline())}/v1", log)
    finally:
        program.kill()
        program.wait()
        program.stdout.close()


failures: Counter[str] = Counter()
ended = threading.Event()


class Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        text, picture = body["messages"][0]["content"]
        head, _, data = picture["image_url"]["url"].partition(",")
        image = Image.open(io.BytesIO(base64.b64decode(data)))
        key = self.headers.get("Authorization")
        note = {
            "path": self.path,
            "model": body["model"],
            "prompt": text["text"],
            "key": key,
            "size": image.size,
            "format": image.format,
            "head": head,
            "others": sorted(body),
        }
        with open(sys.argv[1], "a", encoding="utf-8") as log:
            log.write(json.dumps(note) + "\n")
        self.answer(body["model"], key)

    def answer(self, model: str, key: str | None) -> None:
        kind, _, rest = model.partition(" ")
        if kind in ("busy", "down") and failures[model] < int(rest):
            failures[model] += 1
            status, headers = (429, {"Retry-After": "0"}) if kind == "busy" else (500, {})
            return self.reply(status, {"error": {"message": f"{kind}, try later"}}, headers)
        if kind == "echo":
            return self.echo(rest, str(key).removeprefix("Bearer "))
        if kind == "late":
            return self.reply(429, {"error": {"message": "tomorrow"}}, {"Retry-After": "3600"})
        if kind == "away":
            return self.reply(307, {}, {"Location": "/v1/chat/completions"})
        if kind == "slow":
            ended.wait(600)
            return None
        if kind == "garbage":
            return self.send(200, b"<html>not JSON", {})
        said: Any = {"rate": f"A **fine** picture of 2 cats.\nRating: {rest}", "empty": "  "}.get(
            kind, " A red square. "
        )
        if kind == "parts":
            said = [{"type": "text", "text": "A red "}, {"type": "text", "text": "square."}]
        return self.say(said)

    def say(self, text: Any) -> None:
        self.reply(200, {"choices": [{"message": {"role": "assistant", "content": text}}]})

    def echo(self, how: str, key: str) -> None:
        if how == "no HTTP":
            self.wfile.write(f"{key}\r\n\r\n".encode())
            self.close_connection = True
        elif how == "reason":
            self.send_response(418, f"no teapot for {key}")
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif ECHOES[how][0] == 200:
            self.say(ECHOES[how][1](key))
        else:
            self.reply(ECHOES[how][0], {"error": {"message": ECHOES[how][1](key)}})

    def reply(self, status: int, data: Any, headers: dict[str, str] | None = None) -> None:
        self.send(status, json.dumps(data).encode(), headers or {})

    def send(self, status: int, data: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(data)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        pass


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    print(server.server_address[1], flush=True)
    server.serve_forever()
