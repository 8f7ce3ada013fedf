"""Whether the login of the user's Comfy account goes with a prompt: for `ComfyConnector`.

What decides is in `graph/plan/api_nodes.py`; who gets to see it inside ComfyUI, in
`worker/launch/account.py`.
"""

from __future__ import annotations

import logging
from typing import Any

from ..errors import ExecutionError
from ..graph.node_classes.object_info import ObjectInfo
from ..graph.plan.api_nodes import in_vain, takes_key
from ..graph.prompt import is_prompt

log = logging.getLogger("discomfort.worker")


def takes_login(prompt: Any, info: ObjectInfo, can_keep_it: bool) -> bool:
    """Whether it goes with a prompt: if that holds an API node of ComfyUI's own.

    Args:
        can_keep_it: whether the server keeps it from all other nodes.

    Raises:
        ExecutionError: it would go with it, and the server can't.
    """
    if not is_prompt(prompt):
        return False  # ComfyUI says what is wrong with it
    is_for_it = takes_key(prompt, info)
    if is_for_it and not can_keep_it:
        raise ExecutionError(
            "The prompt has API nodes, and this ComfyUI can't give the login of your Comfy account "
            "to them alone, so it is not sent. Update this extension in it and start it again; one "
            "of version 0.3.64 or 0.33 can."
        )
    for class_type in in_vain(prompt, info):
        log.info(
            "%s asks for the login of your Comfy account and does not get it: it is none of "
            "ComfyUI's own nodes.",
            class_type,
        )
    return is_for_it
