"""What happens to logins inside ComfyUI: which class gets one, and that no text shows one."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from custom_nodes.discomfort.worker.launch.account import HIDDEN_TEXT, Secrets, install, is_own

KEY = "comfyui-0123456789abcdef"


def class_in(name: str, file: Path, said: str | None, base: type = object) -> type:
    module = ModuleType(name)
    module.__file__ = str(file)
    sys.modules[name] = module
    made = type("Node", (base,), {"__module__": name})
    if said is not None:
        made.RELATIVE_PYTHON_MODULE = said  # type: ignore[attr-defined]
    return made


def test_an_own_class_is_one_that_comfyui_loaded_from_its_own_folder(tmp_path: Path):
    package = str(tmp_path / "comfy_api_nodes")
    inside, outside = tmp_path / "comfy_api_nodes" / "nodes_a.py", tmp_path / "pack" / "a.py"
    said = "comfy_api_nodes.nodes_a"
    try:
        own = class_in("_test_own", inside, said)
        assert is_own(own, package)
        assert not is_own(class_in("_test_liar", outside, said), package)
        assert not is_own(class_in("_test_heir", outside, None, base=own), package)
        assert not is_own(class_in("_test_lent", inside, "custom_nodes.pack"), package)
        assert not is_own(class_in("_test_silent", inside, None), package)
        deeper = tmp_path / "comfy_api_nodes" / "pack" / "a.py"
        assert not is_own(class_in("_test_deeper", deeper, said), package)
    finally:
        for name in [n for n in sys.modules if n.startswith("_test_")]:
            del sys.modules[name]


def test_a_text_loses_what_was_noted_wherever_it_stands():
    secrets = Secrets()
    assert secrets.hide({"a": [KEY]}) == {"a": [KEY]}
    secrets.note([KEY, None, "", "abc", 5])
    hidden = secrets.hide({KEY: [f"x{KEY}y", (KEY, 1), None], "abc": 2.5})
    assert hidden == {HIDDEN_TEXT: [f"x{HIDDEN_TEXT}y", [HIDDEN_TEXT, 1], None], "abc": 2.5}


def test_a_log_loses_it_in_message_arguments_and_traceback():
    secrets = Secrets()
    secrets.note([KEY])
    try:
        raise ValueError(KEY)
    except ValueError:
        record = logging.LogRecord("x", 40, "f", 1, "%s sent", (KEY,), sys.exc_info())
    secrets.hide_in(record)
    shown = logging.Formatter().format(record)
    assert KEY not in shown and f"{HIDDEN_TEXT} sent" in shown and "ValueError" in shown
    plain = logging.LogRecord("x", 40, "f", 1, "%d sent", (3,), None)
    assert secrets.hide_in(plain).args == (3,)


class Executor:
    def handle_execution_error(self, prompt_id: str, error: Any) -> None: ...


@pytest.mark.parametrize(
    "execution",
    [
        SimpleNamespace(),
        SimpleNamespace(get_input_data=lambda inputs, class_def: None, PromptExecutor=Executor),
        SimpleNamespace(get_input_data=lambda inputs, class_def, extra_data: None),
        SimpleNamespace(get_input_data=lambda i, c, extra_data: None, PromptExecutor=object),
    ],
)
def test_a_comfyui_that_differs_is_left_as_it_is_and_says_so(execution: Any):
    before = dict(vars(execution))
    assert not install(SimpleNamespace(on_prompt_handlers=[]), execution, lambda _: True)
    assert vars(execution) == before


def test_the_next_master_gets_no_login_of_the_last_under_whatever_prompt_id(tmp_path: Path):
    said = "comfy_api_nodes.nodes_a"
    own = class_in("_test_own", tmp_path / "comfy_api_nodes" / "nodes_a.py", said)

    class PromptExecutor:
        def handle_execution_error(self, error: Any) -> Any:
            return error

    execution = ModuleType("execution")
    execution.__file__ = str(tmp_path / "execution.py")
    execution.get_input_data = lambda class_def, extra_data: extra_data  # type: ignore[attr-defined]
    execution.PromptExecutor = PromptExecutor  # type: ignore[attr-defined]
    queue = SimpleNamespace(get=lambda: None)
    instance = SimpleNamespace(on_prompt_handlers=[], prompt_queue=queue, last_prompt_id="one")
    make_record = logging.getLogRecordFactory()
    try:
        assert install(instance, execution, lambda _: True)
        (take,) = instance.on_prompt_handlers
        take({"prompt_id": "one", "discomfort_account": {"api_key_comfy_org": KEY}})
        assert execution.get_input_data(own, {}) == {"api_key_comfy_org": KEY}
        instance.discomfort_forget_logins()
        assert execution.get_input_data(own, {}) == {}
    finally:
        logging.setLogRecordFactory(make_record)
        del sys.modules["_test_own"]
