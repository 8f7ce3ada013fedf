"""Runs inside ComfyUI, put in place by the extension's `__init__` before the server opens its port.

In every ComfyUI the hello route (identity, readiness, folders), for scripts on the same machine.
In a worker also the guard (no token, no answer) and the watchdog (no master, no worker); in any
other, which scripts have proved to be this user's. It uses what ComfyUI itself depends on: aiohttp
and psutil.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import importlib.util
import io
import logging
import os
import signal
import sys
import threading
import time
import uuid
from collections.abc import Callable
from typing import Any

from ...system.local_requests import why_refused
from . import account, pack_rules, run_data
from .clean_comfyui import Cleaner, Parts
from .guard import TOKEN_HEADER, Guard
from .keeping import Keeping
from .leavings import Leavings, own_folders
from .prompt_thread import watch_prompt_thread
from .proof import NONCE_HEADER, server_proof
from .proven_prompts import ProvenPrompts, port_of

log = logging.getLogger("discomfort.worker")

TOKEN_VARIABLE = "DISCOMFORT_WORKER_TOKEN"
KEEPER_TOKEN_VARIABLE = "DISCOMFORT_KEEPER_TOKEN"
MASTER_VARIABLE = "DISCOMFORT_MASTER_PID"
HELLO_PATH = "/discomfort/hello"
WATCH_INTERVAL_S = 0.5
_START = uuid.uuid4().hex  # differs from one start to the next
NEEDED_MODULES = {
    "cloudpickle": "cloudpickle",
    "psutil": "psutil",
    "aiohttp": "aiohttp",
    "numpy": "numpy",
    "PIL": "pillow",
    "tqdm": "tqdm",
}


def install(forget_runs: Callable[[], None] = lambda: None) -> None:
    """Put the hello route in place, in a worker guard and watchdog too.

    A second call does nothing, even of another copy of this extension.

    Args:
        forget_runs: drops what our nodes remember of runs, for a worker that is handed on.

    Source: server.py of 0.3.64 and 0.33: extensions are imported after the app is made and before
    it is frozen, so a middleware put first guards every route and the websocket's upgrade.
    """
    instance = _server()
    # Programs that nodes start must not take themselves for the worker.
    token = os.environ.pop(TOKEN_VARIABLE, None)
    keeper = os.environ.pop(KEEPER_TOKEN_VARIABLE, None)
    master_pid = os.environ.pop(MASTER_VARIABLE, None)
    if getattr(instance, "discomfort_hello", False):
        return
    instance.discomfort_hello = True
    instance.routes.get(HELLO_PATH)(_hello)
    instance.routes.get(pack_rules.PATH)(_pack_rules)
    watch_prompt_thread(instance, is_worker=bool(token))
    if not token:
        proven = instance.discomfort_proven = ProvenPrompts(_START, TOKEN_HEADER)
        instance.app.middlewares.append(proven.middleware())
        _take_from_scripts(instance, proven.has)
        return
    instance.discomfort_guard = True
    guard = Guard(token, keeper)
    instance.app.middlewares.insert(0, guard.middleware())
    _take_from_scripts(instance, lambda _: True)  # the guard lets nobody else in
    if keeper:
        _be_kept(instance, guard, forget_runs)
    _drop_progress_states(instance)
    # ComfyUI's wrapper (app/logger.py) buffers 8 KB of what nodes print; a crash loses them. And it
    # takes no lone surrogate: an error text with one would end the prompt thread.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(line_buffering=True, errors="backslashreplace")
    if master_pid:
        threading.Thread(
            target=_watch, args=(int(master_pid),), name="discomfort-watchdog", daemon=True
        ).start()


def _take_from_scripts(instance: Any, is_from_script: Callable[[str], bool]) -> None:
    """What goes beside the prompts of scripts."""
    import execution  # type: ignore[import-not-found]
    from comfy_execution.graph import DynamicPrompt  # type: ignore[import-not-found]

    run_data.install(instance, DynamicPrompt, is_from_script)
    instance.discomfort_takes_login = account.install(instance, execution, is_from_script)


def _be_kept(instance: Any, guard: Guard, forget_runs: Callable[[], None]) -> None:
    """Let a keeper hand this worker from one master to the next."""
    import execution  # type: ignore[import-not-found]
    import folder_paths  # type: ignore[import-not-found]
    from comfy_execution.graph import DynamicPrompt  # type: ignore[import-not-found]

    import nodes  # type: ignore[import-not-found]

    temp, user = folder_paths.get_temp_directory(), folder_paths.get_user_directory()
    leavings = Leavings(own_folders(temp, user))

    async def note(_: Any) -> None:
        leavings.note()
        # What is imported stays: without it, garbage is found in a fraction of the time, while
        # the next script waits.
        gc.collect()
        gc.freeze()

    instance.app.on_startup.append(note)  # when all extensions are loaded
    forget_login = getattr(instance, "discomfort_forget_logins", None)
    forget = [instance.discomfort_run_data.forget_all, forget_runs, leavings.remove]
    instance.discomfort_keeping = Keeping(
        guard,
        Cleaner(Parts(instance, execution, DynamicPrompt, nodes)),
        _about,
        folder_paths.set_output_directory,
        [*forget, forget_login] if forget_login else forget,
    )
    instance.discomfort_keeping.add_routes(instance.routes)


async def _hello(request: Any) -> Any:
    """Who and where: the answer that makes a worker ready. For this machine only, and in a ComfyUI
    that is no worker only for a script that proves itself; others hear how to do that.
    """
    from aiohttp import web

    refusal = why_refused(request)
    if refusal is not None:
        return web.Response(status=403, text=f"{refusal}\n")
    proven = getattr(_server(), "discomfort_proven", None)
    if proven is not None and not proven.is_proven(request):
        return web.json_response(_introduction(request))
    return web.json_response(_about())


async def _pack_rules(request: Any) -> Any:
    """The rules that node packs brought, for scripts that have proved themselves."""
    from aiohttp import web

    proven = getattr(_server(), "discomfort_proven", None)
    refusal = why_refused(request)
    if refusal is None and proven is not None and not proven.is_proven(request):
        refusal = "This is for scripts of the user of this ComfyUI."
    if refusal is not None:
        return web.Response(status=403, text=f"{refusal}\n")
    import folder_paths  # type: ignore[import-not-found]

    folders = tuple(folder_paths.folder_names_and_paths["custom_nodes"][0])
    found = await asyncio.to_thread(pack_rules.installed_rules, folders)
    return web.json_response({"packs": found})


def _server() -> Any:
    from server import PromptServer  # type: ignore[import-not-found]

    return PromptServer.instance


def _introduction(request: Any) -> dict[str, Any]:
    """What anybody on this machine may hear: who answers, so that a script can prove itself."""
    answer: dict[str, Any] = {"start": _START, "missing": missing_packages(), "proof": None}
    with contextlib.suppress(OSError):  # without a secret nobody is let in
        nonce = request.headers.get(NONCE_HEADER, "")
        answer["proof"] = server_proof(nonce, _START, port_of(request))
    return answer


def _about() -> dict[str, Any]:
    import folder_paths  # type: ignore[import-not-found]

    models = {name: list(value[0]) for name, value in folder_paths.folder_names_and_paths.items()}
    keeping = getattr(_server(), "discomfort_keeping", None)
    return {
        "pid": os.getpid(),
        "start": _START,
        "comfyui_version": _comfyui_version(),
        "missing": missing_packages(),
        "stopped": _server().discomfort_stopped,
        "takes_login": _server().discomfort_takes_login,
        "folders": {
            "input": folder_paths.get_input_directory(),
            "output": folder_paths.get_output_directory(),
            "temp": folder_paths.get_temp_directory(),
        },
        "models": models,
        "manager": _manager_folder(),
        **({} if keeping is None else {"kept": keeping.kept}),
    }


def _manager_folder() -> str | None:
    """Where the ComfyUI Manager is, if it is a Python package and no extension."""
    try:
        found = importlib.util.find_spec("comfyui_manager")
    except (ImportError, ValueError):
        return None
    return next(iter(found.submodule_search_locations or ()), None) if found else None


def missing_packages() -> list[str]:
    """The light dependencies that this environment lacks, as pip names."""
    return [
        package
        for module, package in NEEDED_MODULES.items()
        if importlib.util.find_spec(module) is None
    ]


def _comfyui_version() -> str:
    try:
        from comfyui_version import __version__  # type: ignore[import-not-found]
    except ImportError:
        return "unknown"
    return __version__


def _drop_progress_states(instance: Any) -> None:
    """Keep `progress_state` off the socket: quadratic in the number of nodes, and of no use here.

    Source: comfy_execution/progress.py of 0.3.64 and 0.33, `_send_progress_state`.
    """
    send = instance.send_sync

    def send_sync(event: Any, data: Any, sid: Any = None) -> None:
        if event != "progress_state":
            send(event, data, sid)

    instance.send_sync = send_sync


def _watch(master_pid: int) -> None:
    """End this process, with those it started, when the master is gone.

    Never returns before that.
    """
    import psutil

    try:
        master = psutil.Process(master_pid)
        while master.is_running() and master.status() != psutil.STATUS_ZOMBIE:
            time.sleep(WATCH_INTERVAL_S)
    except psutil.NoSuchProcess:
        pass
    log.warning("The script that owns this worker is gone; so is this worker.")
    if hasattr(os, "killpg") and os.getpgrp() == os.getpid():
        os.killpg(os.getpid(), signal.SIGKILL)
    os._exit(1)
