"""Nodes that do on purpose what nodes do by accident.

For tests; the real server and the fake load them.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections import Counter
from typing import Any

from . import core_values, models, replaced, reports, seers, takers

counts: Counter[str] = Counter()


class StubCount:
    """Passes a number on, and counts how often it really ran, by `name`."""

    CATEGORY = "stub"
    RETURN_TYPES = ("INT",)
    FUNCTION = "run"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"name": ("STRING", {"default": ""}), "value": ("INT", {"default": 0})}}

    def run(self, name: str, value: int) -> tuple[int]:
        counts[name] += 1
        return (value,)


class StubRemember:
    """Shows the text that it was given the time before: it keeps it on itself. Always runs."""

    CATEGORY = "stub"
    RETURN_TYPES = ()
    FUNCTION = "run"
    OUTPUT_NODE = True

    def __init__(self) -> None:
        self.last = ""

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"text": ("STRING", {"default": ""})}}

    @classmethod
    def IS_CHANGED(cls, **_: Any) -> float:
        return float("nan")

    def run(self, text: str) -> dict[str, Any]:
        before, self.last = self.last, text
        return {"ui": {"text": [before]}}


class StubAdd:
    """Adds two numbers."""

    CATEGORY = "stub"
    RETURN_TYPES = ("INT",)
    FUNCTION = "run"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"a": ("INT", {"default": 0}), "b": ("INT", {"default": 0})}}

    def run(self, a: int, b: int) -> tuple[int]:
        return (a + b,)


class StubCounts:
    """Shows how often the StubCount called `name` ran. Always runs."""

    CATEGORY = "stub"
    RETURN_TYPES = ("INT",)
    FUNCTION = "run"
    OUTPUT_NODE = True

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"name": ("STRING", {"default": ""})}}

    @classmethod
    def IS_CHANGED(cls, **_: Any) -> float:
        return float("nan")

    def run(self, name: str) -> dict[str, Any]:
        return {"ui": {"count": [counts[name]]}, "result": (counts[name],)}


def read_input(name: str) -> str:
    """The text of a file in ComfyUI's input folder."""
    import folder_paths

    find: Any = folder_paths.get_annotated_filepath  # pyright: ignore[reportAttributeAccessIssue]
    with open(find(name), encoding="utf-8") as file:
        return file.read()


class StubReadText:
    """Reads a text file, and says so when ComfyUI asks whether it has changed: after a while."""

    CATEGORY = "stub"
    RETURN_TYPES = ("STRING",)
    FUNCTION = "run"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"name": ("STRING", {"default": ""})}}

    @classmethod
    async def IS_CHANGED(cls, name: str) -> str:
        await asyncio.sleep(0.01)
        return read_input(name)

    def run(self, name: str) -> tuple[str]:
        return (read_input(name),)


class StubRaise:
    """Raises a ValueError with the given message."""

    CATEGORY = "stub"
    RETURN_TYPES = ("INT",)
    FUNCTION = "run"
    OUTPUT_NODE = True

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"message": ("STRING", {"default": "as you wish"})}}

    def run(self, message: str) -> tuple[int]:
        raise ValueError(message)


class StubSleep:
    """Works for some seconds, in steps: shows progress and heeds interrupts."""

    CATEGORY = "stub"
    RETURN_TYPES = ("INT",)
    FUNCTION = "run"
    OUTPUT_NODE = True

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {"seconds": ("FLOAT", {"default": 1.0, "min": 0.0, "max": 1000.0})},
            "optional": {"nonce": ("INT", {"default": 0, "min": 0, "max": 2**62})},
            "hidden": {"unique_id": "UNIQUE_ID", "prompt": "PROMPT"},
        }

    def run(
        self, seconds: float, nonce: int = 0, unique_id: str = "", prompt: Any = None
    ) -> tuple[int]:
        import nodes  # type: ignore[import-not-found]

        step_s = 0.02
        steps = max(1, round(seconds / step_s))
        for step in range(steps):
            nodes.before_node_execution()
            _progress(step + 1, steps, unique_id)
            time.sleep(step_s)
        return (nonce,)


def _progress(value: int, maximum: int, node_id: str) -> None:
    from server import PromptServer  # type: ignore[import-not-found]

    instance = PromptServer.instance
    running = getattr(instance, "last_prompt_id", None)
    data = {"value": value, "max": maximum, "node": node_id, "prompt_id": running}
    instance.send_sync("progress", data, instance.client_id)


class StubBlock:
    """Blocks for some seconds; no interrupt reaches it."""

    CATEGORY = "stub"
    RETURN_TYPES = ("INT",)
    FUNCTION = "run"
    OUTPUT_NODE = True

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "seconds": ("FLOAT", {"default": 1.0, "min": 0.0, "max": 1000.0}),
                "nonce": ("INT", {"default": 0, "min": 0, "max": 2**62}),
            }
        }

    def run(self, seconds: float, nonce: int) -> tuple[int]:
        time.sleep(seconds)
        return (nonce,)


class StubKill:
    """Ends the whole server with a signal."""

    CATEGORY = "stub"
    RETURN_TYPES = ()
    FUNCTION = "run"
    OUTPUT_NODE = True

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"signal_name": ("STRING", {"default": "SIGKILL"})}}

    def run(self, signal_name: str) -> tuple[()]:
        print("the last words of the worker")
        time.sleep(0.2)  # the server's loop tells meanwhile that this node runs
        os.kill(os.getpid(), getattr(signal, signal_name, signal.SIGTERM))
        time.sleep(60)
        return ()


