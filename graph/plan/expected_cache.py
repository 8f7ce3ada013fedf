"""What ComfyUI still has: which nodes of a prompt it would serve from its cache.

Known is only what this process sent. ComfyUI may have dropped it since (another client, little
memory), and a node may say that it changed (IS_CHANGED), so all this is an expectation.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import NamedTuple

from ..prompt import Prompt
from .internal_nodes import SAVER
from .recipe import signatures


class Sent(NamedTuple):
    """A prompt that was queued.

    needed: the nodes that its outputs depend on. ended_well: whether all of them ran.
    """

    prompt: Prompt
    needed: Collection[str]
    ended_well: bool


def expect_cached(sent: Iterable[Sent]) -> set[str]:
    """The signatures of the nodes whose results ComfyUI has after these prompts.

    An entry lives until a prompt comes that lacks its node. A node that is in a prompt but that
    no output needs is not run; what was made of it before stays.

    Source: ComfyUI comfy_execution/caching.py, HierarchicalCache, and execution.py (0.3.64 to
    0.33, `--cache-classic`, which is how a worker is started).
    """
    known: set[str] = set()
    for prompt, needed, ended_well in sent:
        hashes = signatures(prompt)
        made = {hashes[n] for n in needed} if ended_well else set()
        known = made | (known & set(hashes.values()))
    return known


def find_cached(prompt: Prompt, known: set[str]) -> tuple[str, ...]:
    """The nodes of a prompt that need not run. A saver always does: its handoff is always new."""
    hashes = signatures(prompt)
    return tuple(
        node_id
        for node_id, node in prompt.items()
        if node["class_type"] != SAVER and hashes[node_id] in known
    )
