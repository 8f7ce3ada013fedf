"""Runs prompts as ComfyUI does: the classic cache, lists, events, history.

`PromptQueue` is the queue and the history; `Executor` runs one prompt after the other in a thread.
"""

from __future__ import annotations

import asyncio
import hashlib
import heapq
import inspect
import logging
import os
import signal
import threading
import time
import traceback
import uuid
from typing import Any, TypeAlias

from comfy_execution.graph import DynamicPrompt
from lazy import inference_mode
from validation import class_of, inputs_of, is_link

import nodes

# As in the real queue: number, prompt id, prompt, extra data, outputs, secrets.
Item: TypeAlias = "tuple[float, str, dict[str, Any], dict[str, Any], list[str], dict[str, Any]]"


class PromptQueue:
    """What waits, what runs, what is done."""

    def __init__(self, on_change: Any):
        self.not_empty = threading.Condition()
        self._heap: list[tuple[float, int, Item]] = []
        self._count = 0
        self._on_change = on_change
        self._flags: dict[str, Any] = {}
        self.running: Item | None = None
        self.history: dict[str, Any] = {}

    def put(self, item: Item) -> None:
        with self.not_empty:
            self._count += 1
            heapq.heappush(self._heap, (item[0], self._count, item))
            self.not_empty.notify()
        self._on_change()

    def get(self, timeout: float | None = None) -> Item | None:
        with self.not_empty:
            if not self._heap:
                self.not_empty.wait(timeout)
            if not self._heap:  # a flag, or nothing
                return None
            self.running = heapq.heappop(self._heap)[2]
            return self.running

    def set_flag(self, name: str, value: Any) -> None:
        with self.not_empty:
            self._flags[name] = value
            self.not_empty.notify()

    def get_flags(self) -> dict[str, Any]:
        with self.not_empty:
            flags, self._flags = self._flags, {}
            return flags

    def finish(self, item: Item, entry: dict[str, Any]) -> None:
        with self.not_empty:
            self.history[item[1]] = {"prompt": as_row(item), **entry}
            self.running = None
        self._on_change()

    def delete(self, prompt_ids: list[str]) -> None:
        with self.not_empty:
            self._heap = [e for e in self._heap if e[2][1] not in prompt_ids]
            heapq.heapify(self._heap)
        self._on_change()

    def wipe_queue(self) -> None:
        with self.not_empty:
            self._heap = []
        self._on_change()

    def wipe_history(self) -> None:
        with self.not_empty:
            self.history = {}

    def interrupt(self, prompt_id: str | None) -> None:
        with self.not_empty:
            running = self.running[1] if self.running else None
        if prompt_id is None or prompt_id == running:
            nodes.interrupt_processing()

    def rows(self) -> dict[str, list[Any]]:
        with self.not_empty:
            running = [as_row(self.running)] if self.running else []
            return {
                "queue_running": running,
                "queue_pending": [
                    as_row(entry[2]) for entry in sorted(self._heap, key=lambda e: e[:2])
                ],
            }

    @property
    def remaining(self) -> int:
        with self.not_empty:
            return len(self._heap) + (self.running is not None)


def as_row(item: Item) -> list[Any]:
    """A prompt as the queue's and the history's JSON show it."""
    return list(item[:5])


class IsChangedCache:
    """Of the real one, that it can be made: here `_signatures` asks the classes."""

    def __init__(self, prompt_id: str, dynprompt: DynamicPrompt, outputs_cache: OutputsCache):
        pass


class OutputsCache:
    """Classic: what a prompt does not have is dropped, whether or not it runs.

    Source: caching.py of 0.3.64.
    """

    def __init__(self) -> None:
        self._values: dict[str, dict[str, Any]] = {}
        self._keys: dict[str, str] = {}

    async def set_prompt(self, prompt: DynamicPrompt, node_ids: Any, changes: Any) -> None:
        self._keys = _signatures(prompt.original_prompt)

    def clean_unused(self) -> None:
        used = set(self._keys.values())
        self._values = {key: value for key, value in self._values.items() if key in used}

    def get_local(self, node_id: str) -> dict[str, Any] | None:
        return self._values.get(self._keys[node_id])

    def set_local(self, node_id: str, value: dict[str, Any]) -> None:
        self._values[self._keys[node_id]] = value


