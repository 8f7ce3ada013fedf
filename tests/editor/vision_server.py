"""A server that talks like an OpenAI-compatible vision endpoint, with its faults. A real program.

`python vision_server.py LOG`: prints its port. What a request's model is called decides what it
does: "good", "echo-key", "rate N", "busy N" (429 N times, Retry-After: 0), "down N" (500 N times),
"slow", "garbage", "empty", "parts", "late" (429 with Retry-After: 3600), "away" (a redirect).
Each request is a line of JSON in LOG: model, prompt, picture's size, the Authorization header.
"""

from __future__ import annotations

import base64
import io
import json
import sys
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from PIL import Image

KEY = "secret-key-of-a-test"
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
        if kind == "echo-key":
            return self.reply(401, {"error": {"message": f"Incorrect API key: {key}"}})
        if kind == "late":
            return self.reply(429, {"error": {"message": "tomorrow"}}, {"Retry-After": "3600"})
        if kind == "away":
            return self.reply(302, {}, {"Location": "http://127.0.0.1:1/stolen"})
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
        return self.reply(200, {"choices": [{"message": {"role": "assistant", "content": said}}]})

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
