"""Which inputs are prompt texts, seeds, sizes and pictures: told by class and name alone."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from ..graph.node_classes.object_info import InputSpec, ObjectInfo
from ..graph.ports.connections import Use
from ..graph.ports.port_types import type_name
from ..graph.prompt import Prompt, Source, link_source, links_of
from .model import PICTURE, PROMPT_TEXT, SEED, SIZE

_SEED = re.compile(r"(?:.*[_.])?(?:noise_)?seed(?:_num)?")
_SIDE = re.compile(r"(?:.*[_.])?(?:width|height)")
_SIZE = re.compile(r"(?:.*[_.])?(?:resolution|aspect_ratio|ratio|size|megapixels|image_size)")
_TEXT = re.compile(
    r"(?:.*[_.])?(?:text|prompt|positive|negative|caption|lyrics|clip_[lgh]|t5xxl|llama|wildcard)"
    r"(?:_prompt|_text|_g|_l)?"
)
_PICTURE_FLAGS = ("image_upload", "animated_image_upload")
_COUNTS = frozenset({"batch_size", "tile_size", "temporal_size", "patch_size", "kernel_size"})
_NO_PROMPT = re.compile(r"filename|delimiter|separator|regex|format|model")
_PASSED_ON = 200  # nodes that are looked at behind a text
# Nodes that show or keep a text, and make nothing of it.
_NO_TEXT = frozenset({"Note", "MarkdownNote", "PreviewAny", "PrimitiveBoolean"})


class Kinds:
    """Answers for one prompt."""

    def __init__(self, prompt: Prompt, info: ObjectInfo):
        self._prompt, self._info = prompt, info
        self._fed: dict[Source, list[Use]] = {}
        for node_id, node in prompt.items():
            for name, source in links_of(node):
                self._fed.setdefault(source, []).append(Use(node_id, name))

    def of(self, uses: Iterable[Use]) -> str:
        """What an address or port is that stands for these inputs; "" for none of them."""
        return next(filter(None, (self._of_use(use) for use in uses)), "")

    def _of_use(self, use: Use) -> str:
        spec = self._spec(use)
        if spec is None:
            return ""
        kind, options = type_name(spec[0]), spec[1]
        name = use.input_name.lower()
        is_linked = link_source(self._prompt[use.node_id]["inputs"].get(use.input_name)) is not None
        if kind in ("INT", "FLOAT") and not is_linked:
            return self._of_number(use, name, options)
        if kind == "COMBO" and not is_linked:
            if any(options.get(flag) for flag in _PICTURE_FLAGS):
                return PICTURE
            return SIZE if _SIZE.fullmatch(name) else ""
        if kind == "STRING" and not is_linked:
            return PROMPT_TEXT if self._is_prompt_text(use, options) else ""
        if kind == "IMAGE" and not is_linked and self._is_required(use):
            return PICTURE
        return ""

    def _of_number(self, use: Use, name: str, options: Mapping[str, Any]) -> str:
        if _SEED.fullmatch(name) or (
            name.endswith("seed") and options.get("control_after_generate")
        ):
            return SEED
        if (_SIDE.fullmatch(name) or _SIZE.fullmatch(name)) and name not in _COUNTS:
            return SIZE
        # A number of its own says by what it feeds what it is.
        targets = [u.input_name.lower() for u in self._targets(use.node_id)]
        if self._prompt[use.node_id]["class_type"].startswith("Primitive") and targets:
            if all(_SEED.fullmatch(target) for target in targets):
                return SEED
            if all(_SIDE.fullmatch(target) for target in targets):
                return SIZE
        return ""

    def _is_prompt_text(self, use: Use, options: Mapping[str, Any]) -> bool:
        """Whether it is one by itself, or is passed on to one."""
        if self._prompt[use.node_id]["class_type"] in _NO_TEXT:
            return False
        waiting, seen = [(use, options)], {use.node_id}
        while waiting and len(seen) < _PASSED_ON:
            current, own = waiting.pop(0)
            class_type = self._prompt[current.node_id]["class_type"]
            outputs = self._info.output_types(class_type)
            name = current.input_name.lower()
            if _NO_PROMPT.search(name):
                continue
            is_long = bool(own.get("multiline") or own.get("dynamicPrompts"))
            is_named = _TEXT.fullmatch(name) is not None
            if is_named and (is_long or "STRING" not in outputs):
                return True
            if is_long and "CONDITIONING" in outputs:
                return True
            if "STRING" in outputs:
                for target in self._targets(current.node_id):
                    spec = self._spec(target)
                    if spec and type_name(spec[0]) == "STRING" and target.node_id not in seen:
                        seen.add(target.node_id)
                        waiting.append((target, spec[1]))
        return False

    def _targets(self, node_id: str) -> list[Use]:
        class_type = self._prompt[node_id]["class_type"]
        slots = range(len(self._info.output_types(class_type)))
        return [use for slot in slots for use in self._fed.get(Source(node_id, slot), ())]

    def _spec(self, use: Use) -> InputSpec | None:
        if use.node_id not in self._prompt:
            return None
        return self._info.input_spec(self._prompt[use.node_id]["class_type"], use.input_name)

    def _is_required(self, use: Use) -> bool:
        class_type = self._prompt[use.node_id]["class_type"]
        spec = self._info.spec(class_type)
        return spec is not None and use.input_name in spec.required_sockets