class CacheSet:
    """What an executor keeps between prompts."""

    def __init__(self) -> None:
        self.outputs = OutputsCache()
        self.objects: dict[tuple[str, str], Any] = {}  # node instances
        self.all = [self.outputs]


class PromptExecutor:
    """Runs the prompts of a server's queue."""

    def __init__(self, server: Any, faults: dict[str, Any]):
        self._server = server
        self._queue: PromptQueue = server.prompt_queue
        self._faults = faults
        self._client_id: str | None = None
        self._extra_data: dict[str, Any] = {}
        self._dynprompt: DynamicPrompt
        self._messages: list[list[Any]] = []
        self._asked: dict[str, list[Any]] = {}
        self._succeeded = True
        self.history_result: dict[str, Any] = {}
        self.reset()

    def reset(self) -> None:
        self.caches = CacheSet()
        self._messages, self._asked = [], {}

    def run_forever(self) -> None:
        """As main.py `prompt_worker`: what is no Exception ends the thread, not the server."""
        while True:
            item = self._queue.get(timeout=1000.0)
            if item is None:
                self._queue.get_flags()
                continue
            self._server.last_prompt_id = item[1]  # nodes of extensions read it
            self.execute(item[2], item[1], item[3], item[4])
            entry = {
                **self.history_result,
                "status": {
                    "status_str": "success" if self._succeeded else "error",
                    "completed": self._succeeded,
                    "messages": self._messages,
                },
            }
            self._queue.finish(item, entry)
            self._send("executing", {"node": None, "prompt_id": item[1]})

    def execute(
        self,
        prompt: dict[str, Any],
        prompt_id: str,
        extra_data: dict[str, Any],
        execute_outputs: list[str],
    ) -> None:
        self._client_id = self._server.client_id = extra_data.get("client_id")
        self._extra_data = extra_data
        self._dynprompt = DynamicPrompt(prompt)
        self._messages = []
        nodes.interrupt_processing(False)
        shown: dict[str, Any] = {}
        with inference_mode(prompt, "no-torch" in self._faults):
            self._succeeded = self._run(prompt, prompt_id, execute_outputs, shown)
        meta = {n: {"node_id": n, "display_node": n, "real_node_id": n} for n in shown}
        self.history_result = {"outputs": shown, "meta": meta}

    def _send(self, event: str, data: dict[str, Any]) -> None:
        if self._client_id is not None:
            self._server.send_sync(event, data, self._client_id)

    def _tell(self, event: str, prompt_id: str, **data: Any) -> None:
        """An event that the history keeps too."""
        data = {"prompt_id": prompt_id, **data, "timestamp": int(time.time() * 1000)}
        self._messages.append([event, data])
        if event == "execution_interrupted":
            self._server.send_sync(event, data, None)
        else:
            self._send(event, data)

    def _run(
        self, prompt: dict[str, Any], prompt_id: str, wanted: list[str], outputs: dict[str, Any]
    ) -> bool:
        """Run the nodes that are wanted; whether all went well."""
        self._tell("execution_start", prompt_id)
        order = _order(prompt, wanted)
        cache = self.caches.outputs
        asyncio.run(cache.set_prompt(self._dynprompt, prompt.keys(), None))
        cache.clean_unused()
        cached = [node_id for node_id in order if cache.get_local(node_id) is not None]
        self._tell("execution_cached", prompt_id, nodes=cached)
        executed: list[str] = []
        for node_id in order:
            try:
                self._run_node(prompt, prompt_id, node_id, outputs, executed)
            except nodes.InterruptProcessingException:
                self._tell(
                    "execution_interrupted",
                    prompt_id,
                    node_id=node_id,
                    node_type=prompt[node_id]["class_type"],
                    executed=executed,
                )
                return False
            except Exception as e:
                logging.exception("!!! Exception during processing !!! %s", e)
                about = _about(e, prompt, node_id, self._asked)
                self.handle_execution_error(prompt_id, prompt, [], executed, about, e)
                return False
        self._tell("execution_success", prompt_id)
        return True

    def handle_execution_error(
        self,
        prompt_id: str,
        prompt: dict[str, Any],
        current_outputs: Any,
        executed: list[str],
        error: dict[str, Any],
        ex: Exception,
    ) -> None:
        self._tell(
            "execution_error", prompt_id, **{**error, "executed": executed, "current_outputs": []}
        )

    def _run_node(
        self,
        prompt: dict[str, Any],
        prompt_id: str,
        node_id: str,
        outputs: dict[str, Any],
        executed: list[str],
    ) -> None:
        entry = self.caches.outputs.get_local(node_id)
        if entry is None:
            kind = class_of(prompt, node_id)
            self._send(
                "executing", {"node": node_id, "display_node": node_id, "prompt_id": prompt_id}
            )
            if self._faults.get("die-in") == prompt[node_id]["class_type"]:
                os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))
            nodes.before_node_execution()
            instance = self.caches.objects.setdefault((node_id, kind.__name__), kind())
            arguments = self._arguments(prompt, node_id, kind)
            entry = _call(kind, instance, arguments)
            self.caches.outputs.set_local(node_id, entry)
            executed.append(node_id)
        if entry["ui"] is not None:
            outputs[node_id] = entry["ui"]
            data = {"node": node_id, "display_node": node_id, "output": entry["ui"]}
            self._send("executed", {**data, "prompt_id": prompt_id})

    def _arguments(self, prompt: dict[str, Any], node_id: str, kind: Any) -> dict[str, list[Any]]:
        """Every input as the list of its values; a constant is a list of one."""
        known = inputs_of(kind)
        arguments: dict[str, list[Any]] = {}
        for name, value in (prompt[node_id].get("inputs") or {}).items():
            if is_link(value):
                found = self.caches.outputs.get_local(value[0])
                assert found is not None
                arguments[name] = found["results"][int(value[1])]
            elif name in known:
                arguments[name] = [value]
        inputs = prompt[node_id].get("inputs") or {}
        asked = get_input_data(inputs, kind, node_id, None, self._dynprompt, self._extra_data)
        self._asked = {**arguments, **asked}
        return self._asked


