"""The one door to ComfyUI's own modules for all that runs inside the user's ComfyUI.

They exist in ComfyUI's process only, so each function imports what it needs. What is called here is
the same in ComfyUI 0.3.64 and 0.33; a newer one that differs is met here and nowhere else.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import quote

# pyright: reportMissingImports=false

Queued: TypeAlias = "dict[str, dict[str, Any]]"


# -- folders (folder_paths.py) ------------------------------------------------------------------


def user_directory() -> Path:
    """Where ComfyUI keeps what belongs to its users.

    Raises:
        ImportError: this is no ComfyUI. All functions here raise it then.
    """
    import folder_paths

    return Path(folder_paths.get_user_directory())


def input_directory() -> Path:
    import folder_paths

    return Path(folder_paths.get_input_directory())


def output_directory() -> Path:
    import folder_paths

    return Path(folder_paths.get_output_directory())


def temp_directory() -> Path:
    import folder_paths

    return Path(folder_paths.get_temp_directory())


def installation_directory() -> Path:
    """Where this ComfyUI is installed."""
    import folder_paths

    return Path(str(folder_paths.__file__)).resolve().parent


def extension_directories() -> list[str]:
    """The folders in which ComfyUI looks for node packs."""
    import folder_paths

    return list(folder_paths.folder_names_and_paths["custom_nodes"][0])


# -- node classes (nodes.py) --------------------------------------------------------------------


def node_classes() -> Mapping[str, Any]:
    """class_type -> class, of the core and of all node packs."""
    import nodes

    return nodes.NODE_CLASS_MAPPINGS


def display_name(class_type: str) -> str:
    import nodes

    return nodes.NODE_DISPLAY_NAME_MAPPINGS.get(class_type, class_type)


# -- prompts (execution.py, comfy_execution/) ---------------------------------------------------


async def validate_node(queued: Queued, node_id: str, validated: dict[str, Any]) -> None:
    """Have ComfyUI validate a node and what feeds it.

    Args:
        queued: the prompt; ComfyUI writes into it.
        validated: node id -> (is valid, errors, node id); filled in.

    Raises:
        What the node classes raise when they are asked.
    """
    import execution

    await execution.validate_inputs("", queued, node_id, validated)


async def changes(queued: Queued, node_ids: Iterable[str]) -> dict[str, Any]:
    """What nodes answer when ComfyUI asks them whether they have changed: node id -> the answer of
    IS_CHANGED or `fingerprint_inputs` (a list, or NaN if it raised; False: it has neither).
    """
    import execution
    from comfy_execution.graph import DynamicPrompt

    asked = execution.IsChangedCache("", DynamicPrompt(queued), None)
    return {node_id: await asked.get(node_id) for node_id in node_ids}


def new_node_id_prefix() -> str:
    """What the ids of expanded nodes begin with; another each time."""
    from comfy_execution.graph_utils import GraphBuilder

    return GraphBuilder.alloc_prefix().rstrip(".")


def blocked_value() -> Any:
    """An output that keeps the nodes behind it from running."""
    from comfy_execution.graph_utils import ExecutionBlocker

    return ExecutionBlocker(None)


# -- what a node shows (comfy/utils.py, server.py) ----------------------------------------------


def progress_bar(total: int, node_id: str | None = None) -> Any:
    """ComfyUI's progress bar on a node; None: on the one that runs."""
    from comfy.utils import ProgressBar

    return ProgressBar(total, node_id=node_id)


def send_text(text: str, node_id: str) -> None:
    """Show a line of text on a node, to the browser that queued it."""
    from server import PromptServer

    server = PromptServer.instance
    if server.client_id is not None:
        server.send_progress_text(text, node_id, server.client_id)


def running_server() -> Any:
    """The PromptServer of this process; None where none was made (scripts, tests)."""
    server = sys.modules.get("server")
    return getattr(getattr(server, "PromptServer", None), "instance", None)


def node_replacements() -> Any:
    """What GET /node_replacements of this process says; nothing before 0.33."""
    manager = getattr(running_server(), "node_replace_manager", None)
    return manager.as_dict() if manager is not None else {}


def gives_to(request: Any, saved: Path, path: Path) -> bool:
    """Whether ComfyUI's own `/userdata` gives a saved workflow to who sent a request.

    Args:
        saved: the folder `workflows` of a user, which `path` is in; both resolved.

    Source: app/user_manager.py of 0.3.64 and 0.33: KeyError for who is no user; what has a "%" is
    decoded.
    """
    name = quote(f"workflows/{path.relative_to(saved).as_posix()}")
    try:
        given = running_server().user_manager.get_request_user_filepath(
            request, name, create_dir=False
        )
    except KeyError:
        return False
    return given is not None and Path(given).resolve() == path


# -- models and interrupts (comfy/model_management.py) -------------------------------------------


def raise_if_interrupted() -> None:
    """Raise ComfyUI's own exception if the user asked it to stop."""
    from comfy import model_management

    model_management.throw_exception_if_processing_interrupted()


def unload_models() -> None:
    """Take all models out of GPU memory."""
    from comfy import model_management

    model_management.unload_all_models()
    model_management.soft_empty_cache()
