"""The question that makes a worker ready: is it ours, and is it guarded?"""

from __future__ import annotations

import http.client
import json
import logging
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from .inside_comfyui import HELLO_PATH, TOKEN_HEADER
from .tcp_ports import HOST

log = logging.getLogger("discomfort.worker")

_TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True)
class Ready:
    """A server that answered with our token."""

    address: str
    auth_headers: dict[str, str] = field(repr=False)
    hello: dict[str, Any] = field(repr=False)


class Answer(Enum):
    """What else may be behind a port."""

    NOTHING = "no answer, or one that means nothing to us"
    UNGUARDED = "a ComfyUI that does not know us"


def ask_hello(port: int, token: str) -> Ready | Answer:
    """Ask what listens on a port of this machine. Blocks for seconds at most."""
    headers = {TOKEN_HEADER: token}
    status, body = _get(port, HELLO_PATH, headers)
    if status == 404:
        # Extensions may open ports of their own; only an unguarded ComfyUI is a danger.
        is_comfyui = _get(port, "/system_stats", headers)[0] == 200
        return Answer.UNGUARDED if is_comfyui else Answer.NOTHING
    if status == 200:
        try:
            return Ready(f"{HOST}:{port}", headers, json.loads(body))
        except ValueError:
            log.debug("Port %d answers with something else than JSON.", port)
    return Answer.NOTHING


def _get(port: int, path: str, headers: dict[str, str]) -> tuple[int | None, bytes]:
    connection = http.client.HTTPConnection(HOST, port, timeout=_TIMEOUT_S)
    try:
        connection.request("GET", path, headers=headers)
        reply = connection.getresponse()
        return reply.status, reply.read()
    except (OSError, http.client.HTTPException) as e:
        log.debug("Port %d gives no answer yet: %s", port, e)
        return None, b""
    finally:
        connection.close()
