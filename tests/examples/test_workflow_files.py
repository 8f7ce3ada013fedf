"""The files in test_workflows/ and examples/workflows/ are what the editor itself would save."""

from __future__ import annotations

import itertools
import json
import re
from pathlib import Path

import pytest
from custom_nodes.discomfort.graph.workflow.model import Workflow
from custom_nodes.discomfort.graph.workflow.parse import parse_workflow

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = [ROOT / "test_workflows", ROOT / "examples" / "workflows"]
FILES = sorted(path for folder in FOLDERS for path in folder.glob("*.json"))
WORKFLOWS = [path for path in FILES if path.stem != "api_prompt"]
BROKEN = {"error_broken_link"}  # wrong on purpose
WORKFLOW_KEYS = (
    "last_node_id",
    "last_link_id",
    "nodes",
    "links",
    "groups",
    "config",
    "extra",
    "version",
)
NODE_KEYS = (
    "id",
    "type",
    "pos",
    "size",
    "flags",
    "order",
    "mode",
    "inputs",
    "outputs",
    "properties",
)


def load(path: Path) -> Workflow:
    return parse_workflow(json.loads(path.read_text(encoding="utf-8")))


def by_stem(path: Path) -> str:
    return f"{path.parent.name}-{path.stem}"


def test_there_are_workflows_in_both_folders():
    assert {path.parent for path in FILES} == set(FOLDERS)


def test_the_readme_of_the_test_workflows_lists_every_file_once():
    folder = ROOT / "test_workflows"
    listed = re.findall(r"\]\((\w+\.json)\)", (folder / "README.md").read_text(encoding="utf-8"))
    assert sorted(listed) == sorted(path.name for path in folder.glob("*.json"))


@pytest.mark.parametrize("path", WORKFLOWS, ids=by_stem)
def test_a_workflow_has_the_keys_that_the_editor_writes(path: Path):
    data = json.loads(path.read_text(encoding="utf-8"))
    assert not set(WORKFLOW_KEYS) - set(data)
    assert data["version"] == 0.4
    for node in data["nodes"]:
        assert not set(NODE_KEYS) - set(node), node["type"]


@pytest.mark.parametrize("path", WORKFLOWS, ids=by_stem)
def test_links_and_sockets_agree(path: Path):
    for graph in load(path).graphs():
        nodes = {node.id: node for node in graph.nodes}
        for link in graph.links.values():
            if link.origin_id in nodes:
                assert link.id in nodes[link.origin_id].outputs[link.origin_slot]["links"]
            if link.target_id in nodes:
                assert nodes[link.target_id].inputs[link.target_slot]["link"] == link.id
        named = {s["link"] for n in graph.nodes for s in n.inputs if s.get("link") is not None}
        if path.stem not in BROKEN:
            assert named <= set(graph.links)


@pytest.mark.parametrize("path", WORKFLOWS, ids=by_stem)
def test_ids_are_unique_and_not_above_the_last_one(path: Path):
    workflow = load(path)
    ids = [node.id for graph in workflow.graphs() for node in graph.nodes]
    assert len(ids) == len(set(ids))
    assert max(map(int, ids)) <= workflow.data["last_node_id"]
    orders = [node.data["order"] for node in workflow.nodes]
    assert sorted(orders) == list(range(len(orders)))


@pytest.mark.parametrize("path", WORKFLOWS, ids=by_stem)
def test_no_node_covers_another(path: Path):
    """A title is 30 pixels high and stands above `pos`."""
    for graph in load(path).graphs():
        boxes = [(*node.data["pos"], *node.data["size"]) for node in graph.nodes]
        for (ax, ay, aw, ah), (bx, by, bw, bh) in itertools.combinations(boxes, 2):
            apart = ax + aw <= bx or bx + bw <= ax or ay + ah <= by - 30 or by + bh <= ay - 30
            assert apart, path.name
