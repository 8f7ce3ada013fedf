"""Recipes: a reference as the piece of prompt that makes its value, in one canonical form.

A node's id is the hash of its class and inputs, with links replaced by the ids of what they come
from. So equal recipes are equal whatever their files looked like, a loader behind MODEL, CLIP and
VAE is one node again when they meet in one prompt, and ComfyUI's cache sees the same nodes in
every run.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ..node_classes.object_info import ObjectInfo
from ..ports.port_types import ANY, type_name
from ..prompt import Prompt, PromptNode, Source
from .canonical import canonical_text, name_nodes
from .internal_nodes import LOADER

# Under which key a value lies is no part of what it is, and nor is where (in files of old).
NOT_IDENTITY = frozenset({"run_dir", "unique_id"})


@dataclass(frozen=True, slots=True)
class Recipe:
    """What rebuilds one value: nodes that need no others, and the output that gives the value."""

    nodes: Prompt
    source: Source

    @property
    def id(self) -> str:
        """The recipe hash: equal for equal recipes, whatever ids, order or titles."""
        return f"{self.source.node_id}:{self.source.slot}"

    @property
    def loads(self) -> dict[str, str]:
        """key -> version of what its loaders read in the context; empty in a closure."""
        return {i["unique_id"]: i["version"] for i in _loaders(self.nodes) if i.get("unique_id")}

    @property
    def frozen(self) -> set[str]:
        """The contents (hashes) of the values that are frozen into it."""
        return frozen_in(self.nodes)


def frozen_in(prompt: Prompt) -> set[str]:
    """The contents of the frozen values that loaders in a prompt read."""
    return {i["version"] for i in _loaders(prompt) if not i.get("unique_id")}


def _loaders(prompt: Prompt) -> list[dict[str, Any]]:
    return [n["inputs"] for n in prompt.values() if n["class_type"] == LOADER]


def make_recipe(prompt: Prompt, source: Source) -> Recipe:
    """Give everything upstream of `source` its canonical id.

    Args:
        prompt: has no ports any more.

    Raises:
        WorkflowError: a cycle, or a link to a node that is not there; names the node.
    """
    message = "A reference can't be made:"
    ids, nodes = _canonical(prompt, [source.node_id], NOT_IDENTITY, message)
    return Recipe(nodes, Source(ids[source.node_id], source.slot))


def type_of(recipe: Recipe, info: ObjectInfo) -> str:
    """The ComfyUI type of what a recipe makes; ANY for a class that is not known."""
    node_id, slot = recipe.source
    types = info.output_types(recipe.nodes[node_id]["class_type"])
    return type_name(types[slot]) if 0 <= slot < len(types) else ANY


def signatures(prompt: Prompt, node_ids: Iterable[str] | None = None) -> dict[str, str]:
    """node id -> a hash of all that ComfyUI's cache looks at: class, inputs, and what feeds it.

    What IS_CHANGED answers is not in it: only the server knows that.

    Args:
        node_ids: which nodes, with all that they depend on; None: all.

    Source: ComfyUI comfy_execution/caching.py, CacheKeySetInputSignature (0.3.64 to 0.33).

    Raises:
        WorkflowError: a cycle, or a link to a node that is not there; names the node.
    """
    wanted = prompt if node_ids is None else node_ids
    return _canonical(prompt, wanted, frozenset(), "The prompt can't be run:")[0]


def _canonical(
    prompt: Prompt, node_ids: Iterable[str], left_out: frozenset[str], message: str
) -> tuple[dict[str, str], Prompt]:
    """Old id -> canonical id of these nodes and of what they depend on, and the nodes renamed."""
    nodes: Prompt = {}

    def give_name(_: str, node: PromptNode, inputs: dict[str, Any]) -> str:
        skipped = left_out if node["class_type"] == LOADER else ()
        identity = [node["class_type"], {k: v for k, v in inputs.items() if k not in skipped}]
        text = canonical_text(identity, default=str)
        node_id = "ref-" + hashlib.sha256(text.encode()).hexdigest()[:20]
        nodes[node_id] = {**node, "inputs": inputs}
        return node_id

    return name_nodes(prompt, node_ids, give_name, message), nodes
