"""`Discomfort.check`: looks, asks the server, and puts together what is missing."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..errors import Problem
from ..graph.needs.files import (
    carried_models,
    find_api_nodes,
    find_unlisted,
    missing_inputs,
    missing_models,
    odd_choices,
)
from ..graph.needs.packs import UnknownNode, is_of_folder, missing_packs
from ..graph.needs.values import Kind, MissingPack
from ..graph.node_classes.object_info import ObjectInfo
from ..run.engine import Engine, Workflows
from ..run.options import check_given
from ..worker.kept_classes import keep_now
from .check_result import Check
from .import_failures import FailedPack
from .look import Looked, Looker
from .server_side import comfyui_folder, read_failures, read_manager_map

if TYPE_CHECKING:
    from ..comfy_serverless import ComfyConnector
    from ..workflow_context import WorkflowContext


async def check(
    engine: Engine,
    workflows: Workflows,
    inputs: Mapping[str, Any] | None,
    context: WorkflowContext | None = None,
) -> Check:
    """See `Discomfort.check`."""
    engine.check_open()
    given = check_given(inputs)
    read = await engine.sources.read(workflows)
    await engine.worker.look_again()
    environment = await engine.environment()
    keep_now()
    found: list[Looked] = []
    with engine.contexts.use(context) as used:
        looker = Looker(environment, used, given)
        problems = await looker.prepare(read)
        for source in read:
            found += await looker.look(source)
    return await _put_together(engine.worker, environment.preparer.info, found, problems)


async def _put_together(
    worker: ComfyConnector,
    info: ObjectInfo,
    found: list[Looked],
    problems: tuple[Problem, ...],
) -> Check:
    unlisted = [
        n
        for one in found
        for n in find_unlisted(one.look.prompt, info, one.name, not one.look.unknown)
    ]
    sources = [s for one in found for s in one.sources]
    names = {n.name for n in unlisted if n.kind is Kind.INPUT}
    there = await asyncio.to_thread(worker.existing_files, names)
    unknown = [node for one in found for node in one.look.unknown]
    has_models = bool(unknown) or any(n.kind is Kind.MODEL for n in unlisted)
    lists = await worker.model_names() if has_models else {}
    unlisted += carried_models(unknown, lists)
    packs, failed = await _find_packs(worker, unknown)
    paid = [p for one in found for p in find_api_nodes(one.look.prompt, info, one.name)]
    return Check(
        packs=tuple(packs),
        failed_packs=None if failed is None else tuple(failed),
        models=tuple(await asyncio.to_thread(missing_models, unlisted, sources, lists)),
        input_files=tuple(await asyncio.to_thread(missing_inputs, unlisted, there)),
        choices=tuple(odd_choices(unlisted)),
        api_nodes=tuple(paid),
        has_api_key=worker.has_login,
        problems=(*problems, *(p for one in found for p in one.look.problems)),
    )


async def _find_packs(
    worker: ComfyConnector, unknown: list[UnknownNode]
) -> tuple[list[MissingPack], list[FailedPack] | None]:
    """The packs that are missing, and of those that did not load the ones that may be meant."""
    if not unknown:
        return [], []
    known = await asyncio.to_thread(read_manager_map, worker)
    packs = missing_packs(unknown, known, comfyui_folder(worker))
    failed = await asyncio.to_thread(read_failures, worker)
    if failed is None:
        return packs, None
    of_these = [f for f in failed if any(is_of_folder(pack, f.name) for pack in packs)]
    is_named = all(pack.name for pack in packs)
    return packs, of_these if is_named else failed
