"""The two nodes for pictures: a folder as a batch, and a description by a vision model.

VALIDATE_INPUTS raises what is wrong, for the reason in `editor/run_nodes/node_classes.py`.
"""

from __future__ import annotations

from typing import Any


class DiscomfortFolderImageLoader:
    """The pictures of a folder as one batch."""

    CATEGORY = "discomfort"
    DESCRIPTION = "Loads the pictures of a folder as one batch, in a chosen order."
    SEARCH_ALIASES = ["discomfort", "load images", "image folder", "directory", "batch", "glob"]
    RETURN_TYPES = ("IMAGE", "MASK", "INT", "STRING")
    RETURN_NAMES = ("images", "masks", "count", "names")
    OUTPUT_TOOLTIPS = (
        "All pictures, as large as the first one.",
        "What is transparent in each: 1 is transparent.",
        "How many there are.",
        "The file names, one a line.",
    )
    FUNCTION = "load"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "folder": (
                    "STRING",
                    {
                        "default": "",
                        "tooltip": "A folder in ComfyUI's input, output or temp folder, or in one "
                        "that editor.json names. Empty: the input folder itself.",
                    },
                ),
                "pattern": (
                    "STRING",
                    {
                        "default": "*",
                        "tooltip": "Which files: *.png, shot_*.jpg; **/* with the folders in it.",
                    },
                ),
                "sort": (
                    ["natural", "name", "date", "date, newest first"],
                    {"default": "natural", "tooltip": "natural: picture 2 before picture 10."},
                ),
                "limit": (
                    "INT",
                    {"default": 0, "min": 0, "max": 100_000, "tooltip": "At most so many. 0: all."},
                ),
                "unequal_sizes": (
                    ["resize", "crop", "pad", "error"],
                    {
                        "default": "resize",
                        "tooltip": "All become as large as the first. resize: stretched; crop: "
                        "scaled, the middle kept; pad: scaled, black beside it.",
                    },
                ),
            }
        }

    @classmethod
    def VALIDATE_INPUTS(cls, folder: Any, pattern: Any) -> bool:
        from . import work

        if None not in (folder, pattern):
            work.check_folder(folder, pattern)
        return True

    @classmethod
    def IS_CHANGED(
        cls,
        folder: str | None = None,
        pattern: str = "*",
        sort: str = "natural",
        limit: int = 0,
        **_: Any,
    ) -> str:
        from . import work

        return work.fingerprint(folder, pattern, sort, limit)

    def load(
        self, folder: str, pattern: str, sort: str, limit: int, unequal_sizes: str
    ) -> tuple[Any, Any, int, str]:
        from . import work

        return work.load_folder(folder, pattern, sort, limit, unequal_sizes)


class DiscomfortImageDescriber:
    """What a vision model says about a picture, and how it rates it."""

    CATEGORY = "discomfort"
    DESCRIPTION = (
        "Asks an OpenAI-compatible vision server about each picture: a text, and on request a "
        "rating as a number. Pictures are sent to that server."
    )
    SEARCH_ALIASES = ["discomfort", "caption", "vision", "llm", "rate image", "openai", "describe"]
    RETURN_TYPES = ("STRING", "FLOAT")
    RETURN_NAMES = ("text", "rating")
    OUTPUT_IS_LIST = (True, True)
    OUTPUT_TOOLTIPS = ("What the model said, for each picture.", "The number it gave; 0 if off.")
    FUNCTION = "describe"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "image": ("IMAGE", {"tooltip": "Each picture of a batch is asked about."}),
                "url": (
                    "STRING",
                    {
                        "default": "http://127.0.0.1:11434/v1",
                        "tooltip": "An OpenAI-compatible server: Ollama, LM Studio, OpenAI ...",
                    },
                ),
                "model": (
                    "STRING",
                    {"default": "", "tooltip": "As the server calls it."},
                ),
                "prompt": (
                    "STRING",
                    {
                        "default": "Describe this picture in one sentence.",
                        "multiline": True,
                        "tooltip": "What is asked about each picture.",
                    },
                ),
                "rating": (
                    ["off", "0 to 1", "0 to 10", "0 to 100"],
                    {
                        "default": "off",
                        "tooltip": "Ask for a number too; it comes out as FLOAT.",
                    },
                ),
                "key_variable": (
                    "STRING",
                    {
                        "default": "",
                        "tooltip": "The NAME of the environment variable that holds your key, for "
                        "instance OPENAI_API_KEY. Never the key itself. Empty: no key.",
                    },
                ),
            },
            "optional": {
                "timeout": (
                    "FLOAT",
                    {
                        "default": 60.0,
                        "min": 0.1,
                        "max": 3600.0,
                        "tooltip": "Seconds that one answer may take.",
                    },
                ),
                "retries": (
                    "INT",
                    {
                        "default": 3,
                        "min": 0,
                        "max": 20,
                        "tooltip": "How often it is asked again when the server is busy or fails.",
                    },
                ),
                "max_side": (
                    "INT",
                    {
                        "default": 1024,
                        "min": 16,
                        "max": 8192,
                        "tooltip": "Larger pictures are sent smaller: pixels of the longer side.",
                    },
                ),
            },
            "hidden": {"node_id": "UNIQUE_ID"},
        }

    @classmethod
    def VALIDATE_INPUTS(cls, url: Any, model: Any, key_variable: Any) -> bool:
        from . import work

        if None not in (url, model, key_variable):
            work.check_endpoint(url, model, key_variable)
        return True

    def describe(
        self,
        image: Any,
        url: str,
        model: str,
        prompt: str,
        rating: str,
        key_variable: str,
        node_id: str,
        timeout: float = 60.0,
        retries: int = 3,
        max_side: int = 1024,
    ) -> dict[str, Any]:
        from . import work
        from .vision import Question

        def ask() -> Question:
            where = work.endpoint(url, key_variable)
            return Question(where, model, prompt, rating, timeout, retries)

        return work.describe(ask, image, max_side, node_id)
