"""Why a node of some type can't be converted, in words for people."""

from __future__ import annotations

from ..node_classes.core_nodes import GROUP_NODE_PREFIXES, UUID
from ..node_classes.node_class import ClassSpec
from ..node_classes.object_info import ObjectInfo
from ..packs.rules import ClassRules
from ..workflow.model import Node
from .missing_classes import unknown_class


def unusable_type(node: Node, rules: ClassRules | None) -> str:
    """Why a node of this type can't be converted, and what helps."""
    kind = node.type
    if rules is not None and rules.refusal:
        return rules.refusal
    if kind.startswith(GROUP_NODE_PREFIXES):
        return "this is a group node, and the file has no definition of it in extra.groupNodes"
    if UUID.fullmatch(kind):
        return "this is a subgraph, and the file has no definition of it in definitions.subgraphs"
    return unknown_class(node.properties)


def is_missing_class(node: Node, spec: ClassSpec | None, info: ObjectInfo) -> bool:
    """Whether a node can't be converted for want of its class alone: of a pack, or a newer core."""
    rules = info.rules(node.type)
    is_definition = node.type.startswith(GROUP_NODE_PREFIXES) or UUID.fullmatch(node.type)
    return spec is None and not is_definition and not (rules is not None and rules.refusal)
