"""Forty of the templates that ComfyUI brings, on a server without models: `check` lists exactly
what each lacks.

They are chosen by the hash of their names, not by hand.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from custom_nodes.discomfort.comfy_serverless import ComfyConnector
from custom_nodes.discomfort.discomfort import Discomfort
from custom_nodes.discomfort.errors import WorkflowError
from support.servers import real_servers, skip_or_fail, worker_for_many

COUNT = 40
PACKAGES = ("comfyui_workflow_templates_json", "comfyui_workflow_templates")
MODELS = (".safetensors", ".sft", ".ckpt", ".pt", ".pth", ".bin", ".gguf", ".onnx")


def templates() -> list[Path]:
    """The templates with the smallest hashes of their names; none without the package."""
    for name in PACKAGES:
        spec = importlib.util.find_spec(name)
        for place in spec.submodule_search_locations or () if spec else ():
            found = [p for p in Path(place, "templates").glob("*.json") if is_workflow(p)]
            if found:
                found.sort(key=lambda p: hashlib.sha256(p.name.encode()).hexdigest())
                return found[:COUNT]
    return []


def is_workflow(path: Path) -> bool:
    data = json.loads(path.read_text(encoding="utf-8"))
    return isinstance(data, dict) and isinstance(data.get("nodes"), list)


@pytest.fixture(scope="module")
def newest(tmp_path_factory) -> Iterator[ComfyConnector]:
    found = [server for server in real_servers() if "0.3.64" not in server.name]
    if not found:
        skip_or_fail("no real ComfyUI was found")
    with worker_for_many(found[0], tmp_path_factory.mktemp("worker")) as connector:
        yield connector


CHOSEN = templates()


def test_there_are_templates():
    if not CHOSEN:
        pytest.skip(f"{PACKAGES[0]} is not installed")
    assert len(CHOSEN) == COUNT


@pytest.mark.parametrize("path", CHOSEN, ids=lambda path: path.stem)
async def test_check_lists_what_a_template_lacks(path, newest):
    discomfort = Discomfort(newest)
    try:
        found = await discomfort.check(path)
    finally:
        discomfort._engine.contexts.close()
    data = json.loads(path.read_text(encoding="utf-8"))
    info = await newest.object_info()
    try:
        prompt = await newest.get_prompt_from_workflow(path)
    except WorkflowError as e:
        assert found.packs or found.problems, e
        prompt = {}
    named = {value for value in values_of(prompt, info) if value.endswith(MODELS)}
    listed = {model.name for model in found.models}
    assert listed >= named and (listed == named or not prompt)
    said = said_in(data)
    for model in found.models:
        if model.name in said:
            assert model.source is not None and (model.source.url, model.folder) in said[model.name]
        else:
            assert model.source is None
    pictures = {
        node["inputs"]["image"]
        for node in prompt.values()
        if node["class_type"] == "LoadImage" and isinstance(node["inputs"]["image"], str)
    }
    have = set(newest.existing_files(pictures))
    assert {f.name for f in found.input_files} >= pictures - have
    kinds = {i: info[node["class_type"]] for i, node in prompt.items()}
    theirs = {i for i, kind in kinds.items() if "comfy_api_nodes" in kind["python_module"]}
    # Among theirs are some that only prepare what others send.
    paid = {i for i in theirs if kinds[i].get("api_node")}
    assert not prompt or paid <= {place.node_id for place in found.api_nodes} <= theirs
    assert str(found) and json.dumps(found.to_json())


def values_of(prompt: dict[str, Any], info: dict[str, Any]) -> Iterator[str]:
    """The texts in a prompt that are none of those which the server lists for their input."""
    for node in prompt.values():
        sections = info[node["class_type"]]["input"]
        specs = {**(sections.get("optional") or {}), **(sections.get("required") or {})}
        for name, value in node["inputs"].items():
            kind = specs.get(name, [None])[0]
            if isinstance(value, str) and (isinstance(kind, list) or kind == "COMBO"):
                options = kind if isinstance(kind, list) else specs[name][1]["options"]
                if value not in options:
                    yield value


def said_in(data: Any) -> dict[str, set[tuple[str, str]]]:
    """name -> (url, folder), wherever in the JSON a list `models` says it."""
    found: dict[str, set[tuple[str, str]]] = {}
    stack = [data]
    while stack:
        item = stack.pop()
        if isinstance(item, list):
            stack += item
        elif isinstance(item, dict):
            for entry in item.get("models") or []:
                if isinstance(entry, dict) and {"name", "url", "directory"} <= entry.keys():
                    place = (entry["url"], entry["directory"])
                    found.setdefault(entry["name"], set()).add(place)
            stack += item.values()
    return found