def get_input_data(
    inputs: dict[str, Any],
    class_def: Any,
    unique_id: str,
    execution_list: Any = None,
    dynprompt: Any = None,
    extra_data: dict[str, Any] = {},  # noqa: B006
) -> dict[str, list[Any]]:
    """The hidden inputs that a class asks for; extensions may hook this, as the real one's."""
    hidden = {
        "PROMPT": dynprompt.get_original_prompt(),
        "DYNPROMPT": dynprompt,
        "UNIQUE_ID": unique_id,
        "EXTRA_PNGINFO": extra_data.get("extra_pnginfo"),
        "AUTH_TOKEN_COMFY_ORG": extra_data.get("auth_token_comfy_org"),
        "API_KEY_COMFY_ORG": extra_data.get("api_key_comfy_org"),
    }
    asked = class_def.INPUT_TYPES().get("hidden", {})
    return {name: [hidden.get(what)] for name, what in asked.items()}


def _order(prompt: dict[str, Any], outputs: list[str]) -> list[str]:
    """The outputs and all they depend on, what is needed first."""
    order: dict[str, None] = {}
    stack = [(node_id, False) for node_id in reversed(outputs)]
    while stack:
        node_id, is_ready = stack.pop()
        if node_id in order:
            continue
        if is_ready:
            order[node_id] = None
            continue
        stack.append((node_id, True))
        for value in (prompt[node_id].get("inputs") or {}).values():
            if is_link(value) and value[0] not in order:
                stack.append((value[0], False))
    return list(order)


