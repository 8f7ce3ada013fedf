"""A node that a server learns of when it is started again."""

from __future__ import annotations

from typing import Any


class LaterNode:
    CATEGORY = "later"
    RETURN_TYPES = ("INT",)
    FUNCTION = "run"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {}}

    def run(self) -> tuple[int]:
        return (1,)


NODE_CLASS_MAPPINGS = {"LaterNode": LaterNode}
