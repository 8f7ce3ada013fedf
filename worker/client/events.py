"""One websocket message -> one typed event. Pure: no I/O, no state.

The order for one prompt (ComfyUI 0.3.64 to 0.33, execution.py): execution_start, execution_cached,
then for each node executing, progress, executed; at last execution_success, _error or
_interrupted, and, once the history is written, `executing` with no node.
"""

from __future__ import annotations

import io
import json
import struct
from dataclasses import dataclass, field
from typing import Any

from ..launch.prompt_thread import ENDED_EVENT

# Never parsed: it repeats the state of all nodes at every step, megabytes for a large prompt.
_IGNORED_PREFIXES = ('{"type": "progress_state"', '{"type":"progress_state"')

_PREVIEW_IMAGE = 1
_PREVIEW_IMAGE_WITH_METADATA = 4
_IMAGE_FORMATS = {1: "JPEG", 2: "PNG"}


@dataclass(frozen=True, slots=True)
class Event:
    """What all events have. `prompt_id` is "" where the server did not say it."""

    prompt_id: str


@dataclass(frozen=True, slots=True)
class Queued(Event):
    """The server accepted the prompt. `total` is the number of nodes that its outputs need."""

    number: float = 0
    total: int = 0


@dataclass(frozen=True, slots=True)
class RunStarted(Event):
    """It left the queue and runs."""


@dataclass(frozen=True, slots=True)
class NodesCached(Event):
    """These nodes need not run: ComfyUI still has their results. `titles`, in the same order."""

    node_ids: tuple[str, ...] = ()
    titles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NodeStarted(Event):
    """A node began. `step` of `total` counts nodes that started or were cached.

    `display_node`: the node of the prompt that it stands for, where an expansion or a native loop
    made it; type and title are that one's. Otherwise "".
    """

    node_id: str = ""
    node_type: str = ""
    title: str = ""
    step: int = 0
    total: int = 0
    display_node: str = ""


@dataclass(frozen=True, slots=True)
class Progress(Event):
    """Step `value` of `maximum` within one node."""

    node_id: str = ""
    value: float = 0
    maximum: float = 0


@dataclass(frozen=True, slots=True)
class Preview(Event):
    """A picture of what a node is working at. `image` decodes it."""

    node_id: str = ""
    data: bytes = field(default=b"", repr=False)
    format: str = "JPEG"

    @property
    def image(self) -> Any:
        """The preview as a PIL image."""
        from PIL import Image

        return Image.open(io.BytesIO(self.data))


@dataclass(frozen=True, slots=True)
class OutputLanded(Event):
    """An output node has something to show: its `ui` dict (cached nodes send it again)."""

    node_id: str = ""
    output: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Done(Event):
    """The end.

    `status` is "success", "error" or "interrupted"; `details` is ComfyUI's own message.
    """

    status: str = "success"
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class HistoryWritten(Event):
    """After `Done`: the server has put the prompt into its history and is idle again."""


@dataclass(frozen=True, slots=True)
class QueueStatus(Event):
    """How many prompts wait or run. Goes to every client."""

    remaining: int = 0


@dataclass(frozen=True, slots=True)
class PromptThreadEnded(Event):
    """The server runs nothing any more; `prompt_id` is what it ran. Goes to every client."""

    reason: str = ""


_TERMINAL = {
    "execution_success": "success",
    "execution_error": "error",
    "execution_interrupted": "interrupted",
}


def parse_message(message: str | bytes) -> Event | None:
    """The event that a websocket message carries; None for what is of no use here.

    Malformed messages are None too: a foreign extension may send anything.
    """
    if isinstance(message, (bytes, bytearray)):
        return _parse_binary(bytes(message))
    if message.startswith(_IGNORED_PREFIXES):
        return None
    try:
        parsed = json.loads(message)
        kind, data = parsed["type"], parsed.get("data") or {}
        return _parse_text(kind, data)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _parse_text(kind: str, data: dict[str, Any]) -> Event | None:
    prompt_id = str(data.get("prompt_id") or "")
    if kind == "status":
        return QueueStatus("", int(data["status"]["exec_info"]["queue_remaining"]))
    if kind in _TERMINAL:
        return Done(prompt_id, _TERMINAL[kind], data)
    if kind == "execution_start":
        return RunStarted(prompt_id)
    if kind == "execution_cached":
        return NodesCached(prompt_id, tuple(map(str, data["nodes"])))
    if kind == "executing":
        if data.get("node") is None:
            return HistoryWritten(prompt_id)
        node_id, shown = str(data["node"]), str(data.get("display_node") or "")
        return NodeStarted(prompt_id, node_id, display_node="" if shown == node_id else shown)
    if kind == "progress":
        return Progress(prompt_id, str(data.get("node") or ""), data["value"], data["max"])
    if kind == ENDED_EVENT:
        return PromptThreadEnded(prompt_id, str(data.get("reason") or ""))
    if kind == "executed":
        # A twin of a node within one prompt sends `output: null` (0.3.64, 0.33).
        output = data.get("output")
        return OutputLanded(
            prompt_id, str(data["node"]), output if isinstance(output, dict) else {}
        )
    return None


def _parse_binary(message: bytes) -> Event | None:
    """Frames of ComfyUI protocol.py: 4 bytes big-endian kind, then the payload."""
    if len(message) < 8:
        return None
    kind, second = struct.unpack_from(">II", message)
    if kind == _PREVIEW_IMAGE:
        return Preview("", "", message[8:], _IMAGE_FORMATS.get(second, "JPEG"))
    if kind == _PREVIEW_IMAGE_WITH_METADATA:
        try:
            about = json.loads(message[8 : 8 + second])
        except ValueError:
            return None
        prompt_id, node_id = str(about.get("prompt_id") or ""), str(about.get("node_id") or "")
        image_format = "PNG" if about.get("image_type") == "image/png" else "JPEG"
        return Preview(prompt_id, node_id, message[8 + second :], image_format)
    return None
