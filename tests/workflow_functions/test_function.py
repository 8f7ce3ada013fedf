"""Workflows as functions on a server: calls, what is refused before anything runs, options."""

from __future__ import annotations

import contextlib
import inspect
import io
import json
import os
import pydoc
import shutil
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from custom_nodes.discomfort.comfy_serverless import ComfyConnector
from custom_nodes.discomfort.discomfort import Discomfort
from custom_nodes.discomfort.errors import (
    ExecutionError,
    MissingInputError,
    RunTimeout,
    WorkflowError,
)
from custom_nodes.discomfort.events import Queued
from custom_nodes.discomfort.inspection.look import look_at
from custom_nodes.discomfort.sync import Discomfort as SyncDiscomfort
from custom_nodes.discomfort.sync.loop_thread import loop_thread
from custom_nodes.discomfort.worker import kept_classes
from custom_nodes.discomfort.workflow_functions import shapes
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from support.all_ports import named
from support.package import ROOT
from support.servers import FAKE

pytestmark = pytest.mark.one_version
ENHANCE = ROOT / "examples" / "workflows" / "enhance.json"


@pytest.fixture(scope="module")
def discomfort(shared: ComfyConnector) -> Iterator[Discomfort]:
    made = Discomfort(shared)
    yield made
    made._engine.contexts.close()


def help_of(thing: object) -> str:
    """What `help()` shows."""
    with contextlib.redirect_stdout(io.StringIO()) as shown:
        pydoc.help(thing)
    return shown.getvalue()