class StubEndThread:
    """Ends ComfyUI's prompt thread in one of the ways in which nodes do by accident."""

    CATEGORY = "stub"
    RETURN_TYPES = ()
    FUNCTION = "run"
    OUTPUT_NODE = True

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"how": ("STRING", {"default": "exit"})}}

    def run(self, how: str) -> tuple[()]:
        print("the last words of the node")
        if how == "exit":
            sys.exit("no model was found")
        if how == "keyboard":
            raise KeyboardInterrupt
        if how == "cancelled":
            raise asyncio.CancelledError("somebody cancelled it")
        raise ValueError("a lone surrogate: \ud800")


class StubBig:
    """Shows a text of so many characters: a message far beyond the usual limits of clients."""

    CATEGORY = "stub"
    RETURN_TYPES = ()
    FUNCTION = "run"
    OUTPUT_NODE = True

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"size": ("INT", {"default": 1, "min": 1, "max": 2**30})}}

    def run(self, size: int) -> dict[str, Any]:
        return {"ui": {"text": ["x" * size]}}


class StubNumbers:
    """A list of the numbers below `count`: what follows runs once for each."""

    CATEGORY = "stub"
    RETURN_TYPES = ("INT",)
    OUTPUT_IS_LIST = (True,)
    FUNCTION = "run"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"count": ("INT", {"default": 3, "min": 0, "max": 100})}}

    def run(self, count: int) -> tuple[list[int]]:
        return (list(range(count)),)


class StubDigest:
    """Shows the shape and a hash of a tensor: what must be equal bit for bit."""

    CATEGORY = "stub"
    RETURN_TYPES = ()
    OUTPUT_NODE = True
    FUNCTION = "run"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"image": ("IMAGE",)}}

    def run(self, image: Any) -> dict[str, Any]:
        import hashlib

        digest = hashlib.sha256(image.contiguous().numpy().tobytes()).hexdigest()
        return {"ui": {"digest": [digest], "shape": [list(image.shape)]}}


class StubSum:
    """Adds up a whole list at once."""

    CATEGORY = "stub"
    RETURN_TYPES = ("INT",)
    INPUT_IS_LIST = True
    OUTPUT_NODE = True
    FUNCTION = "run"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"numbers": ("INT", {"forceInput": True})}}

    def run(self, numbers: list[int]) -> dict[str, Any]:
        return {"ui": {"sum": [sum(numbers)]}, "result": (sum(numbers),)}


class StubPreview:
    """Sends step 1 of 2 with a preview picture, as samplers do."""

    CATEGORY = "stub"
    RETURN_TYPES = ()
    FUNCTION = "run"
    OUTPUT_NODE = True

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {"side": ("INT", {"default": 32, "min": 1, "max": 512})},
            "hidden": {"unique_id": "UNIQUE_ID"},
        }

    def run(self, side: int, unique_id: str = "") -> tuple[()]:
        from PIL import Image

        picture = ("JPEG", Image.new("RGB", (side, side), (255, 0, 0)), None)
        try:
            from comfy.utils import ProgressBar  # type: ignore[import-not-found]
        except ImportError:  # the fake
            from server import PromptServer  # type: ignore[import-not-found]

            instance = PromptServer.instance
            about = {"node_id": unique_id, "prompt_id": instance.last_prompt_id}
            _progress(1, 2, unique_id)
            # server.py: 2 is a picture on its own, 4 one that says whose it is.
            instance.send_sync(2, picture, instance.client_id)
            instance.send_sync(4, (picture, about), instance.client_id)
        else:
            ProgressBar(2).update_absolute(1, 2, picture)
        return ()


class StubChild:
    """Starts a program that goes on after the node: what a careless extension leaves behind."""

    CATEGORY = "stub"
    RETURN_TYPES = ()
    FUNCTION = "run"
    OUTPUT_NODE = True

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"seconds": ("FLOAT", {"default": 60.0, "min": 0.0, "max": 1000.0})}}

    def run(self, seconds: float) -> dict[str, Any]:
        import subprocess

        child = subprocess.Popen([sys.executable, "-c", f"import time; time.sleep({seconds})"])
        return {"ui": {"pid": [child.pid]}}


try:
    from comfy_api.latest import io  # type: ignore[import-not-found]
except ImportError:  # the fake
    NEW_NODES: tuple[Any, ...] = ()
else:

    class StubReadTextV3(io.ComfyNode):
        """StubReadText in the newer form."""

        @classmethod
        def define_schema(cls) -> Any:
            return io.Schema(
                node_id="StubReadTextV3",
                category="stub",
                inputs=[io.String.Input("name", default="")],
                outputs=[io.String.Output()],
            )

        @classmethod
        def fingerprint_inputs(cls, name: str) -> str:
            return read_input(name)

        @classmethod
        def execute(cls, name: str) -> Any:
            return io.NodeOutput(read_input(name))

    NEW_NODES = (StubReadTextV3,)


NODE_CLASS_MAPPINGS = {
    kind.__name__: kind
    for kind in (
        StubCount,
        StubRemember,
        StubAdd,
        StubCounts,
        StubRaise,
        StubSleep,
        StubBlock,
        StubKill,
        StubEndThread,
        StubBig,
        StubNumbers,
        StubDigest,
        StubSum,
        StubPreview,
        StubChild,
        StubReadText,
        *NEW_NODES,
        *models.NODES,
        *core_values.NODES,
        *reports.NODES,
        *seers.NODES,
        *takers.NODES,
    )
}

replaced.register()
