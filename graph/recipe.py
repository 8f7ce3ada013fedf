"""Recipes: a reference as the piece of prompt that makes its value, in a form that is the same
every time.

A node's id is the hash of its class and inputs, with links replaced by the ids of what they come
from. So equal recipes are equal whatever their files looked like, a loader behind MODEL, CLIP and
VAE is one node again when they meet in one prompt, and ComfyUI's cache sees the same nodes in
every run.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from ..errors import Problem, WorkflowError
from .prompt import Prompt, PromptNode, Source, link_source

# Where a value lies is no part of what it is.
_NOT_IDENTITY = {"run_dir", "unique_id"}
LOADER = "DiscomfortContextLoader"


@dataclass(frozen=True, slots=True)
class Recipe:
    """What rebuilds one value: `nodes` is closed under its links, `source` is the output that
    counts.
    """

    nodes: Prompt
    source: Source

    @property
    def id(self) -> str:
        """The recipe hash: equal for equal recipes, whatever ids, order or titles."""
        return f"{self.source.node_id}:{self.source.slot}"

    @property
    def loads(self) -> dict[str, str]:
        """key -> version of the values in the context that its loaders read."""
        inputs = [n["inputs"] for n in self.nodes.values() if n["class_type"] == LOADER]
        return {i["unique_id"]: i["version"] for i in inputs}


def make_recipe(prompt: Prompt, source: Source) -> Recipe:
    """Give everything upstream of `source` its canonical id.

    Args:
        prompt: has no ports any more.

    Raises:
        WorkflowError: a cycle, or a link to a node that is not there; names the node.
    """
    ids: dict[str, str] = {}
    nodes: Prompt = {}
    entered: set[str] = set()
    stack = [source.node_id]
    while stack:
        node_id = stack[-1]
        node = prompt.get(node_id)
        if node is None:
            raise WorkflowError(
                "A reference can't be made:",
                [Problem("a link leads to a node that is absent", node_id)],
            )
        waiting = [s.node_id for s in _sources(node) if s.node_id not in ids]
        if node_id in ids or not waiting:
            stack.pop()
            if node_id not in ids:
                ids[node_id] = _add(nodes, node, ids)
            continue
        if node_id in entered:
            raise WorkflowError(
                "A reference can't be made:",
                [Problem("it is a part of a cycle", node_id, node["class_type"])],
            )
        entered.add(node_id)
        stack.extend(waiting)
    return Recipe(nodes, Source(ids[source.node_id], source.slot))


def _sources(node: PromptNode) -> list[Source]:
    found = (link_source(value) for value in node["inputs"].values())
    return [s for s in found if s is not None]


def _add(nodes: Prompt, node: PromptNode, ids: dict[str, str]) -> str:
    inputs: dict[str, Any] = {}
    for name, value in node["inputs"].items():
        link = link_source(value)
        inputs[name] = [ids[link.node_id], link.slot] if link else value
    skipped = _NOT_IDENTITY if node["class_type"] == LOADER else set()
    identity = [node["class_type"], {k: v for k, v in inputs.items() if k not in skipped}]
    text = json.dumps(identity, sort_keys=True, separators=(",", ":"), default=str)
    node_id = "ref-" + hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:20]
    nodes[node_id] = {**node, "inputs": inputs}
    return node_id
