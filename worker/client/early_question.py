"""A question that is sent before anyone needs the answer, in a thread and without aiohttp.

The server works it out while this process still imports what the answer is for. `Queries` asks
again, in the usual way, where none came.
"""

from __future__ import annotations

import contextlib
import http.client
import logging
import socket
import threading
from collections.abc import Mapping
from concurrent.futures import Future
from urllib.parse import urlsplit

from .http import Reply

log = logging.getLogger("discomfort.worker")


class EarlyQuestion:
    """One GET, sent at once.

    Args:
        base_url: of a server on this machine, "http://127.0.0.1:8188".
        headers: what it wants to see.

    Attributes:
        reply: whatever the server says; None: it gave no answer, or nobody wants it any more.
    """

    def __init__(self, base_url: str, path: str, headers: Mapping[str, str]):
        self.reply: Future[Reply | None] = Future()
        self.reply.set_running_or_notify_cancel()  # one who does not wait any longer ends nothing
        self._address, self._path = urlsplit(base_url).netloc, path
        self._headers = dict(headers)
        self._socket: socket.socket | None = None
        self._is_closed = False
        self._lock = threading.Lock()
        threading.Thread(target=self._ask, name="discomfort-early-question", daemon=True).start()

    def close(self) -> None:
        """Have the thread end: nobody wants the answer. Safe at any time, in any thread."""
        with self._lock:
            self._is_closed = True
            if self._socket is not None:
                with contextlib.suppress(OSError):  # the server has closed it
                    self._socket.shutdown(socket.SHUT_RDWR)

    def _ask(self) -> None:
        reply = None
        try:
            reply = self._answer()
        except (OSError, http.client.HTTPException) as e:
            log.debug("No early answer: %s", e)
        finally:
            self.reply.set_result(reply)

    def _answer(self) -> Reply | None:
        connection = http.client.HTTPConnection(self._address)
        try:
            connection.connect()
            with self._lock:
                if self._is_closed:
                    return None
                self._socket = connection.sock
            connection.request("GET", self._path, headers=self._headers)
            answer = connection.getresponse()
            return Reply(answer.status, answer.read().decode("utf-8", errors="replace"))
        finally:
            with self._lock:
                self._socket = None
            connection.close()
