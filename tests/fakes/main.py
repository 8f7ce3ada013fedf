"""A stand-in for ComfyUI's main.py: same arguments, same routes, a few real nodes, faults on
demand.

The tests and the demo start it where there is no ComfyUI, or where one must misbehave. This folder
is what COMFYUI_PATH names then. Faults: `--misbehave NAME` or `NAME=VALUE`, several times; later
ones by POST /fake/misbehave.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib.util
import io
import json
import logging
import os
import shutil
import signal
import sys
import tempfile
import threading
import time
from typing import Any

import folder_paths


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--listen", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8188)
    parser.add_argument("--disable-auto-launch", action="store_true")
    parser.add_argument("--extra-model-paths-config", nargs="+", action="append", default=[])
    parser.add_argument("--base-directory")
    parser.add_argument("--output-directory")
    parser.add_argument("--input-directory")
    parser.add_argument("--temp-directory")
    parser.add_argument("--user-directory")
    parser.add_argument("--database-url")
    parser.add_argument("--preview-method", default="none")
    parser.add_argument("--cache-classic", action="store_true")
    parser.add_argument("--cpu", action="store_true")
    parser.add_argument("--comfy-api-base", default="https://api.comfy.org")
    parser.add_argument("--misbehave", action="append", default=[])
    return parser.parse_args()


def set_folders(arguments: argparse.Namespace) -> None:
    if arguments.base_directory:
        folder_paths.set_base(arguments.base_directory)
    if arguments.temp_directory:
        folder_paths.set_folder("temp", os.path.join(arguments.temp_directory, "temp"))
    if arguments.output_directory:
        folder_paths.set_folder("output", arguments.output_directory)
    if arguments.user_directory:
        folder_paths.set_folder("user", arguments.user_directory)
    if arguments.input_directory:
        folder_paths.set_folder("input", arguments.input_directory)
    folder_paths.API_BASE[:] = [arguments.comfy_api_base]
    shutil.rmtree(folder_paths.get_temp_directory(), ignore_errors=True)


def extension_folders(arguments: argparse.Namespace) -> list[str]:
    """The `custom_nodes` entries of the extra-model-paths files, and our own."""
    known = folder_paths.folder_names_and_paths["custom_nodes"][0]
    found = list(known)
    for path in (path for group in arguments.extra_model_paths_config for path in group):
        with open(path, encoding="utf-8") as file:
            text = file.read()
        try:
            content: dict[str, Any] = json.loads(text)
        except ValueError:
            import yaml

            content = yaml.safe_load(text)
        for part in content.values():
            base = part.get("base_path", os.path.dirname(os.path.abspath(path)))
            entries = str(part.get("custom_nodes", "")).split("\n")
            found += [os.path.normpath(os.path.join(base, e)) for e in entries if e]
    known[:] = dict.fromkeys(found)
    return list(known)


def load_extensions(folders: list[str]) -> None:
    """Import every entry under a module name made of its path, as ComfyUI's loader does."""
    import nodes

    for folder in folders:
        for entry in sorted(os.listdir(folder)) if os.path.isdir(folder) else []:
            path = os.path.join(folder, entry)
            is_package = os.path.isfile(os.path.join(path, "__init__.py"))
            if entry.endswith(".disabled") or not (is_package or entry.endswith(".py")):
                continue
            try:
                module = load_module(path, is_package)
            except Exception as e:
                logging.warning(
                    "Cannot import %s module for custom nodes: %s", path, e, exc_info=True
                )
                logging.info("IMPORT FAILED: %s", path)
                continue
            classes = getattr(module, "NODE_CLASS_MAPPINGS", {})
            add_classes(classes, f"custom_nodes.{entry}")
            nodes.NODE_DISPLAY_NAME_MAPPINGS.update(
                getattr(module, "NODE_DISPLAY_NAME_MAPPINGS", {})
            )


def load_api_nodes() -> None:
    """ComfyUI's own nodes that work elsewhere: before the extensions, which can't replace them."""
    folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), "comfy_api_nodes")
    module = load_module(os.path.join(folder, "nodes_gemini.py"), is_package=False)
    add_classes(module.NODE_CLASS_MAPPINGS, "comfy_api_nodes.nodes_gemini")


