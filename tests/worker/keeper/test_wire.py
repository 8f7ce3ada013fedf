"""The connection to a keeper: who proves what to whom, over both kinds of address."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from custom_nodes.discomfort.worker.keeper import wire as wires
from custom_nodes.discomfort.worker.keeper.wire import Wire, WireError, connect, listen, welcome

SECRET = "a secret"


class Answerer:
    """A keeper's door, which answers one after the other."""

    def __init__(self, folder: Path, secret: str = SECRET):
        self.socket, self.address = listen(folder)
        self.said: list[Any] = []
        self._secret = secret
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            try:
                wire = welcome(connection, self._secret)
                self.said.append(wire.receive())
                wire.send(answer=1)
            except OSError as e:
                self.said.append(e)
            connection.close()


@pytest.fixture(params=["unix", "tcp"])
def kind(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "tcp":  # as on Windows, and where a path is too long
        monkeypatch.setattr(wires, "_LONGEST_PATH", 0)
    elif not hasattr(socket, "AF_UNIX") or os.name == "nt":
        pytest.skip("this system has no such sockets in Python")
    return request.param


@pytest.fixture
def answerer(tmp_path: Path, kind: str) -> Iterator[Answerer]:
    answerer = Answerer(tmp_path)
    assert answerer.address[0] == kind
    yield answerer
    answerer.socket.close()


def test_both_know_the_secret(answerer: Answerer):
    wire = connect(answerer.address, SECRET)
    wire.send(ask="about")
    assert wire.receive() == {"answer": 1}
    assert wire.receive() is None  # it has closed
    wire.close()
    wire.close()
    with pytest.raises(OSError, match="was closed"):
        wire.send(ask="about")


def test_script_without_the_secret_is_not_heard(answerer: Answerer):
    with pytest.raises(WireError, match="does not know the keeper's secret"):
        connect(answerer.address, "another")
    wire = connect(answerer.address, SECRET)
    wire.send(ask="about")
    assert wire.receive() == {"answer": 1}
    assert isinstance(answerer.said[0], WireError)
    wire.close()


def test_whoever_has_the_address_of_a_dead_keeper_learns_nothing(tmp_path: Path, kind: str):
    """Another program may listen on a port that was given out again."""
    impostor = Answerer(tmp_path, "guessed")
    with pytest.raises(WireError, match="does not know"):
        connect(impostor.address, SECRET)
    impostor.socket.close()
    assert SECRET not in repr(impostor.said) and kind


def test_nobody_there(answerer: Answerer, tmp_path: Path):
    for address in (["unix", str(tmp_path / "none")], ["tcp", 1], ["smoke", "signals"]):
        with pytest.raises(OSError):  # noqa: PT011 - whatever the system says
            connect(address, SECRET)


def test_silence_and_nonsense_end_in_time(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(wires, "_PROOF_TIMEOUT_S", 0.2)
    monkeypatch.setattr(wires, "_MOST_BYTES", 1000)
    for said in (b"", b"nonsense\n", b"[1]\n", b"x" * 2000, b"[" * 900 + b"\n"):
        ours, theirs = socket.socketpair()
        theirs.sendall(said)
        with pytest.raises(WireError):
            welcome(ours, SECRET)
        ours.close()
        theirs.close()


def test_messages_that_come_together_are_told_apart():
    read, write = os.pipe()
    os.write(write, b'{"a": 1}\n{"b": 2}\n{"half')
    wire = Wire.of_pipes(read, os.open(os.devnull, os.O_WRONLY), b'{"first": 0}\n')
    assert [wire.receive() for _ in range(3)] == [{"first": 0}, {"a": 1}, {"b": 2}]
    os.close(write)
    assert wire.receive() is None
    wire.close()


@pytest.mark.parametrize(
    "address",
    [
        ["tcp", 10**9],
        ["tcp", "x"],
        ["tcp", None],
        ["tcp", float("inf")],
        ["unix", 5],
        ["unix", "\ud800"],
        ["unix", "a\0b"],
        [["tcp"], 1],
        [None, None],
    ],
    ids=repr,
)
def test_an_address_that_is_none_leads_nowhere(address: list[Any]):
    with pytest.raises(OSError):
        connect(address, SECRET)
