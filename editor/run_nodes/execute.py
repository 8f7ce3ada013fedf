"""A run of a node that runs workflows: ask for what is needed, run, hand on."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ...graph.ports.port_types import more_specific, type_name
from ...graph.prompt import Prompt, Source, link_source
from ...nodes_internal import for_comfyui, shown_here
from ...system.login import Login
from ...workflow_context import WorkflowContext
from ..host import allowed_folders, comfyui, display
from ..host.shared_worker import session
from . import crossing, job, sockets
from .limits import MAX_SOCKETS
from .request import Request, is_by_reference
from .validate import check_inputs


def inputs_to_evaluate(request: Request, dynprompt: Any, node_id: str) -> list[str]:
    """For check_lazy_status: the linked inputs that the user's ComfyUI is to compute itself.

    Models and the like are made in the nested worker, so nothing is loaded here for them.
    """
    prompt = whole_prompt(dynprompt)
    wanted = []
    for unique_id, link in _links(request, prompt[node_id]).items():
        if not _enters_by_reference(request, prompt, unique_id, link) or crossing.needs_runners(
            prompt, link
        ):
            wanted.append(request.sockets.input_names()[unique_id])
    return wanted


def whole_prompt(dynprompt: Any) -> Prompt:
    """The prompt that runs, with what nodes added to it."""
    return {node_id: dynprompt.get_node(node_id) for node_id in dynprompt.all_node_ids()}


def _links(request: Request, node: Mapping[str, Any]) -> dict[str, Source]:
    links = {}
    for unique_id, name in request.sockets.input_names().items():
        link = link_source(node["inputs"].get(name))
        if link is not None:
            links[unique_id] = link
    return links


def _enters_by_reference(request: Request, prompt: Prompt, unique_id: str, link: Source) -> bool:
    kind = request.port_types.inputs[unique_id]
    return is_by_reference(more_specific(kind, _type_at(prompt, link)))


def _type_at(prompt: Prompt, link: Source) -> str:
    kinds = comfyui.node_classes()[prompt[link.node_id]["class_type"]].RETURN_TYPES
    return type_name(kinds[link.slot]) if link.slot < len(kinds) else sockets.ANY


_LOOK_S = 0.5

_memory = crossing.RecipeMemory()
# The contexts whose values a node in the user's graph may read later, by the node that made them.
_lent: dict[str, WorkflowContext] = {}


@dataclass(frozen=True, slots=True)
class RunnerOptions:
    """How a node is to run, beside what it runs.

    free_models: take the models of this ComfyUI out of GPU memory first.
    login: of who queued the prompt, for API nodes in the nested one.
    """

    randomize_seeds: bool = False
    free_models: bool = False
    login: Login = Login()


def run(
    request: Request,
    inputs: Mapping[str, Any],
    dynprompt: Any,
    node_id: str,
    options: RunnerOptions,
) -> dict[str, Any]:
    """Run the workflows and give what a node of ComfyUI returns.

    Args:
        inputs: `input_1` ... as the node got them.

    Raises:
        ValueError, RuntimeError: what went wrong, here or in the nested worker.
        ComfyUI's interrupt, when the worker is idle again.
    """
    with display.plain_errors():
        return _run(request, inputs, dynprompt, node_id, options)


def _run(
    request: Request,
    inputs: Mapping[str, Any],
    dynprompt: Any,
    node_id: str,
    options: RunnerOptions,
) -> dict[str, Any]:
    prompt = whole_prompt(dynprompt)
    links = _links(request, prompt[node_id])
    check_inputs(request, {f"input_{i}": "*" for i in _linked_numbers(request, links)})
    addresses = request.port_types.addresses
    at_addresses = {name: v for name, v in request.values.items() if name in addresses}
    values = {name: v for name, v in request.values.items() if name not in addresses}
    references = {}
    for unique_id, link in links.items():
        if _enters_by_reference(request, prompt, unique_id, link):
            references[unique_id] = crossing.reference_to(prompt, link, _memory)
        else:
            values[unique_id] = inputs[request.sockets.input_names()[unique_id]]
    wanted = tuple(uid for uid in request.sockets.outputs if uid is not None)
    task = job.Job(
        workflows=request.paths,
        values=values,
        references=references,
        addresses=at_addresses,
        outputs=wanted,
        iterations=request.iterations,
        condition=request.condition,
        carried=request.carried,
        collect=request.collect,
        randomize_seeds=options.randomize_seeds,
        is_recorded=allowed_folders.config().RECORD_RUNS,
        login=options.login,
    )
    if options.free_models:
        comfyui.unload_models()  # the nested worker may need all of the GPU
    with contextlib.ExitStack() as stack:
        context = stack.enter_context(WorkflowContext())
        outcome = _work(task, context, node_id)
        returned = _hand_on(request, outcome, prompt, node_id)
        if outcome.versions:
            stack.pop_all()
            _lend(node_id, context, outcome.versions)
    return returned


def _linked_numbers(request: Request, links: Mapping[str, Source]) -> list[int]:
    return [request.sockets.inputs.index(unique_id) + 1 for unique_id in links]


def _lend(node_id: str, context: WorkflowContext, versions: Mapping[str, str]) -> None:
    """Keep what is frozen into the recipes that went into the user's graph: content -> version."""
    previous, _lent[node_id] = _lent.get(node_id), context
    shown_here[str(context.folder)] = versions
    if previous is not None:
        shown_here.pop(str(previous.folder), None)
        previous.shutdown()


