"""The two nodes that ports become in a prompt, which run in the worker and talk to the store there,
and one that the user's ComfyUI gets where a node expands (`editor/run_nodes/crossing.py`).

Their inputs are literals that the master wrote (`graph/plan/swap_ports.py`): they are not meant to
be placed by hand, and do nothing for anybody else. The editor's search lists no class that is
DEV_ONLY, nor, before that was known to ComfyUI, one that is DEPRECATED (server.py of 0.3.64 and
0.33).
"""

from __future__ import annotations

import json
import sys
from collections import OrderedDict
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .graph.plan.list_outputs import Lists


class AnyType(str):
    """A type name that equals every other in ComfyUI's test `not received != wanted`.

    Source: comfy_execution/validation.py of 0.3.64 and 0.33, `validate_node_input`. A plain "*" is
    refused by 0.3.64 for all typed inputs.
    """

    def __ne__(self, other: object) -> bool:
        return False

    __eq__ = str.__eq__
    __hash__ = str.__hash__


ANY = AnyType("*")
LEFT_OUT = "discomfort_left_out"  # of a saver's `ui`: why it saved nothing
# Folder of a context -> what nodes in this very ComfyUI read from it, content -> version: what a
# node of ours expanded to (`editor/run_nodes/execute.py`).
shown_here: dict[str, Mapping[str, str]] = {}


def _run_data() -> Mapping[str, Any]:
    """What the script gave beside the prompt.

    Raises:
        PermissionError: no script of this user has queued it.
    """
    from .worker.launch.run_data import current

    data = current()
    if data is None:
        raise PermissionError(
            "This node works in prompts that Discomfort queues for a script of yours, and this one "
            "came from elsewhere. Run the workflow that has ports from Python, or in a "
            "DiscomfortTestRunner."
        )
    return data


def _place_of(version: str) -> tuple[str, str]:
    """Folder and version of what a loader reads, by its own `version`.

    Raises:
        PermissionError: nobody who may has lent it.
    """
    for folder, versions in list(shown_here.items()):
        if version in versions:
            return folder, versions[version]
    data = _run_data()
    return data["order"]["run_dir"], data["frozen"].get(version, version)


def for_comfyui(value: Any, kind: Any) -> Any:
    """What a link of a type carries, of a value as a script has it: of a video, the object."""
    from .values import video

    if kind != "VIDEO" or not video.is_plain_video(value):
        return value
    from comfy_api.input_impl import (  # type: ignore[import-not-found]
        VideoFromComponents,
        VideoFromFile,
    )
    from comfy_api.util import VideoComponents  # type: ignore[import-not-found]

    classes = video.VideoClasses(VideoFromFile, VideoFromComponents, VideoComponents)
    return video.from_plain(value, classes)


def _from_comfyui(unique_id: str, value: Any) -> Any:
    """A value as a script can open it."""
    from .values import video

    return video.to_plain(unique_id, value) if video.is_video(value) else value


class DiscomfortContextLoader:
    """An INPUT port: reads one version of a value from the run's folder.

    `version` is in the inputs so that ComfyUI's cache serves a value that did not change and reads
    one that did. Without `unique_id` it is the content of a value that a reference froze. Where
    both lie the script gave beside the prompt. `wanted` says, as JSON, what the links behind it
    expect (type, min, max, options): ComfyUI checks no value that comes through a link.
    """

    CATEGORY = "discomfort/internal"
    DEV_ONLY = DEPRECATED = True
    RETURN_TYPES = (ANY,)
    OUTPUT_IS_LIST = (True,)
    FUNCTION = "load"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "unique_id": ("STRING", {"default": ""}),
                "version": ("STRING", {"default": ""}),
                "wanted": ("STRING", {"default": "{}"}),
            },
        }

    def load(self, unique_id: str, version: str, wanted: str) -> tuple[list[Any]]:
        from .store import worker_side
        from .values import fit_link

        value, is_list = worker_side.load(*_place_of(version))
        asked = json.loads(wanted)
        _note_list(version, wanted, fit_link.is_list_for(value, is_list, asked))
        items = fit_link.for_link(unique_id, value, is_list, asked)
        return ([for_comfyui(item, asked.get("type")) for item in items],)


# (version, wanted) -> whether the loader put out a list, for savers behind one that is cached.
_loaded_lists: OrderedDict[tuple[str, str], bool] = OrderedDict()
_KEPT_LISTS = 10_000


