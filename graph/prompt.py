"""The API's prompt: `{node_id: {"class_type": str, "inputs": {name: value or link}}}`.

The one definition of what a link is, and what follows links: `upstream`, `prune_prompt`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple, TypeAlias

from ..errors import Problem, WorkflowError

PromptNode: TypeAlias = dict[str, Any]
Prompt: TypeAlias = dict[str, PromptNode]


class Source(NamedTuple):
    """Where a link comes from. As a value of an input it is the list `[node_id, slot]`."""

    node_id: str
    slot: int


def link_source(value: Any) -> Source | None:
    """The source, if an input's value is a link (`is_link` in ComfyUI execution.py)."""
    if isinstance(value, (list, tuple)) and len(value) == 2:
        node_id, slot = value
        if (
            isinstance(node_id, str)
            and isinstance(slot, (int, float))
            and not isinstance(slot, bool)
        ):
            return Source(node_id, int(slot))
    return None


def links_of(node: PromptNode) -> Iterator[tuple[str, Source]]:
    """`(input name, source)` for every linked input of a node."""
    for name, value in node["inputs"].items():
        source = link_source(value)
        if source is not None:
            yield name, source


def upstream(prompt: Prompt, node_ids: Iterable[str]) -> set[str]:
    """The ids of these nodes and of all that they depend on."""
    seen: set[str] = set()
    stack = list(node_ids)
    while stack:
        node_id = stack.pop()
        if node_id in seen or node_id not in prompt:
            continue
        seen.add(node_id)
        stack.extend(source.node_id for _, source in links_of(prompt[node_id]))
    return seen


def prune_prompt(prompt: Prompt, node_ids: Iterable[str]) -> Prompt:
    """These nodes of a prompt and all that they depend on, in the order they had.

    Raises:
        WorkflowError: names the nodes that the prompt does not have.
    """
    wanted = list(node_ids)
    missing = [Problem("there is no such node in the prompt", i) for i in wanted if i not in prompt]
    if missing:
        raise WorkflowError("The prompt can't be pruned:", missing)
    needed = upstream(prompt, wanted)
    return {node_id: node for node_id, node in prompt.items() if node_id in needed}


def is_prompt(data: Any) -> bool:
    """Whether the JSON has the API's form: nodes by id, each with a class_type."""
    return (
        isinstance(data, Mapping)
        and bool(data)
        and not isinstance(data.get("nodes"), list)
        and all(isinstance(n, Mapping) and "class_type" in n for n in data.values())
    )


# What ComfyUI writes beside a node's inputs when it runs native loops: which nodes a loop has. A
# prompt that was read back still has them, and they may be no longer true.
_WRITTEN_BY_LOOPS = frozenset({"_loop_body", "_loop_end"})


def parse_prompt(data: Any) -> Prompt:
    """Check the API's JSON and copy it as far as this package changes it (nodes and their inputs).

    Raises:
        WorkflowError: with every problem that was found.
    """
    problems = []
    prompt: Prompt = {}
    for node_id, node in data.items():
        if not isinstance(node, Mapping) or not isinstance(node.get("class_type"), str):
            problems.append(Problem("it has no class_type", str(node_id)))
            continue
        inputs = node.get("inputs", {})
        if not isinstance(inputs, Mapping):
            problems.append(Problem("its inputs are no object", str(node_id), node["class_type"]))
            continue
        kept = {k: v for k, v in node.items() if k not in _WRITTEN_BY_LOOPS}
        prompt[str(node_id)] = {**kept, "inputs": dict(inputs)}
    if problems:
        raise WorkflowError("The prompt is malformed:", problems)
    return prompt
