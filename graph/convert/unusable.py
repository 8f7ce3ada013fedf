"""Why a node of some type can't be converted, in words for people."""

from __future__ import annotations

from ..node_classes.core_nodes import GROUP_NODE_PREFIXES, UUID
from ..packs.rules import ClassRules
from ..workflow.model import Node


def unusable_type(node: Node, rules: ClassRules | None) -> str:
    """Why a node of this type can't be converted, and what helps."""
    kind = node.type
    if rules is not None and rules.refusal:
        return rules.refusal
    if kind.startswith(GROUP_NODE_PREFIXES):
        return "this is a group node, and the file has no definition of it in extra.groupNodes"
    if UUID.fullmatch(kind):
        return "this is a subgraph, and the file has no definition of it in definitions.subgraphs"
    pack = node.properties.get("cnr_id") or node.properties.get("aux_id")
    if isinstance(pack, str) and pack and pack != "comfy-core":
        return f"the server does not know this node type; it belongs to the node pack {pack!r}"
    return (
        "the server does not know this node type: a node pack is not installed, or did not load, "
        "or the node exists in the browser only"
    )
