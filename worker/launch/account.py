"""Runs inside ComfyUI: gives the login of a Comfy account to ComfyUI's own API nodes alone.

A script sends it beside its prompt, not in the prompt's `extra_data`, from which any class may ask
for it, and which 0.3.64 shows in its queue. Put in place by `inside_comfyui.py`. What a node, an
error or a log says is searched for it.
"""

from __future__ import annotations

import inspect
import logging
import os
import sys
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from .run_data import RunData, forget_what_ended

KEY = "discomfort_account"  # in the body of POST /prompt
NAMES = ("auth_token_comfy_org", "api_key_comfy_org")  # in `extra_data`
HIDDEN_TEXT = "(hidden)"
_OWN_PACKAGE = "comfy_api_nodes"
_KEPT = 32  # logins that texts are searched for
_LEAST_CHARS = 4


class Secrets:
    """The logins that this process has seen, and texts without them."""

    def __init__(self) -> None:
        self._known: deque[str] = deque(maxlen=_KEPT)

    def forget(self) -> None:
        self._known.clear()

    def note(self, values: Iterable[Any]) -> None:
        for value in values:
            if isinstance(value, str) and len(value) >= _LEAST_CHARS and value not in self._known:
                self._known.append(value)

    def hide(self, value: Any) -> Any:
        """A value as JSON has it, without any of them."""
        if isinstance(value, str):
            for secret in tuple(self._known):
                value = value.replace(secret, HIDDEN_TEXT)
            return value
        if isinstance(value, Mapping):
            return {self.hide(key): self.hide(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.hide(item) for item in value]
        return value

    def hide_in(self, record: logging.LogRecord) -> logging.LogRecord:
        """A record of a log, with its traceback."""
        if not self._known:
            return record
        text = record.getMessage()
        if (hidden := self.hide(text)) != text:
            record.msg, record.args = hidden, ()
        if record.exc_info and record.exc_text is None:
            text = logging.Formatter().formatException(record.exc_info)
            if (hidden := self.hide(text)) != text:
                record.exc_text = hidden
        return record


def install(instance: Any, execution: Any, is_from_script: Callable[[str], bool]) -> bool:
    """Have a server take logins, and keep them from all but ComfyUI's own API nodes.

    Args:
        instance: `PromptServer.instance`, before its prompt thread is started.
        execution: ComfyUI's module of that name.

    Returns:
        Whether it can: a ComfyUI that differs is sent no login.

    Source: execution.py `get_input_data`, `PromptExecutor.handle_execution_error` of 0.3.64 and
    0.33; comfy_api_nodes/{util,apis}/request_logger.py.
    """
    get_inputs = getattr(execution, "get_input_data", None)
    executor = getattr(execution, "PromptExecutor", None)
    on_error = getattr(executor, "handle_execution_error", None)
    if executor is None or get_inputs is None or on_error is None:
        return False
    kind, extra = _place("class_def", get_inputs), _place("extra_data", get_inputs)
    error = _place("error", on_error)
    if kind is None or extra is None or error is None:
        return False
    logins, secrets = RunData(is_from_script, KEY), Secrets()
    instance.on_prompt_handlers.insert(0, logins.take)  # no other extension gets to see it
    forget_what_ended(instance, logins)

    def forget() -> None:
        logins.forget_all()
        secrets.forget()

    instance.discomfort_forget_logins = forget
    package = os.path.join(os.path.dirname(os.path.realpath(execution.__file__)), _OWN_PACKAGE)

    def with_login(class_def: Any, extra_data: Any) -> Any:
        given = logins.of(getattr(instance, "last_prompt_id", None)) or {}
        login = {name: given[name] for name in NAMES if isinstance(given.get(name), str)}
        if not isinstance(extra_data, Mapping):
            return extra_data
        secrets.note([*login.values(), *(extra_data.get(name) for name in NAMES)])
        return {**extra_data, **login} if login and is_own(class_def, package) else extra_data

    def get_input_data(*arguments: Any, **named: Any) -> Any:
        given = list(arguments)
        class_def = given[kind] if len(given) > kind else named.get("class_def")
        if len(given) > extra:  # else it only asks whether the node has changed
            given[extra] = with_login(class_def, given[extra])
        elif "extra_data" in named:
            named["extra_data"] = with_login(class_def, named["extra_data"])
        return get_inputs(*given, **named)

    def handle_execution_error(*arguments: Any, **named: Any) -> Any:
        given = list(arguments)
        if len(given) > error:
            given[error] = secrets.hide(given[error])
        return on_error(*given, **named)

    execution.get_input_data = get_input_data
    executor.handle_execution_error = handle_execution_error
    _hide_in_files(secrets)
    _hide_in_logs(secrets)
    return True


def is_own(class_def: Any, package: str) -> bool:
    """Whether a class is ComfyUI's own: by what its loader says, and by where its module lies, so
    that no class of another pack is one, whatever it says of itself or is derived from.

    Source: nodes.py `load_custom_node` of 0.3.64 and 0.33.
    """
    said = getattr(class_def, "RELATIVE_PYTHON_MODULE", None)
    module = sys.modules.get(str(getattr(class_def, "__module__", None)))
    file = getattr(module, "__file__", None)
    is_said = isinstance(said, str) and said.startswith(f"{_OWN_PACKAGE}.")
    return is_said and bool(file) and os.path.dirname(os.path.realpath(str(file))) == package


def _place(name: str, function: Callable[..., Any]) -> int | None:
    """The position of a parameter."""
    names = list(inspect.signature(function).parameters)
    return names.index(name) if name in names else None


def _hide_in_files(secrets: Secrets) -> None:
    """API nodes write what they send to files in ComfyUI's temp folder, 0.3.64 with all headers."""
    for part in ("util", "apis"):
        module = sys.modules.get(f"{_OWN_PACKAGE}.{part}.request_logger")
        write = getattr(module, "log_request_response", None)
        if module is None or write is None:
            continue

        def log_request_response(*arguments: Any, write: Any = write, **named: Any) -> Any:
            hidden = {name: secrets.hide(value) for name, value in named.items()}
            return write(*map(secrets.hide, arguments), **hidden)

        module.log_request_response = log_request_response  # type: ignore[attr-defined]


def _hide_in_logs(secrets: Secrets) -> None:
    make = logging.getLogRecordFactory()
    logging.setLogRecordFactory(lambda *a, **named: secrets.hide_in(make(*a, **named)))
