r"""Which literals of a prompt may name files: the key of a step has their stamps.

Rather one too many: a name that nothing is found under costs a look, and a file that is overlooked
gives a stale result. Names that nodes put together as they run can't be seen.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from ..node_classes.input_specs import DYNAMIC_COMBO, MULTI_COMBO
from ..node_classes.object_info import ObjectInfo
from ..plan.internal_nodes import INTERNAL
from ..ports.literals import unwrapped
from ..prompt import Prompt, link_source
from .facts import NamedFile, Place

_COMBOS = frozenset({"COMBO", DYNAMIC_COMBO, MULTI_COMBO})
_MOST_CHARS = 4096  # of a path, on the systems that allow the longest
_ANNOTATION = re.compile(r"\s?\[(?:input|output|temp)\]$")  # folder_paths.py `annotated_filepath`
_ENDING = re.compile(r"(?<!\.)\.[\w+-]{1,16}$")
_ROOT = re.compile(r"[A-Za-z]:|[./\\~ ]")  # what the folders consist of that are all of a disk
_BETWEEN = re.compile(r"[,;|]")
_AROUND = "\"'` \t\r"
# Up to where ComfyUI reads a name (comfy/sd1_clip.py `_try_get_embedding`).
_EMBEDDING = re.compile(r"embedding:([^\s<\[]+)")
_WEIGHT = re.compile(r"(?<!\\)[():].*")
# As packs write them into prompt text: <lora:NAME:0.8>, <hypernet:NAME:1>.
_TAG = re.compile(r"<\w+:([^<>:\n]+)(?=[:>])")
# Of these inputs one value may stand for two files (nodes.py `VAELoader.load_taesd`).
_PAIRED_INPUT, _PAIR = "vae_name", ("_encoder", "_decoder")


def find_named_files(prompt: Prompt, info: ObjectInfo) -> frozenset[NamedFile]:
    """What in the literals of these nodes may be the name of a file, or of a folder.

    A value of a combo may always be one, whatever it looks like: it may name a folder, or a file
    whose ending the node adds. In other text a name is known by its ending or by a
    separator: a line, or a part of a line of several; also in JSON that is written as text.
    """
    found: set[NamedFile] = set()
    for node in prompt.values():
        kind = node["class_type"]
        if kind in INTERNAL:
            continue
        for name, value in node["inputs"].items():
            if isinstance(value, (int, float)) or link_source(value) is not None:
                continue
            spec = info.input_spec(kind, name)
            is_combo = spec is None or spec[0] in _COMBOS
            for text in _texts(unwrapped(value)):
                found.update(_in_text(text, is_combo))
                if is_combo and name.rpartition(".")[2] == _PAIRED_INPUT:
                    found.update(NamedFile(text + end, Place.STEM) for end in _PAIR)
    return frozenset(found)


def _texts(value: Any) -> Iterator[str]:
    """Every text in a literal: in lists, dicts (also their keys), and JSON that is text itself."""
    stack = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, Mapping):
            stack.extend((*item, *item.values()))
        elif isinstance(item, (list, tuple)):
            stack.extend(item)
        elif isinstance(item, str):
            yield item
            inside = _parsed(item)
            if inside is not None:
                stack.append(inside)


def _parsed(text: str) -> Any:
    """The list or dict that a text is the JSON of; None for other text."""
    if text.lstrip()[:1] not in ("[", "{"):
        return None
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, (list, dict)) else None


def _in_text(text: str, is_combo: bool) -> Iterator[NamedFile]:
    if is_combo:
        yield from _named(text, True)
    for line in text.split("\n"):
        for part in {line, *(p.strip(_AROUND) for p in (line, *_BETWEEN.split(line)))}:
            yield from _named(part, False)
    for match in _EMBEDDING.finditer(text):
        for name in _embedding_names(match[1]):
            yield NamedFile(name, Place.EMBEDDING)
    for match in _TAG.finditer(text):
        yield from _named(match[1], True)
        yield NamedFile(match[1], Place.STEM)


def _named(text: str, is_surely: bool) -> Iterator[NamedFile]:
    """A text as the name of a file, in the places where it may be one."""
    if len(text) > _MOST_CHARS or "\0" in text:
        return
    bare = _ANNOTATION.sub("", text)
    if not _ROOT.sub("", bare):
        return
    looks_so = _ENDING.search(bare) is not None or "/" in bare or "\\" in bare or bare != text
    if looks_so:
        yield NamedFile(text.removeprefix("file://"), Place.PATH)
    if looks_so or is_surely:
        yield NamedFile(text, Place.SERVER)


def _embedding_names(text: str) -> set[str]:
    """What ComfyUI may take for the name of an embedding: as it stands, without commas behind it,
    and without the brackets and the weight of an emphasis around it.
    """
    names = {text, text.strip(","), _WEIGHT.sub("", text), _WEIGHT.sub("", text).strip(",")}
    return {n.replace("\\(", "(").replace("\\)", ")") for n in names if n} | (names - {""})