def _note_list(version: str, wanted: str, is_list: bool) -> None:
    _loaded_lists[version, wanted] = is_list
    while len(_loaded_lists) > _KEPT_LISTS:
        _loaded_lists.popitem(last=False)


def forget_runs() -> None:
    """Let go of all that nodes remember of the runs that were: a worker gets another master."""
    from .store import worker_side

    _loaded_lists.clear()
    shown_here.clear()
    worker_side.forget_runs()


def _lists_of(class_type: str, inputs: Mapping[str, Any]) -> Lists:
    """What a node does with lists, from its class; of a loader, what it loaded."""
    from .graph.plan.list_outputs import Lists

    if class_type == DiscomfortContextLoader.__name__:
        key = str(inputs.get("version")), str(inputs.get("wanted"))
        return Lists(True, (_loaded_lists.get(key, False),))
    known = getattr(sys.modules.get("nodes"), "NODE_CLASS_MAPPINGS", {})
    kind = known.get(class_type)
    gives = getattr(kind, "OUTPUT_IS_LIST", None) or ()
    return Lists(bool(getattr(kind, "INPUT_IS_LIST", False)), tuple(gives))


class DiscomfortFree:
    """Collects what the last prompts left: for prompts that have nothing else to do.

    ComfyUI drops from its cache what a prompt does not have, when it begins (caching.py of 0.3.64
    and 0.33). `nonce` is different every time, so that it runs.
    """

    CATEGORY = "discomfort/internal"
    DEV_ONLY = DEPRECATED = True
    RETURN_TYPES = ()
    OUTPUT_NODE = True
    FUNCTION = "free"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"nonce": ("STRING", {"default": ""})}}

    def free(self, nonce: str) -> dict[str, Any]:
        import gc

        _run_data()
        gc.collect()
        try:
            from comfy import model_management  # type: ignore[import-not-found]
        except ImportError:  # a server without models
            return {}
        model_management.cleanup_models()
        model_management.soft_empty_cache()
        return {}


class DiscomfortContextSaver:
    """An OUTPUT port: writes what arrives into the run's folder, where the master finds it.

    It runs in every run: one that is cached would leave nothing. A list output of ComfyUI arrives
    whole; whether one item is a list of one, the prompt says.
    """

    CATEGORY = "discomfort/internal"
    DEV_ONLY = DEPRECATED = True
    RETURN_TYPES = ()
    OUTPUT_NODE = True
    INPUT_IS_LIST = True
    FUNCTION = "save"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "unique_id": ("STRING", {"default": ""}),
                "input_data": (ANY, {}),
            },
            "hidden": {"dynprompt": "DYNPROMPT", "node_id": "UNIQUE_ID"},
        }

    @classmethod
    def IS_CHANGED(cls, **_: Any) -> float:
        return float("nan")  # equals nothing, so that ComfyUI runs it

    def save(
        self,
        unique_id: list[str],
        input_data: list[Any],
        dynprompt: list[Any],
        node_id: list[str],
    ) -> dict[str, Any]:
        from .graph.plan.list_outputs import is_list as is_list_output
        from .store import worker_side
        from .store.save_order import SaveOrder

        data = _run_data()
        order = SaveOrder.from_json(data["order"])
        nodes = dynprompt[0].original_prompt
        source = nodes[node_id[0]]["inputs"]["input_data"]
        is_list = len(input_data) != 1 or is_list_output(nodes, source, _lists_of)
        try:
            items = [_from_comfyui(unique_id[0], item) for item in input_data]
            worker_side.save(order, unique_id[0], items if is_list else items[0], is_list)
        except Exception as e:
            if unique_id[0] not in data.get("optional", ()):
                raise
            return {"ui": {LEFT_OUT: [str(e)]}}  # nobody asked for it
        return {}


class DiscomfortAsList:
    """What arrives, as one list: how a node with list outputs hands on what it expanded to.

    Source: execution.py of 0.3.64 and 0.33: of an expanded link each item is taken for a result.
    """

    CATEGORY = "discomfort/internal"
    DEV_ONLY = DEPRECATED = True
    RETURN_TYPES = (ANY,)
    INPUT_IS_LIST = True
    FUNCTION = "make_list"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"value": (ANY, {})}}

    def make_list(self, value: list[Any]) -> tuple[list[Any]]:
        return (value,)
