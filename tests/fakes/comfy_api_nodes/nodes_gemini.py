"""A node that works elsewhere for credits, as one of ComfyUI's own does: what is asked, and how."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

from folder_paths import API_BASE


class GeminiNode:
    RETURN_TYPES = ("STRING",)
    FUNCTION = "api_call"
    CATEGORY = "api node/text/Gemini"
    API_NODE = True

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        seed = {"default": 42, "min": 0, "max": 2**64 - 1, "control_after_generate": True}
        return {
            "required": {
                "prompt": ("STRING", {"multiline": True, "default": ""}),
                "model": ("COMBO", {"options": ["gemini-2.5-pro", "gemini-2.5-flash"]}),
                "seed": ("INT", seed),
            },
            "hidden": {"auth_token": "AUTH_TOKEN_COMFY_ORG", "comfy_api_key": "API_KEY_COMFY_ORG"},
        }

    def api_call(
        self,
        prompt: str,
        model: str,
        seed: int,
        auth_token: str | None = None,
        comfy_api_key: str | None = None,
    ) -> tuple[str]:
        headers = {"Content-Type": "application/json"}
        if auth_token:
            headers["Authorization"] = f"Bearer {auth_token}"
        elif comfy_api_key:
            headers["X-API-KEY"] = comfy_api_key
        request = urllib.request.Request(
            f"{API_BASE[0]}/proxy/vertexai/gemini/{model}", json.dumps(prompt).encode(), headers
        )
        try:
            with urllib.request.urlopen(request) as reply:
                answer = json.load(reply)
        except urllib.error.HTTPError as e:
            raise Exception(f"API error: {e.read().decode()}") from None
        return ("".join(part["text"] for part in answer["candidates"][0]["content"]["parts"]),)


NODE_CLASS_MAPPINGS = {"GeminiNode": GeminiNode}
