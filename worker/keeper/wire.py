"""What a keeper and a script say to each other: JSON objects, each in a line of a connection.

Over a pair of pipes with the script that started the keeper, over a socket with all others. Each
side of a socket first proves that it knows the secret of the keeper's record, without saying it.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import os
import secrets
import socket
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ...errors import WorkerStartError

_CHUNK = 1 << 16
_MOST_BYTES = 64 << 20  # of a message; an answer with a server's folders has some thousands
_PROOF_TIMEOUT_S = 5.0
_LONGEST_PATH = 100  # of a unix socket: 108 bytes on Linux, 104 on macOS
_HOST = "127.0.0.1"
_WAITING = 64  # connections that are not yet taken


class WireError(ConnectionError):
    """The other side said what it can't say, or is not who it should be."""


class Wire:
    """An open connection. Any thread may send; one reads.

    The bytes are read without Python's own buffers: at the end of a script one that a thread waits
    in can't be closed.
    """

    def __init__(
        self,
        read: Callable[[int], bytes],
        write: Callable[[bytes], Any],
        close: Callable[[], None],
        rest: bytes = b"",
    ):
        self._read, self._write, self._close = read, write, close
        self._rest = rest  # what has come already
        self._wait: Callable[[float | None], None] = lambda _: None
        self._lock = threading.Lock()
        self._is_closed = False

    @classmethod
    def of_socket(cls, connection: socket.socket) -> Wire:
        def close() -> None:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)  # wakes the thread that reads
            connection.close()

        wire = cls(connection.recv, connection.sendall, close)
        wire._wait = connection.settimeout
        return wire

    @classmethod
    def of_pipes(cls, read_fd: int, write_fd: int, rest: bytes = b"") -> Wire:
        def write(data: bytes) -> None:
            while data:
                data = data[os.write(write_fd, data) :]

        def read(most: int) -> bytes:
            data = os.read(read_fd, most)
            if not data:
                os.close(read_fd)  # here, where nobody waits in it
            return data

        return cls(read, write, lambda: os.close(write_fd), rest)

    def wait_for(self, timeout_s: float | None) -> None:
        """How long the next message may take; None: for ever. Sockets only."""
        self._wait(timeout_s)

    def send(self, **message: Any) -> None:
        """Raises OSError: nobody is there any more."""
        self.send_line(json.dumps(message).encode())

    def send_line(self, line: bytes) -> None:
        """The same of a message that is JSON already."""
        with self._lock:
            if self._is_closed:
                raise WireError("this connection was closed")
            self._write(line + b"\n")

    def receive(self) -> dict[str, Any] | None:
        """The next message; None: the other side has gone."""
        while b"\n" not in self._rest:
            try:
                data = self._read(_CHUNK)
            except TimeoutError as e:
                raise WireError("no answer in time") from e
            except OSError:
                return None
            if not data:
                return None
            self._rest += data
            if len(self._rest) > _MOST_BYTES:
                raise WireError("a message is too long")
        line, _, self._rest = self._rest.partition(b"\n")
        try:
            message = json.loads(line)
        except (ValueError, RecursionError) as e:
            raise WireError("a message is no JSON") from e
        if not isinstance(message, dict):
            raise WireError("a message is no object")
        return message

    def close(self) -> None:
        """Close it, once. The other side sees it."""
        with self._lock:
            if self._is_closed:
                return
            self._is_closed = True
        with contextlib.suppress(OSError):
            self._close()


def listen(folder: Path) -> tuple[socket.socket, list[Any]]:
    """A listening socket in the user's own folder, where the system has such; else on this machine.

    Returns:
        It, and its address for `connect`: `["unix", path]` or `["tcp", port]`.
    """
    path = str(folder / "keeper.sock")
    if sys.platform != "win32" and len(os.fsencode(path)) < _LONGEST_PATH:
        server = socket.socket(socket.AF_UNIX)
        server.bind(path)
        os.chmod(path, 0o600)
        address: list[Any] = ["unix", path]
    else:
        server = socket.socket(socket.AF_INET)
        server.bind((_HOST, 0))
        address = ["tcp", server.getsockname()[1]]
    server.listen(_WAITING)
    return server, address


def connect(address: list[Any], secret: str) -> Wire:
    """A connection to the keeper at that address, which has proved to know the secret. It does not
    wait for ever, see `Wire.wait_for`.

    Raises:
        OSError: nobody answers there, or somebody else does.
    """
    kind, place = address
    if kind == "unix" and sys.platform != "win32":
        connection = socket.socket(socket.AF_UNIX)
    elif kind == "tcp":
        connection, place = socket.socket(socket.AF_INET), (_HOST, place)
    else:
        raise WireError(f"{kind!r} is no address on this system")
    try:
        wire = Wire.of_socket(connection)
        wire.wait_for(_PROOF_TIMEOUT_S)
        try:
            connection.connect(place)
        except (TypeError, ValueError, OverflowError) as e:  # a damaged record
            raise WireError(f"{address!r} is no address") from e
        nonce = secrets.token_hex(16)
        wire.send(nonce=nonce)
        answer = _said(wire)
        if not _is_proof(answer.get("proof"), secret, "keeper", nonce):
            raise WireError("what answers does not know the keeper's secret")
        wire.send(proof=_proof(secret, "script", str(answer.get("nonce"))))
    except BaseException:
        connection.close()
        raise
    return wire


def welcome(connection: socket.socket, secret: str) -> Wire:
    """The keeper's side of `connect`, in all. Raises OSError: who asks does not know the secret."""
    wire = Wire.of_socket(connection)
    wire.wait_for(_PROOF_TIMEOUT_S)
    asked, nonce = _said(wire), secrets.token_hex(16)
    wire.send(proof=_proof(secret, "keeper", str(asked.get("nonce"))), nonce=nonce)
    if not _is_proof(_said(wire).get("proof"), secret, "script", nonce):
        raise WireError("who asks does not know the keeper's secret")
    return wire


def _said(wire: Wire) -> dict[str, Any]:
    message = wire.receive()
    if message is None:
        raise WireError("the other side has gone")
    return message


def _proof(secret: str, role: str, nonce: str) -> str:
    return hmac.new(secret.encode(), f"{role}:{nonce}".encode(), hashlib.sha256).hexdigest()


def _is_proof(given: object, secret: str, role: str, nonce: str) -> bool:
    expected = _proof(secret, role, nonce).encode()
    return isinstance(given, str) and hmac.compare_digest(given.encode(), expected)


def no_keeper(why: str) -> WorkerStartError:
    """The error for a keeper that did not come up."""
    return WorkerStartError(
        f"The process that was to keep ComfyUI warm {why}. keep_warm=0 starts ComfyUI without it."
    )
