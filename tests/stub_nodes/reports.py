"""Output nodes as strangers write them: what they report, and values that nothing can store."""

from __future__ import annotations

import json
from typing import Any


class StubReport:
    """Shows what it is told to: JSON for its `ui`."""

    CATEGORY = "stub"
    RETURN_TYPES = ()
    FUNCTION = "run"
    OUTPUT_NODE = True

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"ui": ("STRING", {"default": "{}"})}}

    def run(self, ui: str) -> dict[str, Any]:
        return {"ui": json.loads(ui)}


class StubLock:
    """A value that can't be stored, and one that can be stored and not be made again."""

    CATEGORY = "stub"
    RETURN_TYPES = ("LOCK", "ONE_WAY")
    FUNCTION = "run"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {}}

    def run(self) -> tuple[Any, Any]:
        import threading

        one_way = UnicodeDecodeError("utf-8", b"", 0, 1, "it wants all of these again")
        one_way.args = ()
        return threading.Lock(), one_way


class StubShowLock:
    """Shows a value of any kind, and how often it ran."""

    CATEGORY = "stub"
    RETURN_TYPES = ()
    FUNCTION = "run"
    OUTPUT_NODE = True

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"lock": ("LOCK",)}}

    def run(self, lock: Any) -> dict[str, Any]:
        return {"ui": {"text": [type(lock).__name__]}}


class StubShowOneWay(StubShowLock):
    """The same for the other kind."""

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"value": ("ONE_WAY",)}}

    def run(self, value: Any) -> dict[str, Any]:  # pyright: ignore[reportIncompatibleMethodOverride]
        return {"ui": {"text": [type(value).__name__]}}


NODES = (StubReport, StubLock, StubShowLock, StubShowOneWay)
