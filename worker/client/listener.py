"""The websocket of one worker, read in a thread of its own.

ComfyUI sends to all its clients from one loop: a socket that is not read stalls it for all of them.
So nothing that a script does to its event loop may keep this one from being read.
"""

from __future__ import annotations

import contextlib
import json
import logging
import socket
import threading
import uuid
from collections.abc import Callable
from urllib.parse import urlencode

import websocket

from .events import Event, parse_message

log = logging.getLogger("discomfort.worker")

_CONNECT_TIMEOUT_S = 10.0
_LAST_WORDS_S = 0.5
_RETRY_S = (0.05, 0.1, 0.25, 0.5, 1.0)
# Without it, previews come without the ids of their prompt and node (0.3.64, 0.33 server.py).
_FEATURES = json.dumps({"type": "feature_flags", "data": {"supports_preview_metadata": True}})


class Listener:
    """Keeps one websocket open until `close`; calls `on_event` in its own thread."""

    def __init__(self, ws_address: str, headers: dict[str, str], on_event: Callable[[Event], None]):
        self.client_id = uuid.uuid4().hex
        self.drops = 0
        self._address = ws_address
        self._headers = [f"{name}: {value}" for name, value in headers.items()]
        self._on_event = on_event
        self._connected = threading.Event()
        self._closing = threading.Event()
        self._socket: websocket.WebSocket | None = None
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._listen, name="discomfort-events", daemon=True)
        self._thread.start()

    @property
    def is_connected(self) -> bool:
        return self._connected.is_set()

    def wait_connected(self, timeout_s: float) -> bool:
        """Block until the socket is open; False when it is not after that time."""
        return self._connected.wait(timeout_s)

    def renew(self) -> None:
        """Drop the socket and connect under a new client id.

        For a socket that is open and mute: another client took the id over, or the server mixed up
        an old and a new socket of the same id (0.33 server.py: the old one's end removes the new
        one).
        """
        self.client_id = uuid.uuid4().hex
        self._connected.clear()
        self._shut()

    def finish(self) -> None:
        """Read what a server that has ended still sent, then close."""
        self._closing.set()
        if threading.current_thread() is not self._thread:
            self._thread.join(_LAST_WORDS_S)
        self.close()

    def close(self) -> None:
        """End the thread. Returns at once when called from it."""
        self._closing.set()
        self._shut()
        if threading.current_thread() is not self._thread:
            self._thread.join(_CONNECT_TIMEOUT_S)

    def _shut(self) -> None:
        with self._lock:
            raw = self._socket.sock if self._socket else None
        if raw is not None:
            with contextlib.suppress(OSError):
                raw.shutdown(socket.SHUT_RDWR)  # wakes the blocked read

    def _listen(self) -> None:
        failures = 0
        while not self._closing.is_set():
            try:
                self._read_until_dropped()
                failures = 0
            except (OSError, websocket.WebSocketException) as e:
                log.debug("The worker's websocket: %s", e)
                failures = 0 if self._connected.is_set() else failures + 1
            finally:
                self._connected.clear()
                self._forget_socket()
            self.drops += 1
            self._closing.wait(_RETRY_S[min(failures, len(_RETRY_S) - 1)])

    def _read_until_dropped(self) -> None:
        client_id = self.client_id
        opened = websocket.create_connection(
            f"{self._address}?{urlencode({'clientId': client_id})}",
            timeout=_CONNECT_TIMEOUT_S,
            header=self._headers,
            skip_utf8_validation=True,  # in pure Python it would take longer than all the rest
            enable_multithread=True,
            # The system's proxies are for other machines; the worker is on this one.
            http_no_proxy=["*"],
        )
        with self._lock:
            self._socket = opened
        opened.settimeout(None)
        opened.send(_FEATURES)
        if client_id == self.client_id and not self._closing.is_set():
            self._connected.set()
            while True:
                kind, data = opened.recv_data()
                if kind == websocket.ABNF.OPCODE_TEXT:
                    self._pass_on(data.decode("utf-8", errors="replace"))
                elif kind == websocket.ABNF.OPCODE_BINARY:
                    self._pass_on(data)
                elif kind == websocket.ABNF.OPCODE_CLOSE:
                    return

    def _pass_on(self, message: str | bytes) -> None:
        event = parse_message(message)
        if event is None:
            return
        try:
            self._on_event(event)
        except Exception:
            log.exception("The event %s could not be handled.", type(event).__name__)

    def _forget_socket(self) -> None:
        with self._lock:
            opened, self._socket = self._socket, None
        if opened is not None:
            with contextlib.suppress(OSError, websocket.WebSocketException):
                opened.close(timeout=1)
