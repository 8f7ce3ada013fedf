"""The nodes of a workflow one by one, where what links them can't be followed."""

from __future__ import annotations

from ...errors import WorkflowError
from ..convert.editor_state import NodeState
from ..convert.unusable import is_missing_class
from ..node_classes.core_nodes import VIRTUAL
from ..node_classes.object_info import ObjectInfo
from ..prompt import Prompt
from ..workflow.model import Mode, Node, Subgraph, Workflow


def loose_nodes(workflow: Workflow, info: ObjectInfo) -> tuple[Prompt, list[tuple[str, Node]]]:
    """The nodes that are switched on, with their widgets' values and no links, and those whose
    classes the server lacks, each with its id. To be looked at, and never run.
    """
    prompt: Prompt = {}
    unknown: list[tuple[str, Node]] = []
    for graph in workflow.graphs():
        prefix = f"{graph.id}:" if isinstance(graph, Subgraph) else ""
        for node in graph.nodes:
            if node.mode in (Mode.MUTED, Mode.BYPASSED) or node.type in VIRTUAL:
                continue
            node_id, spec = f"{prefix}{node.id}", info.spec(node.type)
            if spec is None:
                if node.type not in workflow.subgraphs and is_missing_class(node, spec, info):
                    unknown.append((node_id, node))
                continue
            try:
                values = dict(NodeState(node, spec).values)
            except WorkflowError:  # is told as a problem of the workflow
                continue
            meta = {"title": node.title}
            prompt[node_id] = {"class_type": node.type, "inputs": values, "_meta": meta}
    return prompt, unknown