def add_classes(classes: dict[str, Any], module: str) -> None:
    import nodes

    for name, kind in classes.items():
        if nodes.MODULES.get(name, module).startswith(("custom_nodes", module)):
            nodes.NODE_CLASS_MAPPINGS[name] = kind
            kind.RELATIVE_PYTHON_MODULE = nodes.MODULES[name] = module


def execute_prestartup_scripts(folders: list[str]) -> None:
    """What extensions want to do first of all, as main.py of ComfyUI does it."""
    for folder in folders:
        for entry in sorted(os.listdir(folder)) if os.path.isdir(folder) else []:
            path = os.path.join(folder, entry, "prestartup_script.py")
            if os.path.exists(path):
                load_module(path, is_package=False)


def load_module(path: str, is_package: bool) -> Any:
    name = path.replace(".", "_x_") if is_package else os.path.splitext(path)[0]
    file = os.path.join(path, "__init__.py") if is_package else path
    spec = importlib.util.spec_from_file_location(
        name, file, submodule_search_locations=[path] if is_package else None
    )
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


async def serve(arguments: argparse.Namespace, faults: dict[str, Any]) -> None:
    from aiohttp import web
    from execution import PromptExecutor
    from server import PromptServer

    loop = asyncio.get_running_loop()
    server = PromptServer(loop, faults)
    load_api_nodes()
    load_extensions(extension_folders(arguments))
    server.app.add_routes(server.routes)
    runner = web.AppRunner(server.app, access_log=None)
    await runner.setup()
    if "never-ready" in faults:
        logging.info("This server will never be ready.")
        await asyncio.Event().wait()
    site = web.TCPSite(runner, arguments.listen.split(",")[0], arguments.port)
    await site.start()
    logging.info("To see the GUI go to: http://%s:%d", arguments.listen, arguments.port)
    executor = PromptExecutor(server, faults)
    threading.Thread(
        target=executor.run_forever, name="Thread-1 (prompt_worker)", daemon=True
    ).start()
    await server.publish()


def fail_early(faults: dict[str, Any]) -> None:
    """The faults of a start."""
    if "import-error" in faults:
        raise ImportError("cannot import name 'nothing' from 'torch' (this server misbehaves)")
    if "exit-at-start" in faults:
        logging.error("This server gives up at once.")
        sys.exit(int(faults["exit-at-start"] or 1))
    if "slow-start" in faults:
        time.sleep(float(faults["slow-start"]))
    if "works-at-start" in faults:
        kind, _, seconds = faults["works-at-start"].partition(":")
        work(kind, time.monotonic() + float(seconds))
    if "ignore-signals" in faults:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)


def work(kind: str, until: float) -> None:
    """Get on, in a way that only one sign shows."""
    with tempfile.TemporaryFile(dir=os.path.dirname(__file__)) as file:
        while time.monotonic() < until:
            if kind != "cpu":
                time.sleep(0.2)
            if kind == "log":
                logging.info("It gets on.")
            if kind == "disk":
                file.write(bytes(1 << 20))
                file.flush()
                os.fsync(file.fileno())


def main() -> None:
    # As app/logger.py wraps it: strict, so that a lone surrogate in an error text can't be logged.
    sys.stderr = io.TextIOWrapper(sys.stderr.buffer, encoding="utf-8", line_buffering=True)
    logging.basicConfig(level=logging.INFO, format="\x1b[32m[%(levelname)s]\x1b[0m %(message)s")
    arguments = read_arguments()
    faults = {name: value for name, _, value in (m.partition("=") for m in arguments.misbehave)}
    execute_prestartup_scripts(extension_folders(arguments))
    fail_early(faults)
    set_folders(arguments)
    try:
        asyncio.run(serve(arguments, faults))
    except KeyboardInterrupt:
        logging.info("Stopped server")
    except OSError as e:
        logging.error("Port %d can't be used: %s", arguments.port, e)
        sys.exit(1)
    finally:
        shutil.rmtree(folder_paths.get_temp_directory(), ignore_errors=True)


if __name__ == "__main__":
    main()
