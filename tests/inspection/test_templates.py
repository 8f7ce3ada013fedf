"""Of 40 of ComfyUI's own templates the prompt texts, seeds, sizes and pictures are named.

What each has is looked up in the test by class names, which `inspection/` does not know.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from custom_nodes import discomfort
from support import oracle

CLASSES = {
    "CLIPTextEncode": ("text", "prompt_texts"),
    "TextEncodeQwenImageEdit": ("prompt", "prompt_texts"),
    "TextEncodeQwenImageEditPlus": ("prompt", "prompt_texts"),
    "KSampler": ("seed", "seeds"),
    "KSamplerAdvanced": ("noise_seed", "seeds"),
    "RandomNoise": ("noise_seed", "seeds"),
    "EmptyLatentImage": ("width", "sizes"),
    "EmptySD3LatentImage": ("width", "sizes"),
    "EmptyFlux2LatentImage": ("width", "sizes"),
    "EmptyHunyuanLatentVideo": ("width", "sizes"),
    "WanImageToVideo": ("width", "sizes"),
    "LoadImage": ("image", "pictures"),
}


def _templates() -> list[Path]:
    spec = find_spec("comfyui_workflow_templates_json")
    if spec is None or spec.origin is None:
        return []
    folder = Path(spec.origin).parent / "templates"
    files = sorted(folder.glob("*.json"), key=lambda f: hashlib.sha256(f.name.encode()).digest())
    found = []
    for file in files:
        data = json.loads(file.read_text(encoding="utf-8"))
        if isinstance(data, dict) and isinstance(data.get("nodes"), list):
            found.append(file)
    return found[:40]


TEMPLATES = _templates()


def _nodes(data: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The nodes that run, in the root and in each definition that it uses: ("" or its id, node)."""
    definitions = {d["id"]: d for d in (data.get("definitions") or {}).get("subgraphs") or []}
    waiting, seen = [("", data)], {""}
    while waiting:
        where, graph = waiting.pop()
        for node in graph["nodes"]:
            if node.get("mode", 0) in (2, 4):
                continue
            yield where, node
            if node["type"] in definitions and node["type"] not in seen:
                seen.add(node["type"])
                waiting.append((node["type"], definitions[node["type"]]))


def _is_linked(node: dict[str, Any], name: str) -> bool:
    return any(i["name"] == name and i.get("link") is not None for i in node.get("inputs") or [])


@pytest.mark.skipif(not TEMPLATES, reason="comfyui_workflow_templates_json is not installed")
@pytest.mark.skipif(not oracle.has_public_set(), reason="there is no /object_info of ComfyUI 0.33")
@pytest.mark.parametrize("path", TEMPLATES, ids=[p.stem for p in TEMPLATES])
def test_what_people_change_is_named(path):
    found = discomfort.inspect(path, object_info=oracle.object_info())
    assert not found.problems
    looked = 0
    for where, node in _nodes(json.loads(path.read_text(encoding="utf-8"))):
        name, kind = CLASSES.get(node["type"], ("", ""))
        if not name:
            continue
        looked += 1
        items = getattr(found, kind)
        if where or _is_linked(node, name):
            assert items or kind == "sizes", f"{path.name}: {node['type']} {node['id']}"
        else:
            here = [i for i in items if i.node_id == str(node["id"])]
            assert here, f"{path.name}: {node['type']} {node['id']}"
            assert here[0].value is not None
    by_name = [i for i in found.inputs if i.name in ("prompt", "seed") and i.is_widget]
    for item in by_name:
        if not item.is_linked:
            assert item.kind == {"prompt": "prompt text", "seed": "seed"}[item.name], item
    assert looked or by_name or found.pictures or found.sizes


@pytest.mark.skipif(not TEMPLATES, reason="comfyui_workflow_templates_json is not installed")
def test_there_are_forty():
    assert len(TEMPLATES) == 40
