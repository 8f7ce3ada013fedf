"""Runs inside ComfyUI: what one run alone knows, which its script gives beside the prompt.

So the prompt itself has no folder, no name of a hand-off and no value's place, and nodes that put
the prompt into their files see the one that was run, with its ports. Put in place by
`inside_comfyui.py`; `nodes_internal.py` asks.
"""

from __future__ import annotations

import sys
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

KEY = "discomfort"  # in the body of POST /prompt
_KEPT = 10_000  # as many prompts as ComfyUI's history
_SHOWN = "_discomfort_shown"
_FILLS_HIDDEN = "execution"  # ComfyUI's module that gives nodes their hidden inputs


class RunData:
    """The data of prompts that wait or run, by prompt id.

    Args:
        is_from_script: whether a prompt was queued by a script that may have our nodes work. Data
            of any other is dropped.
        key: where the data is in the body of a POST /prompt.
    """

    def __init__(self, is_from_script: Callable[[str], bool], key: str = KEY):
        self._is_from_script, self._key = is_from_script, key
        self._data: OrderedDict[str, Mapping[str, Any]] = OrderedDict()

    def take(self, body: dict[str, Any]) -> dict[str, Any]:
        """Take the data out of the body of a POST /prompt: ComfyUI's `on_prompt` handler."""
        data, prompt_id = body.pop(self._key, None), str(body.get("prompt_id"))
        if isinstance(data, dict) and self._is_from_script(prompt_id):
            self._data[prompt_id] = data
            while len(self._data) > _KEPT:  # prompts that were taken out of the queue again
                self._data.popitem(last=False)
        return body

    def of(self, prompt_id: Any) -> Mapping[str, Any] | None:
        return self._data.get(prompt_id)

    def forget(self, prompt_id: Any) -> None:
        self._data.pop(prompt_id, None)

    def forget_all(self) -> None:
        self._data.clear()


class ShownPrompt(dict[str, Any]):
    """The prompt as its user wrote it.

    A node of a reference is none of its nodes, and finds itself here by its id all the same.
    """

    def __init__(self, shown: Mapping[str, Any], queued: Mapping[str, Any]):
        super().__init__(shown)
        self._queued = queued

    def __missing__(self, node_id: str) -> Any:
        return self._queued[node_id]

    def get(self, node_id: str, default: Any = None) -> Any:
        return super().get(node_id, self._queued.get(node_id, default))


def install(instance: Any, prompt_class: Any, is_from_script: Callable[[str], bool]) -> None:
    """Have a server take the data of runs.

    Args:
        instance: `PromptServer.instance`, before its prompt thread is started.
        prompt_class: ComfyUI's `DynamicPrompt`, which gives nodes the prompt that they see.

    Source: server.py `trigger_on_prompt`, main.py `prompt_worker`, comfy_execution/graph.py
    `DynamicPrompt` of 0.3.64 and 0.33.
    """
    data = instance.discomfort_run_data = RunData(is_from_script)
    instance.on_prompt_handlers.insert(0, data.take)  # no other extension gets to see it
    forget_what_ended(instance, data)
    _show_what_was_run(instance, prompt_class, data)


def current() -> Mapping[str, Any] | None:
    """The data of the prompt that runs just now; None for one that no script of ours has queued.

    Source: comfy_execution/utils.py of 0.3.64 and 0.33; main.py for `last_prompt_id`.
    """
    server: Any = sys.modules.get("server")
    instance = getattr(getattr(server, "PromptServer", None), "instance", None)
    data = getattr(instance, "discomfort_run_data", None)
    if instance is None or data is None:
        return None
    utils = sys.modules.get("comfy_execution.utils")
    context = None if utils is None else utils.get_executing_context()
    return data.of(instance.last_prompt_id if context is None else context.prompt_id)


def forget_what_ended(instance: Any, data: RunData) -> None:
    """Who takes the next prompt from the queue is done with the last."""
    take = instance.prompt_queue.get

    def get(*arguments: Any, **options: Any) -> Any:
        data.forget(getattr(instance, "last_prompt_id", None))
        return take(*arguments, **options)

    instance.prompt_queue.get = get


def _show_what_was_run(instance: Any, prompt_class: Any, data: RunData) -> None:
    """Nodes that ask for the PROMPT get it with its ports; their own inputs are not concerned.

    One that asks for the DYNPROMPT, as nodes that make loops do, looks up there what it has found:
    it gets the queued one, in which all of it is.
    """
    get_queued = prompt_class.get_original_prompt

    def get_original_prompt(self: Any) -> Any:
        if sys._getframe(1).f_globals.get("__name__") != _FILLS_HIDDEN:
            return get_queued(self)
        shown = self.__dict__.get(_SHOWN)
        if shown is None:
            shown = _shown(data.of(instance.last_prompt_id), get_queued(self))
            self.__dict__[_SHOWN] = shown
        return shown

    prompt_class.get_original_prompt = get_original_prompt


def _shown(data: Mapping[str, Any] | None, queued: Mapping[str, Any]) -> Mapping[str, Any]:
    """The prompt as it was run: without the nodes that are `hidden`, and with the `shown`."""
    if not data:
        return queued
    hidden = set(data["hidden"])
    shown = {node_id: node for node_id, node in queued.items() if node_id not in hidden}
    return ShownPrompt(shown | data["shown"], queued)
