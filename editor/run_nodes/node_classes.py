"""The two nodes that run workflows in a nested ComfyUI: what ComfyUI must know of their classes.

What they were asked for is read in `request.py`, what is wrong with it found in `validate.py`, what
has changed in `is_changed.py`; `execute.py` runs it. All of that is imported when it is needed.

VALIDATE_INPUTS raises: a text that it returns ComfyUI shows once for every input that it names, and
it is given no others (execution.py `validate_inputs`, 0.3.64 and 0.33). What it raises shows once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ...nodes_internal import ANY
from .limits import MAX_SOCKETS

if TYPE_CHECKING:
    from .request import Widgets

_VALUES = {
    "default": "",
    "multiline": True,
    "placeholder": "strength = 0.5",
    "tooltip": "Inputs that are not connected, one a line: `name = value`. Numbers, true, false, "
    "lists in [ ] or plain text. Blanks at both ends of a text are cut; quotes keep them: "
    '`text = "go "`. A line that begins with # is a comment.',
}
_SOCKETS = {
    "default": "",
    "hidden": True,
    "socketless": True,
    "tooltip": "Which port is behind each socket. The editor keeps it; empty: the file's order.",
}
_RANDOMIZE = {
    "default": False,
    "tooltip": "Change the seeds in the workflow before each run, as the editor does when it "
    "queues. Off: the values in the file.",
}
_FREE = {
    "default": False,
    "tooltip": "Take the models of this ComfyUI out of GPU memory first, so that the nested one "
    "has it all.",
}


def _inputs() -> dict[str, Any]:
    """The sockets. Lazy: a model that goes into the nested ComfyUI is not loaded in this one."""
    return {
        f"input_{i}": (ANY, {"lazy": True, "tooltip": "An INPUT port of the workflow."})
        for i in range(1, MAX_SOCKETS + 1)
    }


def _shared_inputs() -> dict[str, Any]:
    """What both nodes take beside what they run."""
    return {
        "optional": {
            "values": ("STRING", _VALUES),
            "randomize_seeds": ("BOOLEAN", _RANDOMIZE),
            "free_models": ("BOOLEAN", _FREE),
            "sockets": ("STRING", _SOCKETS),
            **_inputs(),
        },
        "hidden": {
            "node_id": "UNIQUE_ID",
            "graph": "DYNPROMPT",
            "auth_token": "AUTH_TOKEN_COMFY_ORG",
            "api_key": "API_KEY_COMFY_ORG",
        },
    }


class _Runner:
    """What both have: outputs that are the ports of workflows."""

    CATEGORY = "discomfort"
    FUNCTION = "run"
    OUTPUT_NODE = True
    RETURN_TYPES: tuple[Any, ...] = (ANY,) * MAX_SOCKETS
    RETURN_NAMES: tuple[str, ...] = tuple(f"output_{i}" for i in range(1, MAX_SOCKETS + 1))
    OUTPUT_IS_LIST: tuple[bool, ...] = (True,) * MAX_SOCKETS

    @staticmethod
    def read_widgets(given: Mapping[str, Any]) -> Widgets:
        """What stands in the widgets, among all that ComfyUI gives a node."""
        raise NotImplementedError

    def check_lazy_status(self, graph: Any, node_id: str, **given: Any) -> list[str]:
        from . import execute
        from .request import read_request

        request = read_request(self.read_widgets(given))
        return execute.inputs_to_evaluate(request, graph, node_id)

    def run(
        self,
        graph: Any,
        node_id: str,
        randomize_seeds: bool = False,
        free_models: bool = False,
        auth_token: Any = None,
        api_key: Any = None,
        **given: Any,
    ) -> dict[str, Any]:
        from ...system.login import given_login
        from . import execute
        from .request import read_request

        request = read_request(self.read_widgets(given))
        login = given_login(auth_token, api_key)
        options = execute.RunnerOptions(randomize_seeds, free_models, login)
        return execute.run(request, given, graph, node_id, options)


class DiscomfortTestRunner(_Runner):
    """Runs one workflow with ports; its sockets are the workflow's ports."""

    DESCRIPTION = (
        "Runs a workflow with ports in a nested ComfyUI. Its INPUT ports are this node's inputs, "
        "its OUTPUT ports this node's outputs."
    )
    SEARCH_ALIASES = ["discomfort", "run workflow", "subworkflow", "nested workflow", "test ports"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        from . import dropdowns

        return {
            "required": {
                "workflow": (
                    dropdowns.workflow_names(),
                    {
                        "tooltip": "A saved workflow, a file in ComfyUI's input folder, or one "
                        "in a folder that editor.json names."
                    },
                ),
            },
            **_shared_inputs(),
        }

    @classmethod
    async def VALIDATE_INPUTS(
        cls, workflow: Any = None, values: Any = "", sockets: Any = "", input_types: Any = None
    ) -> bool:
        from . import validate

        widgets = {"workflows": workflow, "values": values, "sockets": sockets}
        await validate.check_widgets(widgets, input_types)
        return True

    @classmethod
    async def IS_CHANGED(
        cls, workflow: Any = None, values: Any = "", randomize_seeds: Any = False, **_: Any
    ) -> Any:
        from . import is_changed

        return await is_changed.fingerprint(workflow, values, randomize_seeds=randomize_seeds)

    @staticmethod
    def read_widgets(given: Mapping[str, Any]) -> Widgets:
        from .request import Widgets

        return Widgets(given["workflow"], given.get("values", ""), given.get("sockets", ""))


class DiscomfortLoopExecutor(_Runner):
    """Runs workflows in turn, so many times or until a condition is met."""

    DESCRIPTION = (
        "Runs workflows with ports one after the other, again and again: what one outputs, the "
        "next gets, also in the next iteration. Ends after so many iterations, or when the "
        "condition is met."
    )
    SEARCH_ALIASES = ["discomfort", "loop", "for", "while", "repeat", "iterate", "until"]
    RETURN_TYPES = ("INT", *_Runner.RETURN_TYPES)
    RETURN_NAMES = ("iterations", *_Runner.RETURN_NAMES)
    OUTPUT_IS_LIST = (True, *_Runner.OUTPUT_IS_LIST)

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "workflows": (
                    "STRING",
                    {
                        "default": "",
                        "multiline": True,
                        "placeholder": "one workflow a line",
                        "tooltip": "The workflows of one iteration, one file a line, in the order "
                        "in which they run.",
                    },
                ),
                "iterations": (
                    "INT",
                    {
                        "default": 3,
                        "min": 0,
                        "max": 1_000_000,
                        "tooltip": "How often. 0: no limit but the condition.",
                    },
                ),
                "stop_when": (
                    "STRING",
                    {
                        "default": "",
                        "tooltip": "Ends the loop when it is true after an iteration: an "
                        "expression over the ports' values, like `quality >= 0.7 and i > 3`. i is "
                        "how many iterations are done; mean(picture), std, min, max measure "
                        "pictures.",
                    },
                ),
                "carry": (
                    "STRING",
                    {
                        "default": "*",
                        "tooltip": "Which values go on into the next iteration: * for all, or "
                        "names separated by commas. The others begin each iteration anew.",
                    },
                ),
                "collect": (
                    ["last", "list", "batch"],
                    {
                        "default": "last",
                        "tooltip": "What comes out: the last value, a list with one item for each "
                        "iteration, or one batch.",
                    },
                ),
            },
            **_shared_inputs(),
        }

    @classmethod
    async def VALIDATE_INPUTS(
        cls,
        workflows: Any = None,
        iterations: Any = 1,
        stop_when: Any = "",
        carry: Any = "*",
        values: Any = "",
        sockets: Any = "",
        input_types: Any = None,
    ) -> bool:
        # ComfyUI gives what is named here, and leaves the check of it to us.
        from . import validate

        widgets = {
            "workflows": workflows,
            "iterations": iterations,
            "stop_when": stop_when,
            "carry": carry,
            "values": values,
            "sockets": sockets,
        }
        await validate.check_widgets(widgets, input_types)
        return True

    @classmethod
    async def IS_CHANGED(
        cls,
        workflows: Any = None,
        iterations: Any = None,
        values: Any = "",
        randomize_seeds: Any = False,
        **_: Any,
    ) -> Any:
        from . import is_changed

        return await is_changed.fingerprint(
            workflows, values, iterations, randomize_seeds=randomize_seeds
        )

    @staticmethod
    def read_widgets(given: Mapping[str, Any]) -> Widgets:
        from .request import Widgets

        return Widgets(
            given["workflows"],
            given.get("values", ""),
            given.get("sockets", ""),
            first_output=1,
            iterations=int(given["iterations"]),
            stop_when=given["stop_when"],
            carry=given["carry"],
            collect=given["collect"],
        )
