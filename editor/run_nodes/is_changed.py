"""For IS_CHANGED: what says that a node that runs workflows would give something else now.

That is the prompts that the nested ComfyUI would get, and what their nodes answer when ComfyUI asks
them the same: a LoadImage inside reads its picture for it, as it would in the user's own graph.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from ...graph.plan.internal_nodes import SAVER
from ...graph.prompt import Prompt
from . import crossing, nested_prompt
from .constants import parse_values
from .request import find_files, find_port_types

# Runners are refused when they run, and a workflow that runs itself would be asked for ever. Savers
# run in each run, and make nothing of their own.
_NOT_ASKED = crossing.RUNNERS | {SAVER}


async def fingerprint(
    workflows: str | None,
    values: str | None,
    iterations: int | None = 1,
    *,
    randomize_seeds: bool | None = False,
) -> Any:
    """Equal as long as the workflows would give the same; ComfyUI compares (caching.py
    `to_hashable`: what can't be compared, and NaN, is different each time).

    Args:
        What is None comes through a link, and is not known yet.

    Raises:
        What keeps a prompt from being made, for instance a node that is not installed here.
            ComfyUI takes it for a change (execution.py `IsChangedCache`).
    """
    if workflows is None or randomize_seeds or randomize_seeds is None:
        return float("nan")
    paths = find_files(workflows)
    port_types = find_port_types(paths)
    given = parse_values(values)
    if iterations != 1:  # what goes round is another value in the next iteration
        given = {uid: value for uid, value in given.items() if uid not in port_types.outputs}
    found: list[Any] = [list(port_types.inputs.items()), list(port_types.outputs.items())]
    for _, swapped in nested_prompt.in_turn(paths, given):
        prompt = swapped.prompt
        found.append([_digest(prompt), await nested_prompt.changes(prompt, _NOT_ASKED)])
    return found


def _digest(prompt: Prompt) -> str:
    """Without titles, which change nothing."""
    plain = {node_id: [node["class_type"], node["inputs"]] for node_id, node in prompt.items()}
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()
