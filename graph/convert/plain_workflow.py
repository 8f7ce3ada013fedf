"""A workflow with ordinary nodes and links only: what packs and old editors write otherwise.

`flatten.py` asks for it, and so does everything in `compose/` that makes another workflow of one.
"""

from __future__ import annotations

from ..node_classes.object_info import ObjectInfo
from ..workflow.model import Workflow
from .group_nodes import expand_group_nodes, has_group_nodes
from .set_get import has_set_get, join_set_get
from .use_everywhere import has_broadcasts, link_broadcasts


def plain_workflow(
    workflow: Workflow, info: ObjectInfo | None = None, keep_senders: bool = False
) -> Workflow:
    """The workflow with subgraphs for group nodes, and links for names and broadcasts.

    The same object where there is none of these.

    Args:
        info: without it, broadcasts are not followed.
        keep_senders: leave nodes of Use Everywhere in, which have done their work.

    Raises:
        WorkflowError: definitions that are malformed, values that can't be followed.
    """
    if has_group_nodes(workflow):
        workflow = expand_group_nodes(workflow, info)
    if has_set_get(workflow, info):
        workflow = join_set_get(workflow, info)
    if info is not None and has_broadcasts(workflow, info):
        workflow = link_broadcasts(workflow, info, keep_senders)
    return workflow
