"""Runs inside a worker: empties ComfyUI of all that a script has left in it, but for its loaders.

ComfyUI's own functions do it, in its own prompt thread, whatever its cache is. Put in place by
`inside_comfyui.py`, for `keeping.py`.

Source: execution.py `PromptExecutor`, comfy_execution/caching.py, main.py `prompt_worker`,
server.py of 0.3.64 and 0.33.
"""

from __future__ import annotations

import asyncio
import gc
import inspect
import sys
import time
import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from .idle_thread import IdleThread
from .loaders import LoaderNotes

_INTERRUPT_EVERY_S = 0.2  # the flag is reset at every start of a prompt


class NotClean(Exception):
    """It could not be emptied; the text says why. Its process must end."""


@dataclass(frozen=True, slots=True)
class Parts:
    """ComfyUI's own, of which `inside_comfyui.py` has imported the modules.

    Attributes:
        instance: `PromptServer.instance`.
        execution: the module.
        dynamic_prompt: the class of comfy_execution.graph.
        nodes: the module.
    """

    instance: Any
    execution: Any
    dynamic_prompt: Any
    nodes: Any


class Cleaner:
    """Empties one ComfyUI, again and again.

    Args:
        parts: before the prompt thread is started.
    """

    def __init__(self, parts: Parts):
        self._parts = parts
        self._thread = IdleThread(parts.instance.prompt_queue)
        self._loaders = LoaderNotes(parts.nodes.NODE_CLASS_MAPPINGS)
        self._executor: Any = None
        parts.instance.on_prompt_handlers.append(self._loaders.take)
        self._note_executor()

    def _note_executor(self) -> None:
        """It is a local variable of ComfyUI's."""
        kind = self._parts.execution.PromptExecutor
        run = kind.execute

        def execute(executor: Any, *arguments: Any, **options: Any) -> Any:
            self._executor = executor
            return run(executor, *arguments, **options)

        kind.execute = execute

    async def clean(self, deadline: float) -> list[dict[str, Any]]:
        """Stop what runs, and drop what was kept but loaders.

        Args:
            deadline: of `time.monotonic`, for the thread to become idle.

        Returns:
            The loaders that are still in ComfyUI's cache, as nodes of a prompt.

        Raises:
            NotClean: a node did not heed the interrupt, or the thread has ended.
        """
        _check_assets()
        await self._stop_all(deadline)
        # Each is done when the thread comes for its next prompt: the second after that of the
        # first.
        self._thread.do(self._queue_loaders)
        kept = await self._done(self._thread.do(self._drop_caches), deadline)
        self._empty_server()
        return kept

    async def _stop_all(self, deadline: float) -> None:
        """Empty the queue and interrupt what runs, until the thread is idle."""
        idle = self._thread.do(lambda: None)

        def stop() -> None:
            self._parts.instance.prompt_queue.wipe_queue()
            self._parts.nodes.interrupt_processing()

        await self._done(idle, deadline, stop)

    async def _done(
        self, work: Future[Any], deadline: float, meanwhile: Callable[[], None] = lambda: None
    ) -> Any:
        """What the prompt thread's work gives.

        Args:
            meanwhile: called again and again.
        """
        done = asyncio.wrap_future(work)
        try:
            while not done.done():
                if self._parts.instance.discomfort_stopped:
                    raise NotClean("ComfyUI's prompt thread has ended.")
                left_s = deadline - time.monotonic()
                if left_s <= 0:
                    raise NotClean("A node runs on, and does not heed the interrupt.")
                meanwhile()
                await asyncio.wait((done,), timeout=min(left_s, _INTERRUPT_EVERY_S))
            return done.result()
        finally:
            done.cancel()

    def _queue_loaders(self) -> None:
        """Have ComfyUI run a prompt in which nothing runs: it replaces what the last one left."""
        item = (0, str(uuid.uuid4()), self._loaders.prompt(), {}, [], {})
        self._parts.instance.prompt_queue.put(item)

    def _drop_caches(self) -> list[dict[str, Any]]:
        """Give the executor new caches, with the loaders of the old ones in them."""
        executor = self._executor
        kept = asyncio.run(self._carry_over(executor, self._loaders.prompt()))
        executor.history_result = {}
        self._loaders.replace(kept.values())
        gc.collect()
        management = sys.modules.get("comfy.model_management")
        if management is not None:  # the models that are left go to RAM
            management.unload_all_models()
            management.cleanup_models()
            management.soft_empty_cache()
        return list(kept.values())

    async def _carry_over(
        self, executor: Any, loaders: Mapping[str, dict[str, Any]]
    ) -> dict[str, dict[str, Any]]:
        """The executor's caches have these nodes' values, where there were any, and nothing else.

        Node instances, which may hold anything, are made anew.
        """
        old = executor.caches.outputs
        found = {node_id: await _local(old, "get")(node_id) for node_id in loaders}
        values = {node_id: value for node_id, value in found.items() if value is not None}
        kept = {node_id: loaders[node_id] for node_id in values}
        executor.reset()
        new = executor.caches
        if kept:
            prompt = self._parts.dynamic_prompt({node_id: dict(n) for node_id, n in kept.items()})
            changes = self._parts.execution.IsChangedCache("", prompt, new.outputs)
            for cache in new.all:
                await cache.set_prompt(prompt, kept.keys(), changes)
            for node_id, value in values.items():
                await _local(new.outputs, "set")(node_id, value)
        return kept

    def _empty_server(self) -> None:
        """What the server itself remembers: in its loop, when no request is open."""
        instance = self._parts.instance
        queue = instance.prompt_queue
        queue.wipe_history()
        queue.get_flags()
        while not instance.messages.empty():
            instance.messages.get_nowait()
        instance.client_id = instance.last_node_id = instance.last_prompt_id = None
        instance.number = 0
        for name in ("sockets", "sockets_metadata"):
            getattr(instance, name, {}).clear()
        _forget_log()
        terminal = getattr(getattr(instance, "internal_routes", None), "terminal_service", None)
        if terminal is not None:
            terminal.subscriptions.clear()
        for stream in (sys.stdout, sys.stderr):  # it keeps what subscribers have not got yet
            stream.flush()


def _forget_log() -> None:
    """The lines that ComfyUI shows; of its own there is always one, at which it looks.

    Source: app/logger.py of 0.3.64 and 0.33, `LogInterceptor.write`.
    """
    lines = getattr(sys.modules.get("app.logger"), "logs", None)
    if lines:
        lines.append({"t": datetime.now().isoformat(), "m": "\n"})
        while len(lines) > 1:
            lines.popleft()


def _check_assets() -> None:
    """Raises NotClean where ComfyUI keeps a database of what scripts upload and make."""
    arguments = getattr(sys.modules.get("comfy.cli_args"), "args", None)
    if getattr(arguments, "enable_assets", False):
        raise NotClean("With --enable-assets ComfyUI remembers the files of each script.")


def _local(cache: Any, verb: str) -> Callable[..., Any]:
    """`get` or `set` of a cache, without asking others; 0.33 has both as coroutines too."""
    function = getattr(cache, f"{verb}_local", None) or getattr(cache, verb)

    async def call(*arguments: Any) -> Any:
        result = function(*arguments)
        return await result if inspect.isawaitable(result) else result

    return call
