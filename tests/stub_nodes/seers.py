"""Nodes that tell what ComfyUI lets them see of the prompt that runs, in both forms of nodes."""

from __future__ import annotations

import json
from typing import Any


def seen(prompt: Any, pnginfo: Any, unique_id: str) -> tuple[str, str]:
    """All that a node sees as JSON, and its own entry, which many nodes look for."""
    whole = json.dumps({"prompt": prompt, "extra_pnginfo": pnginfo})
    return whole, json.dumps([prompt[unique_id], prompt.get(unique_id), prompt.get("no node")])


class StubSees:
    """Tells what it sees; a model goes through it."""

    CATEGORY = "stub"
    RETURN_TYPES = ("STRING", "STRING", "MODEL")
    FUNCTION = "run"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {"nonce": ("STRING", {"default": ""})},
            "optional": {"image": ("IMAGE",), "model": ("MODEL",)},
            "hidden": {
                "prompt": "PROMPT",
                "pnginfo": "EXTRA_PNGINFO",
                "unique_id": "UNIQUE_ID",
            },
        }

    def run(
        self, prompt: Any, pnginfo: Any, unique_id: str, model: Any = None, **_: Any
    ) -> tuple[Any, ...]:
        return (*seen(prompt, pnginfo, unique_id), model)


class StubAsksForLogin:
    """Tells what it gets of the login of a Comfy account, as an API node of a pack might ask."""

    CATEGORY = "stub"
    RETURN_TYPES = ("STRING",)
    FUNCTION = "run"
    API_NODE = True

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {"text": ("STRING", {"default": ""})},
            "hidden": {"token": "AUTH_TOKEN_COMFY_ORG", "key": "API_KEY_COMFY_ORG"},
        }

    def run(self, text: str, token: Any = None, key: Any = None) -> tuple[str]:
        return (json.dumps([text, token, key]),)


class StubWalks:
    """Looks up all nodes that the DYNPROMPT names, as nodes do that make loops."""

    CATEGORY = "stub"
    RETURN_TYPES = ("STRING", "IMAGE")
    FUNCTION = "run"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {"image": ("IMAGE",)},
            "hidden": {"dynprompt": "DYNPROMPT"},
        }

    def run(self, dynprompt: Any, image: Any) -> tuple[Any, ...]:
        kinds = [dynprompt.get_node(n)["class_type"] for n in dynprompt.get_original_prompt()]
        return json.dumps(kinds), image


try:
    from comfy_api.latest import io  # type: ignore[import-not-found]
except ImportError:  # the fake
    NEW_NODES: tuple[Any, ...] = ()
else:

    class StubSeesV3(io.ComfyNode):
        """StubSees in the newer form."""

        @classmethod
        def define_schema(cls) -> Any:
            return io.Schema(
                node_id="StubSeesV3",
                category="stub",
                inputs=[
                    io.String.Input("nonce", default=""),
                    io.Image.Input("image", optional=True),
                    io.Model.Input("model", optional=True),
                ],
                outputs=[io.String.Output(), io.String.Output(), io.Model.Output()],
                hidden=[io.Hidden.prompt, io.Hidden.extra_pnginfo, io.Hidden.unique_id],
            )

        @classmethod
        def execute(cls, nonce: str, image: Any = None, model: Any = None) -> Any:
            hidden = cls.hidden
            told = seen(hidden.prompt, hidden.extra_pnginfo, hidden.unique_id)
            return io.NodeOutput(*told, model)

    NEW_NODES = (StubSeesV3,)

NODES = (StubSees, StubWalks, StubAsksForLogin, *NEW_NODES)
