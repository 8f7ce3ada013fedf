"""Which nodes of a script's prompts stay in ComfyUI's cache for the next script: loaders of models.

A pure decision, and the notes that it is made from. Used by `clean_comfyui.py`.
"""

from __future__ import annotations

import json
import logging
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from typing import Any

log = logging.getLogger("discomfort.worker")

# Values, not models: what a class makes of a file with these is what somebody has made.
_VALUES = {"IMAGE", "MASK", "LATENT", "CONDITIONING", "AUDIO", "VIDEO", "STRING", "INT", "FLOAT"}
_VALUES |= {"BOOLEAN", "COMBO", "SIGMAS", "NOISE", "GUIDER", "SAMPLER", "*"}
_MORE_THAN_A_VALUE = ("OUTPUT_NODE", "API_NODE", "NOT_IDEMPOTENT", "INPUT_IS_LIST")
_NOTED = 64  # nodes; a master keeps 12 loaders, beside those of its own prompts


def is_loader(node: Mapping[str, Any], kind: Any) -> bool:
    """Whether a node's value is a model, made of what the server itself offers and nothing else.

    Each of its inputs is one of the choices that its class has, or the class's default: so nothing
    of a script can be in the value but which of the server's models it chose.

    Args:
        node: of a prompt.
        kind: its class, None where there is none.
    """
    if not _makes_models(kind):
        return False
    declared = kind.INPUT_TYPES()
    if declared.get("hidden"):  # it gets to see more than its inputs
        return False
    known = {**declared.get("required", {}), **declared.get("optional", {})}
    given = node["inputs"]
    return (
        given.keys() <= known.keys()  # others are a part of ComfyUI's key all the same
        and all(_is_offered(value, known[name]) for name, value in given.items())
        and any(value in _choices(known[name]) for name, value in given.items())
    )


def _makes_models(kind: Any) -> bool:
    """Whether all that a class makes are models, and that is all it does.

    Source: comfy_execution/caching.py of 0.3.64 and 0.33, for `NOT_IDEMPOTENT`.
    """
    if kind is None or any(getattr(kind, name, False) for name in _MORE_THAN_A_VALUE):
        return False
    outputs = [str(output) for output in getattr(kind, "RETURN_TYPES", None) or ()]
    return bool(outputs) and not _VALUES.intersection(outputs)


def _is_offered(value: Any, declared: Any) -> bool:
    if not _is_plain(value):
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


class LoaderNotes:
    """The nodes of the last prompts that may be loaders, the oldest first.

    Args:
        classes: the server's, by name.
    """

    def __init__(self, classes: Mapping[str, Any]):
        self._classes = classes
        self._noted: OrderedDict[str, dict[str, Any]] = OrderedDict()

    def take(self, body: dict[str, Any]) -> dict[str, Any]:
        """Note those of the body of a POST /prompt: ComfyUI's `on_prompt` handler."""
        prompt = body.get("prompt")
        for node in prompt.values() if isinstance(prompt, dict) else ():
            inputs = node.get("inputs") if isinstance(node, dict) else None
            if isinstance(inputs, dict) and _has_choice(inputs):
                kind = self._classes.get(str(node.get("class_type")))
                if _ask(_makes_models, kind):
                    self._note(str(node["class_type"]), inputs)
        return body

    def _note(self, class_type: str, inputs: Mapping[str, Any]) -> None:
        key = json.dumps([class_type, inputs], sort_keys=True)
        self._noted[key] = {"class_type": class_type, "inputs": dict(inputs)}
        self._noted.move_to_end(key)
        while len(self._noted) > _NOTED:
            self._noted.popitem(last=False)

    def prompt(self) -> dict[str, dict[str, Any]]:
        """Those that are loaders, under ids of our own."""
        found = [
            node
            for node in self._noted.values()
            if _ask(is_loader, node, self._classes.get(node["class_type"]))
        ]
        return {
            f"kept-{i}": {"class_type": node["class_type"], "inputs": dict(node["inputs"])}
            for i, node in enumerate(found)
        }

    def replace(self, loaders: Iterable[Mapping[str, Any]]) -> None:
        """Know these and no others."""
        self._noted.clear()
        for node in loaders:
            self._note(node["class_type"], node["inputs"])


def _has_choice(inputs: Mapping[str, Any]) -> bool:
    """Whether there is a text, and no link or list."""
    values = inputs.values()
    return any(isinstance(v, str) for v in values) and all(map(_is_plain, values))


def _is_plain(value: Any) -> bool:
    return isinstance(value, (str, int, float, bool))


def _ask(question: Callable[..., bool], *about: Any) -> bool:
    """The answer; False where the code of a class fails, or what it declares is odd."""
    try:
        return question(*about)
    except Exception as e:
        log.debug("A class is not asked what it loads: %r", e)
        return False
