"""References across the border: from the user's graph into the nested worker, and out again.

In: the part of the user's prompt that feeds an input, as an API prompt that ends in a port.
Out: the nodes that make a value, put into the user's graph by node expansion. Nothing is loaded
here, and no object of a model ever crosses.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from ...errors import Problem, WorkflowError
from ...graph.plan.internal_nodes import AS_LIST, refuse_internal
from ...graph.plan.recipe import Recipe, make_recipe
from ...graph.ports.literals import NOT_LITERAL, as_literal, in_prompt, unwrapped
from ...graph.ports.plain_values import plain_value
from ...graph.ports.port_types import ANY
from ...graph.prompt import Prompt, Source, link_source, links_of, prune_prompt, upstream

RUNNERS = frozenset({"DiscomfortTestRunner", "DiscomfortLoopExecutor"})
_REMEMBERED = 512


class KnownRecipe(NamedTuple):
    """What a node of ours put out at one slot: a recipe, or a literal, or neither (a picture)."""

    recipe: Recipe | None
    literal: Any = NOT_LITERAL


class RecipeMemory:
    """What the nodes that run workflows put out, by what they were asked to do.

    A model that comes out of one such node can go into the next by reference only with this: the
    node itself is not to be run in the worker.
    """

    def __init__(self) -> None:
        self._made: OrderedDict[str, KnownRecipe] = OrderedDict()
        self._lock = threading.Lock()

    def remember(self, prompt: Prompt, source: Source, made: KnownRecipe) -> None:
        key = request_id(prompt, source)
        with self._lock:
            self._made[key] = made
            self._made.move_to_end(key)
            while len(self._made) > _REMEMBERED:
                self._made.popitem(last=False)

    def find(self, prompt: Prompt, source: Source) -> KnownRecipe | None:
        with self._lock:
            return self._made.get(request_id(prompt, source))


def request_id(prompt: Prompt, source: Source) -> str:
    """Equal for equal slots of equal nodes over equal graphs, whatever their ids."""
    return make_recipe(_plain(prune_prompt(prompt, [source.node_id])), source).id


def needs_runners(prompt: Prompt, source: Source) -> bool:
    """Whether a node that runs workflows feeds this: only once it has run is known what it made."""
    fed_by = upstream(prompt, [source.node_id])
    return any(prompt[node_id]["class_type"] in RUNNERS for node_id in fed_by)


def reference_to(prompt: Prompt, source: Source, memory: RecipeMemory) -> Recipe:
    """The nodes of the user's graph that make the value at `source`.

    Raises:
        WorkflowError: it depends on a picture or the like that another node of ours has made, or
            on a node that only Discomfort writes.
    """
    needed = _plain(prune_prompt(prompt, [source.node_id]))
    refuse_internal(needed, "What is connected to be given by reference")
    replaced: dict[Source, Any] = {}
    added: Prompt = {}
    for link in _runner_links(needed, source):
        made = memory.find(prompt, link)
        if made is None or (made.recipe is None and made.literal is NOT_LITERAL):
            node = prompt[link.node_id]
            raise WorkflowError(
                "A value can't be given to the workflow by reference:",
                [
                    Problem(
                        f"output {link.slot + 1} is a part of how it is made, and is a value "
                        "itself (a picture, a latent ...), which another ComfyUI can't make again. "
                        "Do the work between the two in one of the workflows",
                        link.node_id,
                        node["class_type"],
                        (node.get("_meta") or {}).get("title"),
                    )
                ],
            )
        if made.recipe is not None:
            added.update(made.recipe.nodes)
            replaced[link] = list(made.recipe.source)
        else:
            replaced[link] = in_prompt(made.literal)
    nodes = {
        node_id: {**node, "inputs": {k: _replace(v, replaced) for k, v in node["inputs"].items()}}
        for node_id, node in needed.items()
        if node["class_type"] not in RUNNERS
    }
    end = link_source(_replace(list(source), replaced))
    if end is None:
        raise WorkflowError("A text or number can't be given by reference.")
    return make_recipe({**nodes, **added}, end)


def _runner_links(prompt: Prompt, source: Source) -> Iterator[Source]:
    links = {source, *(link for node in prompt.values() for _, link in links_of(node))}
    for link in links:
        if prompt[link.node_id]["class_type"] in RUNNERS:
            yield link


def _replace(value: Any, replaced: Mapping[Source, Any]) -> Any:
    link = link_source(value)
    return value if link is None else replaced.get(link, value)


def _plain(prompt: Prompt) -> Prompt:
    """What the API takes: ComfyUI keeps notes of its own in the nodes of a running prompt, and has
    unwrapped lists (execution.py `validate_inputs`, IsChangedCache; 0.3.64 and 0.33).
    """
    plain: Prompt = {}
    for node_id, node in prompt.items():
        inputs = {
            name: in_prompt(value) if link_source(value) is None else list(value)
            for name, value in node["inputs"].items()
        }
        title = (node.get("_meta") or {}).get("title")
        plain[node_id] = {"class_type": node["class_type"], "inputs": inputs}
        if title:
            plain[node_id]["_meta"] = {"title": title}
    return plain


@dataclass(frozen=True, slots=True)
class Expansion:
    """Nodes for the user's graph, and the links that stand for the values they make."""

    nodes: Prompt
    links: Mapping[str, list[Any]]


def expand(recipes: Mapping[str, Recipe], prefix: str) -> Expansion:
    """The nodes that make these values, with ids of their own below the node `prefix`.

    Each value goes through an AS_LIST node: the outputs of our nodes are ComfyUI lists, and what
    an expanded link gives is taken for an item (execution.py, `pending_subgraph_results`).
    """
    nodes: Prompt = {}
    links: dict[str, list[Any]] = {}
    for unique_id, recipe in recipes.items():
        for node_id, node in recipe.nodes.items():
            # Expanded nodes are not validated, so nothing unwraps their lists.
            inputs = {n: _below(prefix, unwrapped(value)) for n, value in node["inputs"].items()}
            nodes[f"{prefix}.{node_id}"] = {"class_type": node["class_type"], "inputs": inputs}
        end = f"{prefix}.out.{unique_id}"
        value = [f"{prefix}.{recipe.source.node_id}", recipe.source.slot]
        nodes[end] = {"class_type": AS_LIST, "inputs": {"value": value}}
        links[unique_id] = [end, 0]
    return Expansion(nodes, links)


def _below(prefix: str, value: Any) -> Any:
    link = link_source(value)
    return value if link is None else [f"{prefix}.{link.node_id}", link.slot]


def made_of(value: Any) -> KnownRecipe:
    """How a value that came out can be made again elsewhere: by writing it down, or not."""
    return KnownRecipe(None, as_literal(plain_value(value, ANY)))
