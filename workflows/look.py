"""What can be told of a workflow that can't be run: as much of its prompt as is known.

Used to say all that is missing at once; what is run is prepared by `prepare.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ..errors import Problem, WorkflowError
from ..graph.convert.replace_nodes import Replacement, replace_in_prompt, replace_in_workflow
from ..graph.convert.to_prompt import known_part
from ..graph.needs.loose_nodes import loose_nodes
from ..graph.needs.packs import UnknownNode
from ..graph.needs.values import Place
from ..graph.node_classes.object_info import ObjectInfo
from ..graph.plan.internal_nodes import refuse_internal
from ..graph.ports.find_ports import Ports, find_ports, find_ports_in_prompt
from ..graph.prompt import Prompt, is_prompt, parse_prompt
from ..graph.workflow.model import Workflow
from ..graph.workflow.parse import parse_workflow
from .sources import Source


@dataclass(frozen=True, slots=True)
class Look:
    """A workflow as far as it is known.

    Attributes:
        prompt: without what can't be converted; nodes of unknown classes only of an API prompt.
        unknown: the nodes whose classes the server lacks.
        problems: what else keeps it from being run.
    """

    prompt: Prompt
    ports: Ports
    unknown: tuple[UnknownNode, ...] = ()
    problems: tuple[Problem, ...] = ()


def look_at(
    source: Source,
    info: ObjectInfo,
    replacements: Mapping[str, Replacement],
    error: WorkflowError,
) -> Look:
    """What is known of a workflow.

    Args:
        error: why it can't be prepared.

    Raises:
        WorkflowError: it is none, or has nodes that only Discomfort writes.
    """
    data = source.load()
    refuse_internal(data, source.name)
    if is_prompt(data):
        prompt = replace_in_prompt(parse_prompt(data), info, replacements)
        unknown = [
            UnknownNode(_place(i, n["class_type"], n.get("_meta"), source.name), n.get("_meta"))
            for i, n in prompt.items()
            if n["class_type"] not in info
        ]
        return _settled(prompt, _ports(lambda: find_ports_in_prompt(prompt, info)), unknown, error)
    workflow = replace_in_workflow(parse_workflow(data), info, replacements)
    try:
        part = known_part(workflow, info)
    except WorkflowError as e:
        return _of_loose_nodes(workflow, info, source.name, e)
    unknown = [
        UnknownNode(
            Place(flat.id, flat.node.type, flat.node.title, "", source.name), flat.node.properties
        )
        for flat in part.unknown
    ]
    return _settled(part.prompt, _ports(lambda: find_ports(workflow, info)), unknown, error)


def _of_loose_nodes(workflow: Workflow, info: ObjectInfo, name: str, error: WorkflowError) -> Look:
    """Where links or subgraphs can't be followed, each node is looked at alone."""
    prompt, unknown = loose_nodes(workflow, info)
    nodes = [
        UnknownNode(Place(node_id, node.type, node.title, "", name), node.properties)
        for node_id, node in unknown
    ]
    return _settled(prompt, Ports({}, {}, {}), nodes, error)


def _settled(
    prompt: Prompt, ports: Ports, unknown: list[UnknownNode], error: WorkflowError
) -> Look:
    ids = {node.place.node_id for node in unknown}
    problems = tuple(p for p in error.problems if p.node_id is None or p.node_id not in ids)
    if not problems and not unknown:
        problems = (Problem(str(error)),)
    return Look(prompt, ports, tuple(unknown), problems)


def _ports(find: Callable[[], Ports]) -> Ports:
    try:
        return find()
    except WorkflowError:  # is among the problems
        return Ports({}, {}, {})


def _place(node_id: str, kind: str, meta: object, where: str) -> Place:
    title = meta.get("title") if isinstance(meta, Mapping) else None
    return Place(node_id, kind, title if isinstance(title, str) else kind, "", where)
