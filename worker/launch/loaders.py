"""Which nodes of a script's prompts stay in ComfyUI's cache for the next script: loaders of models.

A pure decision, and the notes that it is made from. Used by `clean_comfyui.py`.
"""

from __future__ import annotations

import json
import logging
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import Any

log = logging.getLogger("discomfort.worker")

MODEL_SUFFIXES = (".safetensors", ".sft", ".ckpt", ".pt", ".pt2", ".pth", ".bin", ".gguf")
# Values, not models: what a class makes of a file with these is what somebody has made.
_VALUES = frozenset(
    "IMAGE MASK LATENT CONDITIONING AUDIO VIDEO STRING INT FLOAT BOOLEAN COMBO SIGMAS NOISE "
    "GUIDER SAMPLER *".split()
)
_MORE_THAN_A_VALUE = ("OUTPUT_NODE", "API_NODE", "NOT_IDEMPOTENT", "INPUT_IS_LIST")
_NOTED = 64  # nodes; a master keeps 12 loaders, beside those of its own prompts


def is_loader(node: Mapping[str, Any], kind: Any) -> bool:
    """Whether a node's value is made of a file of the server's and of nothing else.

    Each of its inputs is one of the choices that its class offers, or the class's default, and one
    of the choices is the file of a model: so nothing of a script can be in it but which it chose.

    Args:
        node: of a prompt.
        kind: its class, None where there is none.

    Source: comfy_execution/caching.py of 0.3.64 and 0.33, for `NOT_IDEMPOTENT`.
    """
    if kind is None or any(getattr(kind, name, False) for name in _MORE_THAN_A_VALUE):
        return False
    outputs = tuple(str(output) for output in getattr(kind, "RETURN_TYPES", ()) or ())
    if not outputs or _VALUES.intersection(outputs):
        return False
    declared = kind.INPUT_TYPES()
    if declared.get("hidden"):  # it gets to see more than its inputs
        return False
    known = {**declared.get("required", {}), **declared.get("optional", {})}
    given = node.get("inputs", {})
    if not all(name in known and _is_offered(value, known[name]) for name, value in given.items()):
        return False
    return any(_is_file(value) and value in _choices(known[name]) for name, value in given.items())


def _is_offered(value: Any, declared: Any) -> bool:
    if not isinstance(value, (str, int, float, bool)):
        return False
    return value in _choices(declared) or _is_equal(value, _options(declared).get("default"))


def _is_equal(value: Any, default: Any) -> bool:
    return type(value) is type(default) and value == default


def _choices(declared: Any) -> tuple[Any, ...]:
    """What may be chosen for an input, of either way in which classes say so."""
    kind = declared[0] if declared else None
    found = kind if isinstance(kind, (list, tuple)) else _options(declared).get("options")
    return tuple(found) if isinstance(found, (list, tuple)) else ()


def _options(declared: Any) -> Mapping[str, Any]:
    given = declared[1] if len(declared) > 1 else None
    return given if isinstance(given, Mapping) else {}


def _is_file(value: Any) -> bool:
    return isinstance(value, str) and value.lower().endswith(MODEL_SUFFIXES)


class LoaderNotes:
    """The nodes of the last prompts that may be loaders, the oldest first."""

    def __init__(self) -> None:
        self._noted: OrderedDict[str, dict[str, Any]] = OrderedDict()

    def take(self, body: dict[str, Any]) -> dict[str, Any]:
        """Note those of the body of a POST /prompt: ComfyUI's `on_prompt` handler."""
        prompt = body.get("prompt")
        for node in prompt.values() if isinstance(prompt, dict) else ():
            inputs = node.get("inputs") if isinstance(node, dict) else None
            if isinstance(inputs, dict) and any(map(_is_file, inputs.values())):
                self._note(str(node.get("class_type")), inputs)
        return body

    def _note(self, class_type: str, inputs: Mapping[str, Any]) -> None:
        key = json.dumps([class_type, inputs], sort_keys=True)
        self._noted[key] = {"class_type": class_type, "inputs": dict(inputs)}
        self._noted.move_to_end(key)
        while len(self._noted) > _NOTED:
            self._noted.popitem(last=False)

    def prompt(self, classes: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
        """Those that are loaders, under ids of our own."""
        found = [n for n in self._noted.values() if _is_loader(n, classes.get(n["class_type"]))]
        return {
            f"kept-{i}": {"class_type": n["class_type"], "inputs": dict(n["inputs"])}
            for i, n in enumerate(found)
        }

    def replace(self, loaders: Iterable[Mapping[str, Any]]) -> None:
        """Know these and no others."""
        self._noted.clear()
        for node in loaders:
            self._note(node["class_type"], node["inputs"])


def _is_loader(node: Mapping[str, Any], kind: Any) -> bool:
    try:
        return is_loader(node, kind)
    except Exception as e:  # the class's own code, and what it declares
        log.debug("%s is not asked what it loads: %r", node["class_type"], e)
        return False