def _work(task: job.Job, context: WorkflowContext, node_id: str) -> job.Outcome:
    current = session()
    shown = display.Display(node_id, tuple(p.stem for p in task.workflows), task.iterations)
    job.fill(context, task, _lent.values())

    async def work(emit: Callable[[Any], None]) -> job.Outcome:
        async with current.using() as discomfort, _start_told(discomfort.Worker, emit):
            return await job.run_job(discomfort, context, task, emit)

    return current.loop.run(work, shown.show, comfyui.raise_if_interrupted)


@contextlib.asynccontextmanager
async def _start_told(worker: Any, emit: Callable[[Any], None]) -> AsyncIterator[None]:
    """Have the node say what its nested ComfyUI is doing, whenever that starts."""

    async def tell() -> None:
        while True:
            if (words := worker.start_words) is not None:
                emit(display.Words(words))
            await asyncio.sleep(_LOOK_S)

    if worker.state != "ready":
        emit(display.Words("Starting the nested ComfyUI ..."))
    telling = asyncio.ensure_future(tell())
    try:
        yield
    finally:
        telling.cancel()


def _hand_on(
    request: Request, outcome: job.Outcome, prompt: Prompt, node_id: str
) -> dict[str, Any]:
    """The node's results: every output is a ComfyUI list, references are expanded."""
    for unique_id, recipe in outcome.recipes.items():
        made = crossing.KnownRecipe(recipe)
        _memory.remember(prompt, Source(node_id, request.slot(unique_id)), made)
    for unique_id, items in outcome.items.items():
        if len(items) == 1:
            made = crossing.made_of(items[0])
            _memory.remember(prompt, Source(node_id, request.slot(unique_id)), made)
    here = {
        uid: recipe
        for uid, recipe in outcome.recipes.items()
        if uid not in request.sockets.elsewhere
    }
    expansion = crossing.expand(here, comfyui.new_node_id_prefix())
    result: list[Any] = [(outcome.iterations,)] if request.first_output else []
    for unique_id in request.sockets.outputs:
        if unique_id is None or unique_id in request.sockets.elsewhere:
            result.append((None,))
        elif unique_id in expansion.links:
            result.append(expansion.links[unique_id])
        elif unique_id in outcome.items:
            # A tuple: ComfyUI takes a list of text and number for a link where nodes are expanded.
            kind = request.port_types.outputs.get(unique_id)
            result.append(tuple(for_comfyui(item, kind) for item in outcome.items[unique_id]))
        else:  # a node in the workflow blocked it, so it is blocked here
            result.append((comfyui.blocked_value(),))
    unused = MAX_SOCKETS + request.first_output - len(result)
    result += [(None,)] * unused
    pictures = display.pictures_to_show(outcome.items, request.port_types.outputs)
    returned: dict[str, Any] = {"result": tuple(result), "ui": {"images": pictures}}
    if expansion.nodes:
        returned["expand"] = expansion.nodes
    return returned
