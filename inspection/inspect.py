"""`discomfort.inspect`: reads a workflow and says what is in it. Starts nothing, runs nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import WorkflowError
from ..graph.addresses.directory import Directory
from ..graph.node_classes.object_info import ObjectInfo
from ..graph.ports.find_ports import Ports, find_ports
from ..graph.prompt import is_prompt
from ..graph.workflow.model import PORT_TYPE, Mode, Workflow
from ..graph.workflow.parse import parse_workflow
from ..workflows.files import is_json_text, read_workflow
from ..workflows.prepare import Prepared, Preparer
from .inspection import Inspection
from .known_classes import Known, classes_of, known_classes
from .look import look_at

if TYPE_CHECKING:
    from ..comfy_serverless import ComfyConnector

_PROBLEMS = 50


def inspect(
    workflow: str | Path | Mapping[str, Any],
    *,
    object_info: Mapping[str, Any] | None = None,
    config_path: str | Path | None = None,
) -> Inspection:
    """What a workflow is made of: its ports and other tools' markers, what else could be given
    or asked for by an address, what its output nodes show. Needs no started ComfyUI.

    Args:
        workflow: as `Discomfort.run` takes one.
        object_info: the answer of a ComfyUI's /object_info. None: the last one that the ComfyUI
            of the configuration gave.
        config_path: a file like comfy_serverless.json; None: the packaged one.

    Returns:
        Something to print, to look at in a notebook, or to read. A workflow that can't be
        converted gives what can be told, and `problems`.

    Raises:
        FileNotFoundError, TypeError, WorkflowError: it is no workflow.
    """
    data, name = read_workflow(workflow), _name_of(workflow)
    try:
        known = known_classes(object_info, config_path)
    except WorkflowError as e:
        return _without_classes(data, name, str(e))
    return inspect_with(data, name, known)


def inspect_on(
    workflow: str | Path | Mapping[str, Any], worker: ComfyConnector, name: str | None = None
) -> Inspection:
    """The same for the ComfyUI of a connector; `name`: what the workflow is called."""
    data, name = read_workflow(workflow), name or _name_of(workflow)
    try:
        known = classes_of(worker)
    except WorkflowError as e:
        return _without_classes(data, name, str(e))
    return inspect_with(data, name, known)


def inspect_with(data: Mapping[str, Any], name: str, known: Known) -> Inspection:
    """The same, by node classes that are at hand."""
    preparer = Preparer(known.info)
    try:
        prepared = preparer.prepare(data, name)
    except WorkflowError as e:
        problems = [str(p) for p in e.problems][:_PROBLEMS] or [str(e)]
        return _in_part(data, name, known, problems)
    return look_at(prepared, preparer.directory(prepared), known.notes)


def _in_part(data: Mapping[str, Any], name: str, known: Known, problems: list[str]) -> Inspection:
    """What can be told of a workflow that can't be converted: as if the nodes that the server lacks
    were muted.
    """
    try:
        if is_prompt(data):
            nodes = {k: n for k, n in data.items() if n.get("class_type") in known.info}
            part: Any = nodes
        else:
            part = _without_unknown(parse_workflow(data), known.info).to_json()
        preparer = Preparer(known.info)
        prepared = preparer.prepare(part, name)
    except WorkflowError:
        return replace(
            _without_classes(data, name, ""), notes=known.notes, problems=tuple(problems)
        )
    return look_at(prepared, preparer.directory(prepared), known.notes, problems)


def _without_unknown(workflow: Workflow, info: ObjectInfo) -> Workflow:
    def muted(graph: Any) -> Any:
        nodes = [
            replace(n, mode=int(Mode.MUTED), data={**n.data, "mode": int(Mode.MUTED)})
            if n.type not in info and n.type not in workflow.subgraphs and n.type != PORT_TYPE
            else n
            for n in graph.nodes
        ]
        return replace(graph, nodes=nodes)

    subgraphs = {key: muted(graph) for key, graph in workflow.subgraphs.items()}
    return replace(muted(workflow), subgraphs=subgraphs)


def _without_classes(data: Mapping[str, Any], name: str, problem: str) -> Inspection:
    """What the file itself says: its DiscomfortPorts."""
    ports, problems = Ports({}, {}, {}), [problem] if problem else []
    if not is_prompt(data):
        try:
            ports = find_ports(parse_workflow(data))
        except WorkflowError as e:
            problems += [str(p) for p in e.problems][:_PROBLEMS] or [str(e)]
    prepared = Prepared(name, "", None, {}, ports)
    return look_at(prepared, Directory((), {}, ObjectInfo({})), (), problems)


def _name_of(workflow: Any) -> str:
    if isinstance(workflow, Mapping) or is_json_text(workflow):
        return "the given workflow"
    return Path(workflow).name
