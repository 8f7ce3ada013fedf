"""The two nodes that ports become in a prompt, which run in the worker and talk to the store there,
and one that the user's ComfyUI gets where a node expands (`editor/run_nodes/crossing.py`).

Their inputs are literals that the master wrote (`graph/plan/swap_ports.py`): they are not meant to
be placed by hand, and the editor's search lists no class that is DEV_ONLY, nor, before that was
known to ComfyUI, one that is DEPRECATED (server.py of 0.3.64 and 0.33).
"""

from __future__ import annotations

import json
from typing import Any


class AnyType(str):
    """A type name that equals every other in ComfyUI's test `not received != wanted`.

    Source: comfy_execution/validation.py of 0.3.64 and 0.33, `validate_node_input`. A plain "*" is
    refused by 0.3.64 for all typed inputs.
    """

    def __ne__(self, other: object) -> bool:
        return False

    __eq__ = str.__eq__
    __hash__ = str.__hash__


ANY = AnyType("*")


class DiscomfortContextLoader:
    """An INPUT port: reads one version of a value from the run's folder.

    `version` is in the inputs so that ComfyUI's cache serves a value that did not change and reads
    one that did. Without `run_dir` it is the content of a value that a reference froze; where that
    lies in this run stands in the prompt beside the inputs (`swap_ports.py`). `wanted` says, as
    JSON, what the links behind it expect (type, min, max, options): ComfyUI checks no value that
    comes through a link.
    """

    CATEGORY = "discomfort/internal"
    DEV_ONLY = DEPRECATED = True
    RETURN_TYPES = (ANY,)
    OUTPUT_IS_LIST = (True,)
    FUNCTION = "load"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "unique_id": ("STRING", {"default": ""}),
                "run_dir": ("STRING", {"default": ""}),
                "version": ("STRING", {"default": ""}),
                "wanted": ("STRING", {"default": "{}"}),
            },
            "hidden": {"prompt": "PROMPT"},
        }

    def load(
        self, unique_id: str, run_dir: str, version: str, wanted: str, prompt: Any = None
    ) -> tuple[list[Any]]:
        from .store import worker_side
        from .values import fit_link

        if not run_dir:
            run_dir, version = _source_of(version, prompt)
        value, is_list = worker_side.load(run_dir, version)
        return (fit_link.for_link(unique_id, value, is_list, json.loads(wanted)),)


def _source_of(content: str, prompt: Any) -> tuple[str, str]:
    """Where the prompt says that a frozen value lies: run_dir, version."""
    for node in (prompt or {}).values():
        source = (node.get("_meta") or {}).get("place")
        if source and node.get("inputs", {}).get("version") == content:
            return source[0], source[1]
    raise ValueError(
        "This loader reads a value that a reference has frozen in, and only Discomfort knows where "
        "that is. Run the reference from Python."
    )


class DiscomfortFree:
    """Collects what the last prompts left: for prompts that have nothing else to do.

    ComfyUI drops from its cache what a prompt does not have, when it begins (caching.py of 0.3.64
    and 0.33). `nonce` is different every time, so that it runs.
    """

    CATEGORY = "discomfort/internal"
    DEV_ONLY = DEPRECATED = True
    RETURN_TYPES = ()
    OUTPUT_NODE = True
    FUNCTION = "free"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"nonce": ("STRING", {"default": ""})}}

    def free(self, nonce: str) -> dict[str, Any]:
        import gc

        gc.collect()
        try:
            from comfy import model_management  # type: ignore[import-not-found]
        except ImportError:  # a server without models
            return {}
        model_management.cleanup_models()
        model_management.soft_empty_cache()
        return {}


class DiscomfortContextSaver:
    """An OUTPUT port: writes what arrives into the run's folder, where the master finds it.

    `handoff` is different for every run, so that a cached saver can't keep an old value. A list
    output of ComfyUI arrives whole.
    """

    CATEGORY = "discomfort/internal"
    DEV_ONLY = DEPRECATED = True
    RETURN_TYPES = ()
    OUTPUT_NODE = True
    INPUT_IS_LIST = True
    FUNCTION = "save"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "unique_id": ("STRING", {"default": ""}),
                "handoff": ("STRING", {"default": "{}"}),
                "input_data": (ANY, {}),
            }
        }

    def save(
        self, unique_id: list[str], handoff: list[str], input_data: list[Any]
    ) -> dict[str, Any]:
        from .store import worker_side
        from .store.save_order import SaveOrder

        is_list = len(input_data) != 1
        value = input_data if is_list else input_data[0]
        order = SaveOrder.from_json(json.loads(handoff[0]))
        worker_side.save(order, unique_id[0], value, is_list)
        return {}


class DiscomfortAsList:
    """What arrives, as one list: how a node with list outputs hands on what it expanded to.

    Source: execution.py of 0.3.64 and 0.33: of an expanded link each item is taken for a result.
    """

    CATEGORY = "discomfort/internal"
    DEV_ONLY = DEPRECATED = True
    RETURN_TYPES = (ANY,)
    INPUT_IS_LIST = True
    FUNCTION = "make_list"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"value": (ANY, {})}}

    def make_list(self, value: list[Any]) -> tuple[list[Any]]:
        return (value,)
