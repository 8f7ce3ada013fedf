"""The nodes people use in the editor."""

from __future__ import annotations

from typing import Any

from .editor.picture_nodes.node_classes import DiscomfortFolderImageLoader, DiscomfortImageDescriber
from .editor.run_nodes.node_classes import DiscomfortLoopExecutor, DiscomfortTestRunner
from .nodes_internal import (
    ANY,
    DiscomfortAsList,
    DiscomfortContextLoader,
    DiscomfortContextSaver,
    DiscomfortFree,
)


class DiscomfortPort:
    """Marks where a value enters or leaves a workflow. Which of the two follows from its links."""

    CATEGORY = "discomfort"
    DESCRIPTION = (
        "Nothing connected on the left: a value from Python comes out here. "
        "Nothing connected on the right: what arrives here goes to Python. "
        "Both connected: the value passes through."
    )
    SEARCH_ALIASES = ["discomfort", "python input", "python output", "input port", "output port"]
    RETURN_TYPES = (ANY,)
    RETURN_NAMES = ("output",)
    OUTPUT_TOOLTIPS = ("The value: Python's under this name, or what came in on the left.",)
    FUNCTION = "forward"
    # Without this, a workflow that ends in ports has nothing to execute when it is run by hand.
    OUTPUT_NODE = True

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "unique_id": (
                    "STRING",
                    {"default": "", "tooltip": "The name of the value, as Python knows it."},
                ),
            },
            "optional": {
                "tags": ("STRING", {"default": "", "tooltip": "Free labels, separated by commas."}),
                "input_data": (
                    ANY,
                    {"tooltip": "The value that goes to Python, or passes through."},
                ),
            },
        }

    def forward(self, unique_id: str, tags: str = "", **inputs: Any) -> tuple[Any]:
        if "input_data" not in inputs:
            raise ValueError(
                f"The port {unique_id!r} has no value. It is an input: run the workflow from "
                f"Python with inputs={{{unique_id!r}: ...}}, or connect something to it to run "
                "it by hand."
            )
        return (inputs["input_data"],)


NODE_CLASS_MAPPINGS = {
    "DiscomfortPort": DiscomfortPort,
    "DiscomfortTestRunner": DiscomfortTestRunner,
    "DiscomfortLoopExecutor": DiscomfortLoopExecutor,
    "DiscomfortFolderImageLoader": DiscomfortFolderImageLoader,
    "DiscomfortImageDescriber": DiscomfortImageDescriber,
    "DiscomfortAsList": DiscomfortAsList,
    "DiscomfortContextLoader": DiscomfortContextLoader,
    "DiscomfortContextSaver": DiscomfortContextSaver,
    "DiscomfortFree": DiscomfortFree,
}

NODE_DISPLAY_NAME_MAPPINGS = {
    "DiscomfortPort": "Discomfort Port",
    "DiscomfortTestRunner": "Discomfort Test Runner",
    "DiscomfortLoopExecutor": "Discomfort Loop Executor",
    "DiscomfortFolderImageLoader": "Discomfort Folder Image Loader",
    "DiscomfortImageDescriber": "Discomfort Image Describer",
    "DiscomfortAsList": "Discomfort As List (internal)",
    "DiscomfortContextLoader": "Discomfort Context Loader (internal)",
    "DiscomfortContextSaver": "Discomfort Context Saver (internal)",
    "DiscomfortFree": "Discomfort Free (internal)",
}
