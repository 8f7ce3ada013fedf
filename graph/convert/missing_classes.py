"""What is said of a node whose class the server does not have: which pack it is of, and what to do.

The front end writes the pack into a node's `properties`, and since 1.58 into `_meta` of the prompt.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

PACK_KEYS = ("cnr_id", "aux_id", "ver")  # its id in the registry, or its repository; its version
CORE_PACK = "comfy-core"


def pack_meta(properties: Mapping[str, Any]) -> dict[str, str]:
    """What a node's properties say of its pack, as the front end puts it into `_meta`."""
    found = {key: properties.get(key) for key in PACK_KEYS}
    return {key: value for key, value in found.items() if isinstance(value, str) and value}


def unknown_class(said: Any) -> str:
    """Why a class is not there, and what to do.

    Args:
        said: the node's `properties`, or its `_meta`; whatever stands in a file.
    """
    pack = pack_meta(said) if isinstance(said, Mapping) else {}
    name = pack.get("cnr_id") or pack.get("aux_id")
    version = f", version {_short(pack['ver'])}" if "ver" in pack else ""
    if name == CORE_PACK:
        return (
            "the server does not know this node type, which is ComfyUI's own"
            f"{version}: update the ComfyUI that Discomfort starts (the one that COMFYUI_PATH "
            "names, or that was found without it), or put another node in its place"
        )
    if name is not None:
        return (
            f"the server does not know this node type; it belongs to the node pack {_short(name)!r}"
            f"{version}: install that (in the ComfyUI Manager, or its folder in custom_nodes), or "
            "see in the log why it did not load"
        )
    return (
        "the server does not know this node type: a node pack is not installed, or did not load, "
        "or the node exists in the browser only. Look for its name in the ComfyUI Manager and "
        "install its pack, or see in the log why it did not load"
    )


def _short(text: str) -> str:
    return text if len(text) <= 80 else text[:80] + "..."
