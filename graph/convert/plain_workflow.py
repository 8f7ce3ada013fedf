"""A workflow with ordinary nodes and links only: what packs and old editors write otherwise.

`flatten.py` asks for it, and so does everything in `compose/` that makes another workflow of one.
"""

from __future__ import annotations

from ..node_classes.object_info import ObjectInfo
from ..packs.known_packs import KNOWN
from ..packs.rules import RuleBook
from ..workflow.model import Workflow
from .group_nodes import expand_group_nodes, has_group_nodes
from .set_get import join_set_get
from .use_everywhere import link_broadcasts


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
    if _is_plain(workflow, info.book if info is not None else KNOWN):
        return workflow
    workflow = join_set_get(workflow, info)
    return workflow if info is None else link_broadcasts(workflow, info, keep_senders)


def _is_plain(workflow: Workflow, book: RuleBook) -> bool:
    """Whether nothing goes by a name or by a broadcast. Asked of every workflow, so it is quick."""
    virtual = book.virtual
    for graph in workflow.graphs():
        for node in graph.nodes:
            if node.type in virtual or "ue_convert" in node.properties:
                return False
    return True
