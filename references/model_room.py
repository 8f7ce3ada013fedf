"""Room for models in the worker: before a run, after one that had too little, and on request."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from ..graph.plan.internal_nodes import FREE
from ..graph.plan.recipe import Recipe
from ..graph.plan.swap_ports import Swapped
from ..graph.prompt import Prompt, PromptNode
from ..system.free_memory import free_ram_bytes
from .kept_models import CachePins, choose_dropped, model_files

if TYPE_CHECKING:
    from ..comfy_serverless import ComfyConnector

log = logging.getLogger("discomfort.memory")


def make_room(worker: ComfyConnector, pins: CachePins, swapped: Swapped) -> Swapped:
    """Let go of what was not used for longest, if the prompt loads models that need the room.

    Returns:
        The prompt without it.
    """
    needed = {n: node for n, node in swapped.prompt.items() if n in swapped.needed}
    cold = model_files(needed) - pins.loaded_files
    if not cold or not pins.loaded_files:
        return swapped
    sizes = worker.model_sizes(cold | pins.loaded_files)
    limits = [free_ram_bytes(), worker.spare_address_bytes()]
    free_bytes = min(limit for limit in limits if limit is not None)
    dropped = choose_dropped(pins.recipes(), pins.loaded_files, needed, sizes, free_bytes)
    if not dropped:
        return swapped
    log.info("%d references are kept no longer: their models' room is needed.", len(dropped))
    pins.drop([recipe.id for recipe in dropped])
    return without(swapped, pins.recipes())


def without(swapped: Swapped, pins: Iterable[Recipe] = ()) -> Swapped:
    """The prompt with nothing kept in it but these recipes."""
    ids = {node_id for recipe in pins for node_id in recipe.nodes} | set(swapped.needed)
    return replace(swapped, prompt={n: node for n, node in swapped.prompt.items() if n in ids})


async def let_go(worker: ComfyConnector, pins: Iterable[Recipe]) -> None:
    """Have the worker drop what it keeps but these recipes: a prompt without the rest."""
    nodes: Prompt = {node_id: node for recipe in pins for node_id, node in recipe.nodes.items()}
    await worker.execute_own({**nodes, "free": _free_node()}, run_data={})


async def let_go_of_all(worker: ComfyConnector) -> None:
    """Have the worker drop all that it keeps, in any of its cache modes, and all loaded models."""
    await worker.free_memory()
    # ComfyUI looks at the request between two prompts (main.py `prompt_worker`, 0.3.64 and 0.33):
    # at the end of the first at the latest. The second collects what was let go.
    for _ in range(2):
        await worker.execute_own({"free": _free_node()}, run_data={})


def _free_node() -> PromptNode:
    return {"class_type": FREE, "inputs": {"nonce": uuid.uuid4().hex}}