def _signatures(prompt: dict[str, Any]) -> dict[str, str]:
    """A key per node: its class, IS_CHANGED, constants, and the same of all it depends on.

    Node ids do not count, unless the class asks for its UNIQUE_ID (comfy_execution/caching.py).
    """
    keys: dict[str, str] = {}
    for node_id in _order(prompt, list(prompt)):
        node, kind = prompt[node_id], class_of(prompt, node_id)
        parts: list[Any] = [node["class_type"], _is_changed(kind, node)]
        if "UNIQUE_ID" in kind.INPUT_TYPES().get("hidden", {}).values():
            parts.append(node_id)
        for name, value in sorted((node.get("inputs") or {}).items()):
            inner = (keys[value[0]], value[1]) if is_link(value) else (type(value).__name__, value)
            parts.append((name, inner))
        keys[node_id] = hashlib.sha256(repr(parts).encode()).hexdigest()
    return keys


def _is_changed(kind: Any, node: dict[str, Any]) -> Any:
    check = getattr(kind, "IS_CHANGED", None)
    if check is None:
        return None
    given = node.get("inputs") or {}
    accepted = inspect.signature(check).parameters
    takes_all = any(p.kind is p.VAR_KEYWORD for p in accepted.values())
    known = {
        name: None if is_link(value) else value
        for name, value in given.items()
        if takes_all or name in accepted
    }
    try:
        result = check(**known)
    except Exception:
        logging.warning("IS_CHANGED of %s failed", kind.__name__, exc_info=True)
        return uuid.uuid4()
    return uuid.uuid4() if result != result else repr(result)  # NaN: it always runs


def _call(kind: Any, instance: Any, arguments: dict[str, list[Any]]) -> dict[str, Any]:
    """Call the node once, or once per element of the longest list, and collect the results."""
    function = getattr(instance, kind.FUNCTION)
    if getattr(kind, "INPUT_IS_LIST", False):
        calls = [arguments]
    else:
        count = max((len(values) for values in arguments.values()), default=1)
        # A shorter list repeats its last element.
        calls = [
            {name: values[min(i, len(values) - 1)] for name, values in arguments.items()}
            for i in range(count)
        ]
    returned = [_finish(function(**call)) for call in calls]
    uis = [r["ui"] for r in returned if isinstance(r, dict) and "ui" in r]
    rows = [r.get("result", ()) if isinstance(r, dict) else r for r in returned]
    is_list = getattr(kind, "OUTPUT_IS_LIST", (False,) * len(kind.RETURN_TYPES))
    results = []
    for slot in range(len(kind.RETURN_TYPES)):
        column = [row[slot] for row in rows if len(row) > slot]
        results.append([v for values in column for v in values] if is_list[slot] else column)
    ui = None
    if uis:
        ui = {key: [v for one in uis for v in one.get(key, ())] for key in uis[0]}
    return {"results": results, "ui": ui}


def _finish(value: Any) -> Any:
    """What the node returned; an `async` one is awaited in a loop of its own."""
    if not inspect.iscoroutine(value):
        return value

    async def wait() -> Any:
        return await value

    return asyncio.run(wait())


def _about(
    error: Exception, prompt: dict[str, Any], node_id: str, given: dict[str, list[Any]]
) -> dict[str, Any]:
    kind = type(error)
    name = kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"
    return {
        "node_id": node_id,
        "node_type": prompt[node_id]["class_type"],
        "exception_message": f"{error}\n",
        "exception_type": name,
        "traceback": traceback.format_exception(kind, error, error.__traceback__),
        "current_inputs": {
            name: [v if isinstance(v, (str, int, float, bool)) else str(v)[:100] for v in values]
            for name, values in given.items()
        },
    }