@pytest.fixture
def nothing_runs(discomfort: Discomfort, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Whatever would be run is noted in place of it."""
    ran: list[Any] = []

    async def run(*arguments: Any) -> None:
        ran.append(arguments)

    monkeypatch.setattr(discomfort._engine, "run", run)
    return ran


async def test_a_workflow_is_called_and_gives_attributes(discomfort):
    torch = pytest.importorskip("torch")
    enhance = discomfort.workflow(ENHANCE)
    result = await enhance(picture=torch.rand(1, 16, 24, 3), detail=0.01)
    assert result.picture.shape == (1, 16, 24, 3)
    assert result["picture"] is result.picture and list(result) == ["picture"]
    again = await enhance(**result)  # what came out under a name goes in under it
    assert again.picture.shape == (1, 16, 24, 3)


def test_signature_and_help_are_known_at_once(discomfort):
    enhance = discomfort.workflow(str(ENHANCE))
    parameters = inspect.signature(enhance).parameters
    assert list(parameters) == ["picture", "detail", "tone", "tone_amount"]
    assert (parameters["detail"].annotation, parameters["detail"].default) == (float, 1.0)
    assert repr(parameters["picture"].annotation) == "IMAGE"
    shown = help_of(enhance)
    assert ": enhance(picture=...," in shown
    assert "detail: FLOAT = 1.0, 0 to 5, in steps of 0.01" in shown
    assert "one of 'normal', 'multiply', 'screen'" in shown
    assert enhance.__name__ == "enhance" and "enhance.json" in repr(enhance)
    assert "await enhance(picture=" in (type(enhance).__doc__ or "")


async def test_types_are_known_once_create_returned_though_nothing_is_kept(
    make_connector, monkeypatch, tmp_path
):
    kept_classes.find_kept(None)  # waits for what other tests have kept
    monkeypatch.setattr(kept_classes, "kept_folder", lambda: tmp_path / "none")
    connector = await make_connector(FAKE)
    assert connector.known_classes is None
    discomfort = Discomfort(connector)
    enhance = discomfort.workflow(ENHANCE)
    detail = inspect.signature(enhance).parameters["detail"]
    assert (detail.annotation, detail.default) == (float, 1.0)  # the file alone tells the type
    assert "Note:" not in (enhance.__doc__ or "")
    assert (await discomfort.workflow(named("x"))(x=1)).x == 1
    await discomfort.shutdown()


ODD = (
    "self",
    "context",
    "inputs",
    "class",
    "\u7528\u9014",
    "a b",
    "1st",
    "a-b",
    "unnamed",
    "items",
    "name",
)


async def test_ports_may_have_any_name(discomfort):
    function = discomfort.workflow(named(*ODD))
    given = {
        "self": 1,
        "context": 2,
        "inputs": 3,
        "class_": 4,
        "\u7528\u9014": 5,
        "a_b": 6,
        "_1st": 7,
    }
    given |= {"a_b_": 8, "unnamed": 9, "items": 10, "name": 11}
    assert set(inspect.signature(function).parameters) == set(given)
    results = await function(**given)
    assert results == {
        "self": 1, "context": 2, "inputs": 3, "class": 4, "\u7528\u9014": 5, "a b": 6, "1st": 7,
        "a-b": 8, "unnamed": 9, "items": 10, "name": 11,
    }  # fmt: skip
    assert (results.class_, results.a_b, results._1st, results.items_) == (4, 6, 7, 10)
    assert await function.call(dict(results)) == results
    assert await function(**results) == results


@pytest.mark.parametrize(
    ("inputs", "error", "words"),
    [
        ({"numbr": 1}, TypeError, "Did you mean 'number'"),
        ({"number": 1, "timeout": 3}, TypeError, "There are: number, other"),
        ({"number": 1}, MissingInputError, "other=..."),
        ({}, MissingInputError, "number=..., other=..."),
    ],
)
async def test_wrong_names_end_before_anything_runs(discomfort, nothing_runs, inputs, error, words):
    with pytest.raises(error, match=words):
        await discomfort.workflow(named("number", "other"))(**inputs)
    assert not nothing_runs


async def test_inputs_without_a_name_are_refused(discomfort, nothing_runs):
    with pytest.raises(TypeError, match="by name: workflow\\(number=...\\)"):
        await discomfort.workflow(named("number"))(3)
    assert not nothing_runs


async def test_addresses_are_inputs_of_call(discomfort):
    function = discomfort.workflow(named("x"))
    assert await function.call({"value1.value": 7}) == {"x": 7}, "in place of what the port feeds"
    assert await function(**{"value1.value": 8}) == {"x": 8}
    with pytest.raises(WorkflowError, match="value1"):
        await function.call({"x": 1, "value1.valu": 7})
    with pytest.raises(TypeError, match="no input 'Nothing.value'"):
        await function.call({"x": 1, "Nothing.value": 7})


async def test_options_of_run_are_set_by_using(discomfort):
    function = discomfort.workflow(named("x"))
    events: list[Any] = []
    with discomfort.Context() as context:
        within = function.using(context=context, on_event=events.append).using(iterations=2)
        assert (await within(x=3)).x == 3 and context.load("x") == 3
        assert sum(isinstance(event, Queued) for event in events) == 2
        assert (await within()).x == 3, "what the context has need not be given"
        asked = function.using(context=context, outputs=["PrimitiveInt.INT"])
        assert (await asked()).PrimitiveInt_INT == 3
    with pytest.raises(MissingInputError):
        await function()
    with pytest.raises(TypeError, match="no option 'timout'. Did you mean 'timeout'"):
        function.using(timout=3)  # pyright: ignore
    with pytest.raises(ValueError, match="timeout must be more than 0"):
        await function.using(timeout=-1)(x=1)
    slow = {"1": {"class_type": "StubSleep", "inputs": {"seconds": 600.0}}}
    slow |= {
        "2": {"class_type": "DiscomfortPort", "inputs": {"unique_id": "o", "input_data": ["1", 0]}}
    }
    with pytest.raises(RunTimeout):
        await discomfort.workflow(slow).using(timeout=0.5)()


async def test_several_workflows_run_in_turn(discomfort):
    folder = ROOT / "test_workflows"
    both = discomfort.workflow([folder / "loop_ping.json", str(folder / "loop_pong.json")])
    once = await discomfort.run(
        [folder / "loop_ping.json", folder / "loop_pong.json"], {"text": "a"}
    )
    assert await both(text="a") == once
    assert list(inspect.signature(both).parameters) == ["text"]


async def test_a_file_that_has_changed_is_seen_by_the_next_call(discomfort, tmp_path):
    path = tmp_path / "changing.json"
    path.write_text(json.dumps(named("before")))
    function = discomfort.workflow(path)
    assert await function(before=1) == {"before": 1}
    path.write_text(json.dumps(named("after it")))
    assert "after_it" in inspect.signature(function).parameters
    with pytest.raises(TypeError, match="no input 'before'"):
        await function(before=1)
    assert (await function(after_it=2)).after_it == 2
    path.unlink()
    assert "after_it" in inspect.signature(function).parameters, "what was known last"
    with pytest.raises(FileNotFoundError):
        await function(after_it=2)


async def test_a_workflow_is_looked_at_once_though_each_call_has_options(discomfort, monkeypatch):
    looked = []
    monkeypatch.setattr(shapes, "look_at", lambda *args: looked.append(1) or look_at(*args))
    function = discomfort.workflow(named("x"))
    for value in range(3):
        assert (await function.using(timeout=60)(x=value)).x == value
    assert len(looked) == 1


async def test_what_is_given_as_a_dict_stays_what_it_was(discomfort):
    data = named("x")
    function = discomfort.workflow(data)
    data.clear()
    assert (await function(x=4)).x == 4


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes in folders")
async def test_a_pipe_is_read_once(discomfort, tmp_path):
    pipe = tmp_path / "piped.json"
    os.mkfifo(pipe)
    feeder = threading.Thread(target=pipe.write_text, args=(json.dumps(named("x")),))
    feeder.start()
    function = discomfort.workflow(pipe)
    feeder.join()
    assert [(await function(x=value)).x for value in (1, 2)] == [1, 2]


async def test_what_run_takes_is_taken(discomfort, tmp_path):
    text = json.dumps(named("x"))
    info = PngInfo()
    info.add_text("prompt", text)
    Image.new("RGB", (4, 4)).save(tmp_path / "saved.png", pnginfo=info)
    shutil.copy(tmp_path / "saved.png", tmp_path / "\u7528\u9014 2.png")
    taken = (text, tmp_path / "saved.png", tmp_path / "\u7528\u9014 2.png")
    functions = [discomfort.workflow(workflow) for workflow in taken]
    assert [(await function(x=n)).x for n, function in enumerate(functions)] == [0, 1, 2]
    assert [function.__name__ for function in functions] == ["workflow", "saved", "\u7528\u9014_2"]


@pytest.mark.parametrize(
    ("workflow", "error"),
    [("none.json", FileNotFoundError), (3, TypeError), ([], ValueError), ({}, WorkflowError)],
)
def test_what_is_no_workflow_is_refused_at_once(discomfort, workflow, error):
    with pytest.raises(error):
        discomfort.workflow(workflow)


async def test_a_workflow_that_can_not_run_says_why_when_called(discomfort):
    function = discomfort.workflow({"1": {"class_type": "NotThere", "inputs": {}}})
    assert "NotThere" in (function.__doc__ or "")
    with pytest.raises(WorkflowError, match="NotThere"):
        await function()
    with pytest.raises(WorkflowError, match="NotThere"):
        await function(anything=1)


async def test_after_shutdown_it_says_so(make_connector):
    discomfort = Discomfort(await make_connector(FAKE))
    function = discomfort.workflow(named("x"))
    await discomfort.shutdown()
    with pytest.raises(ExecutionError, match="was shut down"):
        await function(x=1)


def test_without_await_it_is_the_same(shared):
    thread = loop_thread()
    discomfort = SyncDiscomfort(Discomfort(shared), thread)
    function = discomfort.workflow(named("self", "a b"))
    assert set(inspect.signature(function).parameters) == {"self", "a_b"}
    assert "a_b: INT, needs a value" in help_of(function)
    results = function(self=1, a_b=2)
    assert (results.self, results.a_b) == (1, 2) and function.call(dict(results)) == results
    threads = []
    until = function.using(
        iterations=None, until=lambda _: threads.append(threading.get_ident()) or 1
    )
    assert until(self=3, a_b=4).self == 3 and threads == [threading.get_ident()]
    with pytest.raises(TypeError, match="Did you mean 'a_b'"):
        function(self=1, a_c=2)
    with pytest.raises(TypeError, match="by name"):
        function(1)
    with pytest.raises(TypeError, match="no option"):
        function.using(nothing=1)  # pyright: ignore
    assert "result = enhance(" in (type(function).__doc__ or "")
    discomfort._inner._engine.contexts.close()
