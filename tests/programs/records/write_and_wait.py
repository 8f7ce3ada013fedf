"""Writes the beginning of a record and waits to be killed, or for the end of its input."""

from __future__ import annotations

import sys

import support.package  # noqa: F401
from custom_nodes.discomfort.records.history import History


def main() -> None:
    history = History("killed")
    history.start_recording()
    history.note({"k": "begin", "call": 1, "t": 1.0, "iterations": 9, "workflows": ["a"]})
    step = {"k": "step", "call": 1, "iteration": 1, "t": 1.0, "in": {}, "out": {"y": {"v": 1}}}
    history.note(step)
    print("ready")
    sys.stdin.read()


if __name__ == "__main__":
    main()
