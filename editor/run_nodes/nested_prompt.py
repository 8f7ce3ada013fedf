"""What the nested ComfyUI will get, known before it runs: the prompt of a workflow file, and what
ComfyUI's own code says of it in this process, which has the same node classes.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from ...errors import DiscomfortError, WorkflowError
from ...graph.compose.frozen_payload import unpack_values
from ...graph.plan.run_plan import Load, StepPlan, default_bindings, settle
from ...graph.plan.swap_ports import Swapped, swap_ports
from ...graph.ports.literals import unwrapped
from ...graph.prompt import Prompt
from ...run.addresses import with_call_ports
from ...run.bindings import binding_of_given
from ...system.config import load_pass_by_rules
from ...worker.launch.pack_rules import installed_rules
from ...workflows.files import read_workflow
from ...workflows.prepare import Prepared, Preparer
from ...workflows.rule_files import ClassIndex
from ..host import comfyui

log = logging.getLogger("discomfort.editor")

Errors: TypeAlias = "Mapping[str, list[dict[str, Any]]]"


class InstalledClasses(Mapping[str, Any]):
    """The /object_info of this process, one class at a time: all of them take a second.

    Source: server.py `node_info` of 0.3.64 and 0.33, of which this has what conversion reads.
    """

    def __getitem__(self, class_type: str) -> dict[str, Any]:
        kind = comfyui.node_classes()[class_type]
        try:
            return json.loads(json.dumps(_describe(class_type, kind)))
        except Exception as e:  # ComfyUI leaves it out, so the nested one won't know it either
            log.warning("The node class %s can't be described: %s", class_type, e)
            raise KeyError(class_type) from e

    def __iter__(self) -> Iterator[str]:
        return iter(comfyui.node_classes())

    def __len__(self) -> int:
        return sum(1 for _ in self)


def _describe(class_type: str, kind: Any) -> dict[str, Any]:
    if hasattr(kind, "GET_NODE_INFO_V1"):
        return kind.GET_NODE_INFO_V1()
    inputs = kind.INPUT_TYPES()
    return {
        "input": inputs,
        "input_order": {section: list(names) for section, names in inputs.items()},
        "output": kind.RETURN_TYPES,
        "output_node": bool(getattr(kind, "OUTPUT_NODE", False)),
        "python_module": getattr(kind, "RELATIVE_PYTHON_MODULE", "nodes"),
        "name": class_type,
        "display_name": comfyui.display_name(class_type),
    }


_lock = threading.Lock()  # ComfyUI validates in one thread and runs in another
_classes, _index = InstalledClasses(), ClassIndex()
_packs: dict[str, Any] = {}  # once they are all loaded: what they brought
_prepared: Preparer | None = None


def _preparer() -> Preparer:
    """For the classes of this process; another one when a rule of the user's has changed."""
    global _prepared
    if not _packs:
        _packs["packs"] = installed_rules(comfyui.extension_directories())
    info = _index.of(_classes, _packs)
    if _prepared is None or _prepared.info is not info:
        _prepared = Preparer(info, ask_now=comfyui.node_replacements)
    return _prepared


def prepare(path: Path) -> Prepared:
    """A file's prompt and ports. Kept while the content of the file is the same.

    Raises:
        WorkflowError: with all that is wrong with it.
    """
    data = unpack_values(read_workflow(path)).data
    with _lock:
        return _preparer().prepare(data, path.name)


def prepare_all(paths: Iterable[Path]) -> list[Prepared]:
    """The files' prompts and ports.

    Raises:
        WorkflowError: says in which file what is wrong.
    """
    prepared = []
    for path in paths:
        try:
            prepared.append(prepare(path))
        except DiscomfortError as e:
            raise WorkflowError(f"{path.name}: {e}") from e
    return prepared


def with_names(prepared: Sequence[Prepared], given: Iterable[str]) -> list[Prepared]:
    """With ports at the addresses among the names, and for what output nodes show.

    Raises:
        WorkflowError: an address that can't be used.
    """
    with _lock:
        return with_call_ports(prepared, given, None, _preparer(), load_pass_by_rules())


def swap(prepared: Prepared, given: Mapping[str, Any]) -> Swapped:
    """The prompt that is queued if these constants are given, and the rest comes otherwise, or is
    what the file has.

    What it would hand on by reference is made in it too, for the answers of those nodes.
    """
    ports = prepared.ports
    unmet = frozenset(
        uid for uid in ports.inputs if uid not in given and ports.default(uid) is not None
    )
    bindings = default_bindings(ports, unmet)
    for uid in ports.inputs.keys() - unmet:
        binding = binding_of_given(uid, given[uid], 0, uid) if uid in given else Load(uid, uid)
        bindings[uid] = settle(binding, ports.input_type(uid))
    plan = StepPlan(bindings, tuple(ports.outputs), references=(), defaults=unmet)
    with _lock:
        info = _preparer().info
    return swap_ports(prepared.prompt, ports, plan, info)


def in_turn(paths: Iterable[Path], given: Mapping[str, Any]) -> Iterator[tuple[Path, Swapped]]:
    """Each file's prompt, as it is queued after those before it: what they output takes the place
    of a constant.

    Raises:
        WorkflowError: says in which file what is wrong.
    """
    paths, left = tuple(paths), dict(given)
    for path, prepared in zip(paths, with_names(prepare_all(paths), given), strict=True):
        try:
            swapped = swap(prepared, left)
        except DiscomfortError as e:
            raise WorkflowError(f"{path.name}: {e}") from e
        yield path, swapped
        for unique_id in prepared.ports.stored:
            left.pop(unique_id, None)


async def validate(prompt: Prompt, node_ids: Iterable[str]) -> Errors:
    """What ComfyUI finds wrong with these nodes and what feeds them: node id -> its errors."""
    queued = {  # a copy: ComfyUI writes into it
        node_id: {"class_type": node["class_type"], "inputs": dict(node["inputs"])}
        for node_id, node in prompt.items()
    }
    validated: dict[str, Any] = {}
    for node_id in node_ids:
        try:
            await comfyui.validate_node(queued, node_id, validated)
        except Exception as e:  # the nested ComfyUI will report it, with its place
            log.debug("Node %s can't be validated here: %s", node_id, e)
    return {node_id: found[1] for node_id, found in validated.items()}


async def changes(prompt: Prompt, but_not: frozenset[str]) -> dict[str, Any]:
    """What the nodes of a prompt answer when ComfyUI asks them whether they have changed.

    Args:
        but_not: classes that are not asked.

    Returns:
        node id -> the answer of IS_CHANGED or `fingerprint_inputs`; a list, or NaN if it raised.
    """
    queued = {
        node_id: {
            "class_type": node["class_type"],
            "inputs": {name: unwrapped(value) for name, value in node["inputs"].items()},
        }
        for node_id, node in prompt.items()
    }
    asked = [node_id for node_id, node in queued.items() if node["class_type"] not in but_not]
    answers = await comfyui.changes(queued, asked)
    return {node_id: answer for node_id, answer in answers.items() if answer is not False}
