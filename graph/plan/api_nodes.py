"""Which nodes of a prompt are API nodes: they work on another machine, for credits of an account.

The key of the user's Comfy account goes to those of ComfyUI's own alone. Any class may ask for it;
`worker/launch/account.py` sees to it that no other gets it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...errors import Problem, WorkflowError
from ..node_classes.input_specs import hidden_kinds
from ..node_classes.object_info import ObjectInfo
from ..prompt import Prompt, PromptNode

OWN_MODULE = "comfy_api_nodes."  # how the `python_module` of ComfyUI's own begins
_ASKS_FOR = frozenset({"AUTH_TOKEN_COMFY_ORG", "API_KEY_COMFY_ORG"})


@dataclass(frozen=True, slots=True)
class ApiNode:
    """An API node of a prompt.

    Attributes:
        title: as in the prompt; the class without one.
        is_own: it is ComfyUI's own; else of a node pack, with an account of that pack's.
        gets_key: the key of the user's Comfy account is for it.
    """

    node_id: str
    class_type: str
    title: str
    is_own: bool
    gets_key: bool


def api_nodes(prompt: Prompt, info: ObjectInfo) -> tuple[ApiNode, ...]:
    """The API nodes of a prompt, in its order.

    Source: server.py `node_info` of 0.3.64 and 0.33 for `api_node` and `python_module`.
    """
    return tuple(
        _api_node(node_id, node, info.raw[node["class_type"]])
        for node_id, node in prompt.items()
        if is_api_class(info.raw.get(node["class_type"]))
    )


def takes_key(prompt: Prompt, info: ObjectInfo) -> bool:
    """Whether the key goes with a prompt."""
    return any(
        _gets_key(info.raw.get(class_type))
        for class_type in {node["class_type"] for node in prompt.values()}
    )


def in_vain(prompt: Prompt, info: ObjectInfo) -> tuple[str, ...]:
    """The classes in a prompt that ask for the key and are not ComfyUI's own: they don't get it."""
    kinds = dict.fromkeys(node["class_type"] for node in prompt.values())
    return tuple(
        k for k in kinds if _asks_for_key(info.raw.get(k)) and not _gets_key(info.raw.get(k))
    )


def refuse_api_nodes(name: str, prompt: Prompt, info: ObjectInfo) -> None:
    """See that a prompt has none, as `api_nodes=False` demands.

    Raises:
        WorkflowError: names the nodes.
    """
    problems = [
        Problem(
            "it is an API node: it works on another machine, for credits",
            node.node_id,
            node.class_type,
            node.title if node.title != node.class_type else None,
        )
        for node in api_nodes(prompt, info)
    ]
    if problems:
        raise WorkflowError(
            f"{name} is not run, since api_nodes=False. Take these nodes out, or leave out "
            "api_nodes=False to pay for them:",
            problems,
        )


def is_api_class(definition: Any) -> bool:
    """Whether an entry of /object_info is of one: some that ask for the key don't say so."""
    says_so = isinstance(definition, Mapping) and definition.get("api_node") is True
    return says_so or _gets_key(definition)


def _api_node(node_id: str, node: PromptNode, definition: Mapping[str, Any]) -> ApiNode:
    meta = node.get("_meta")
    title = meta.get("title") if isinstance(meta, Mapping) else None
    kind = node["class_type"]
    shown = title if isinstance(title, str) and title else kind
    return ApiNode(node_id, kind, shown, _is_own(definition), _gets_key(definition))


def _is_own(definition: Mapping[str, Any]) -> bool:
    return str(definition.get("python_module", "")).startswith(OWN_MODULE)


def _gets_key(definition: Any) -> bool:
    return _asks_for_key(definition) and _is_own(definition)


def _asks_for_key(definition: Any) -> bool:
    return not _ASKS_FOR.isdisjoint(hidden_kinds(definition))
