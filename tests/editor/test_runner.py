"""DiscomfortTestRunner in a user's ComfyUI, through the API: what the editor queues."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from custom_nodes.discomfort.errors import NodeFailed, RunInterrupted, ValidationFailed

from .outer import Outer, runner, show, told


def string(value: str) -> dict[str, Any]:
    return {"class_type": "PrimitiveString", "inputs": {"value": value}}


async def run_watched(client, prompt) -> tuple[Any, list[Any]]:
    """The result, and all events."""
    seen: list[Any] = []
    return await client.execute(prompt, on_event=seen.append, timeout=90), seen


def started(events: list[Any]) -> set[str]:
    return {e.node_id for e in events if type(e).__name__ == "NodeStarted"}


async def test_ports_are_sockets_and_values_come_out(client):
    prompt = {
        "1": string("abc"),
        "2": runner("loop_text.json", input_1=["1", 0]),
        "3": show(["2", 0]),
        "4": show(["2", 1]),
    }
    result, _ = await run_watched(client, prompt)
    assert result.outputs["3"]["text"] == ["abc."]
    assert result.outputs["4"]["text"] == ["4"]


async def test_constants_need_no_socket_and_the_prompt_says_which_port_is_where(client):
    sockets = json.dumps({"inputs": ["number"], "outputs": [None, "number"]})
    prompt = {
        "1": {"class_type": "PrimitiveInt", "inputs": {"value": 5}},
        "2": runner("count.json", input_1=["1", 0], values="# so far\nstep = 37", sockets=sockets),
        "3": show(["2", 1]),
        "4": show(["2", 0]),
    }
    result, _ = await run_watched(client, prompt)
    assert result.outputs["3"]["text"] == ["42"]
    assert result.outputs["4"]["text"] == ["None"]


async def test_class_that_another_has_replaced_runs_where_comfyui_knows_of_it(client, comfyui):
    prompt = {"1": runner("old_sum.json", values="number = 2"), "2": show(["1", 0])}
    if "0.3.64" in comfyui.name:
        with pytest.raises(ValidationFailed, match="StubOldSum"):
            await run_watched(client, prompt)
        return
    result, _ = await run_watched(client, prompt)
    assert result.outputs["2"]["text"] == ["7"]


async def test_a_picture_crosses_unchanged_and_is_shown_on_the_node(client, outer: Outer):
    prompt = {
        "1": {
            "class_type": "EmptyImage",
            "inputs": {"width": 64, "height": 48, "batch_size": 2, "color": 0x12AB56},
        },
        "2": {"class_type": "ImageInvert", "inputs": {"image": ["1", 0]}},
        "3": runner("type_image.json", input_1=["2", 0]),
        "4": {"class_type": "ImageInvert", "inputs": {"image": ["2", 0]}},
        "5": {"class_type": "StubDigest", "inputs": {"image": ["3", 0]}},
        "6": {"class_type": "StubDigest", "inputs": {"image": ["4", 0]}},
    }
    result, _ = await run_watched(client, prompt)
    assert result.outputs["5"] == result.outputs["6"]
    assert result.outputs["5"]["shape"] == [[2, 48, 64, 3]]
    shown = result.outputs["3"]["images"]
    assert len(shown) == 2 and all((outer.base / "temp" / s["filename"]).is_file() for s in shown)


async def test_a_list_of_comfyui_comes_out_as_a_list_and_one_that_goes_in_runs_each(client):
    image = {"width": 8, "height": 8, "batch_size": 3, "color": 0}
    prompt = {
        "1": {"class_type": "EmptyImage", "inputs": image},
        "2": runner("type_list_out.json", input_1=["1", 0]),
        "3": {"class_type": "StubDigest", "inputs": {"image": ["2", 0]}},
        "4": {"class_type": "StubNumbers", "inputs": {"count": 3}},
        "5": runner("count.json", input_1=["4", 0], values="step = 10"),
        "6": {"class_type": "StubSum", "inputs": {"numbers": ["5", 0]}},
    }
    result, _ = await run_watched(client, prompt)
    assert result.outputs["3"]["shape"] == [[1, 8, 8, 3]] * 3
    assert result.outputs["6"]["sum"] == [0 + 1 + 2 + 30]


async def test_a_model_goes_in_as_the_nodes_that_make_it_and_is_not_loaded_here(client):
    prompt = {
        "1": {"class_type": "StubLoadModel", "inputs": {"name": "made outside"}},
        "2": {"class_type": "StubPatchModel", "inputs": {"model": ["1", 0], "strength": 0.5}},
        "3": runner("use_model.json", input_1=["2", 0]),
        "4": show(["3", 0]),
        "5": show(["3", 1]),
    }
    result, seen = await run_watched(client, prompt)
    assert result.outputs["4"]["text"] == ["made outside['0.5'] 0"]
    assert result.outputs["5"]["text"] == ["1"]
    assert "3" in started(seen) and not started(seen) & {"1", "2"}

    prompt["2"]["inputs"]["strength"] = 0.75
    result, _ = await run_watched(client, prompt)
    assert result.outputs["4"]["text"] == ["made outside['0.75'] 0"]
    assert result.outputs["5"]["text"] == ["1"]  # the nested ComfyUI had it still


async def test_a_model_comes_out_as_the_nodes_that_make_it(client):
    prompt = {
        "1": runner("make_model.json", values="strength = 0.25"),
        "2": {"class_type": "StubUseModel", "inputs": {"model": ["1", 0], "seed": 7}},
        "3": show(["2", 0]),
    }
    result, _ = await run_watched(client, prompt)
    assert result.outputs["3"]["text"] == ["made inside['0.25'] 7"]
    prompt["2"]["inputs"]["seed"] = 8
    result, seen = await run_watched(client, prompt)
    assert result.outputs["3"]["text"] == ["made inside['0.25'] 8"]
    assert "1" not in started(seen)


@pytest.mark.parametrize("is_used", [True, False], ids=["used here too", "used there only"])
async def test_a_model_goes_from_one_runner_through_a_lora_into_the_next(client, is_used):
    elsewhere = [] if is_used else ["model"]
    sockets = json.dumps({"inputs": [], "outputs": ["model"], "elsewhere": elsewhere})
    prompt = {
        "1": runner("make_model.json", values="strength = 2.0", sockets=sockets),
        "3": runner("use_model.json", input_1=["1", 0]),
        "4": show(["3", 0]),
    }
    if is_used:
        prompt["2"] = {
            "class_type": "StubPatchModel",
            "inputs": {"model": ["1", 0], "strength": 3.0},
        }
        prompt["3"]["inputs"]["input_1"] = ["2", 0]
    result, _ = await run_watched(client, prompt)
    made = "made inside['2.0', '3.0'] 0" if is_used else "made inside['2.0'] 0"
    assert result.outputs["4"]["text"] == [made]


async def test_what_did_not_change_is_not_run_again_and_a_changed_file_is(client, outer: Outer):
    path = outer.workflows / "changing.json"
    text = (outer.workflows / "loop_text.json").read_text(encoding="utf-8")
    path.write_text(text, encoding="utf-8")
    prompt = {"1": runner("changing.json", values="text = abc"), "2": show(["1", 0])}
    result, seen = await run_watched(client, prompt)
    assert result.outputs["2"]["text"] == ["abc."] and "1" in started(seen)
    _, seen = await run_watched(client, prompt)
    assert "1" not in started(seen)
    path.write_text(text.replace('"."', '"!"'), encoding="utf-8")
    result, _ = await run_watched(client, prompt)
    assert result.outputs["2"]["text"] == ["abc!"]


async def test_progress_and_previews_are_shown_on_the_node(client):
    prompt = {"1": runner("sleep.json", values="seconds = 0.4\n"), "2": show(["1", 0])}
    _, seen = await run_watched(client, prompt)
    steps = [(e.value, e.maximum) for e in seen if type(e).__name__ == "Progress"]
    values = [value for value, _ in steps]
    assert {maximum for _, maximum in steps} == {1000}
    assert len(values) > 2 and values == sorted(values) and values[-1] == 1000


async def test_an_error_inside_is_told_with_the_node_and_the_next_run_works(client):
    prompt = {"1": runner("raise.json", values="message = out of paint"), "2": show(["1", 0])}
    with pytest.raises(NodeFailed) as caught:
        await client.execute(prompt, timeout=90)
    assert caught.value.node_id == "1"
    text = str(caught.value.exception_message)
    assert "out of paint" in text and "StubRaise" in text
    result, _ = await run_watched(
        client, {"1": runner("loop_text.json", values="text = ok"), "2": show(["1", 0])}
    )
    assert result.outputs["2"]["text"] == ["ok."]


async def test_interrupting_comfyui_interrupts_the_nested_one(client, outer: Outer):
    running = asyncio.Event()

    def watch(event: Any) -> None:
        if type(event).__name__ == "Progress" and event.value > 0:
            running.set()

    prompt = {"1": runner("sleep.json", values="seconds = 600"), "2": show(["1", 0])}
    task = asyncio.ensure_future(client.execute(prompt, on_event=watch, timeout=120))
    await asyncio.wait_for(running.wait(), 60)
    nested = outer.nested()
    await client.http.post("/interrupt", {})
    with pytest.raises(RunInterrupted):
        await task
    # The same nested ComfyUI is free again, and the run that was ended left nothing in its queue.
    result, _ = await run_watched(
        client, {"1": runner("loop_text.json", values="text = again"), "2": show(["1", 0])}
    )
    assert result.outputs["2"]["text"] == ["again."]
    assert outer.nested() == nested and len(nested) == 1


REFUSED = {
    "no file": (runner("no such file.json"), "There is no workflow 'no such file.json'"),
    "outside": (runner("/etc/passwd"), "outside the folders that may be read"),
    "climbs out": (runner("../../../log.txt"), "outside the folders that may be read"),
    "no ports": (runner("no_ports.json"), "has no ports"),
    "doubled": (runner("error_doubled_output.json"), "the same unique_id"),
    "no value": (runner("type_image.json"), "the input 'picture' (IMAGE) has no value"),
    "unknown value": (
        runner("loop_text.json", values="text = a\ntxt = b"),
        "values has 'txt', which is no input of the workflow",
    ),
    "no line": (runner("loop_text.json", values="text"), "values, line 1"),
    "sockets of an older file": (
        runner("loop_text.json", sockets='{"inputs": ["old"], "outputs": []}'),
        "the input 'old' is no longer a port",
    ),
    "not sockets": (runner("loop_text.json", sockets="text"), "sockets must be empty, or like"),
    "no number": (
        runner("count.json", values="number = cat\nstep = 1"),
        "values has number = \"cat\", and the port 'number' needs INT: write a whole number, like "
        "`number = 3`",
    ),
    "a picture as text": (
        runner("type_image.json", values="picture = a.png"),
        "can't be written as text: connect its socket instead",
    ),
    "a model as text": (runner("use_model.json", values="model = a"), "needs MODEL, which can't"),
    "out of range": (
        runner("make_model.json", values="strength = 99"),
        "values has strength = 99: Value 99.0 bigger than max of 10.0 (strength)",
    ),
    "no such choice": (
        runner("scale.json", values="method = areal"),
        "values has method = 'areal': Value not in list (upscale_method: 'areal' not in ['nearest",
    ),
    "no such file for a node": (
        runner("load_named.json", values="name = gone.png"),
        "values has name = 'gone.png': Custom validation failed for node (image - Invalid image",
    ),
    "not installed": (
        runner("not_installed.json", values="text = a"),
        "node 2 (NobodyHasThisNode): the server does not know this node type",
    ),
    "runs workflows": (runner("runs_itself.json"), "can't run workflows itself"),
    "no name of a file": (runner(5), "chosen by the name of its file, not 5"),
    "nothing": ({"class_type": "DiscomfortTestRunner", "inputs": {}}, "workflow"),
}


@pytest.mark.parametrize("case", REFUSED)
async def test_bad_input_is_told_once_before_anything_runs(client, case):
    node, words = REFUSED[case]
    with pytest.raises(ValidationFailed) as caught:
        await client.execute({"1": node, "2": show(["1", 0])}, timeout=30)
    assert words in told(caught.value)


async def test_a_picture_for_a_model_is_refused(client):
    image = {"width": 8, "height": 8, "batch_size": 1, "color": 0}
    prompt = {
        "1": {"class_type": "EmptyImage", "inputs": image},
        "2": runner("use_model.json", input_1=["1", 0]),
    }
    with pytest.raises(ValidationFailed, match="'model' needs MODEL, and IMAGE is connected"):
        await client.execute(prompt, timeout=30)


async def test_what_comes_through_a_link_is_not_known_yet_and_the_rest_is_checked(client):
    prompt = {
        "1": string("text = a"),
        "2": runner("loop_text.json", values=["1", 0]),
        "3": show(["2", 0]),
    }
    result, _ = await run_watched(client, prompt)
    assert result.outputs["3"]["text"] == ["a."]
    prompt["2"]["inputs"]["workflow"] = "gone.json"
    with pytest.raises(ValidationFailed, match="There is no workflow 'gone.json'"):
        await client.execute(prompt, timeout=30)


async def test_a_workflow_that_runs_workflows_is_refused_inside(client):
    prompt = {"1": runner(["2", 0]), "2": string("runs_itself.json")}
    with pytest.raises(NodeFailed, match="can't run workflows itself"):
        await client.execute(prompt, timeout=90)


async def test_a_reference_over_a_picture_goes_from_one_runner_into_the_next(client):
    picture = {"width": 16, "height": 8, "batch_size": 3, "color": 0x102030}
    prompt = {
        "1": {"class_type": "EmptyImage", "inputs": picture},
        "2": runner("type_video.json", input_1=["1", 0]),
        "3": runner("type_video_use.json", input_1=["2", 0]),
        "4": {"class_type": "StubDigest", "inputs": {"image": ["3", 0]}},
        "5": {"class_type": "StubDigest", "inputs": {"image": ["1", 0]}},
        "6": {"class_type": "GetVideoComponents", "inputs": {"video": ["2", 0]}},
        "7": {"class_type": "StubDigest", "inputs": {"image": ["6", 0]}},
    }
    result, _ = await run_watched(client, prompt)
    assert result.outputs["4"] == result.outputs["5"] == result.outputs["7"]


async def test_internal_nodes_are_refused_in_a_file_and_in_what_is_connected(client, outer: Outer):
    loader = {"unique_id": "a", "run_dir": str(outer.base), "version": "a_b", "wanted": "{}"}
    node = {"class_type": "DiscomfortContextLoader", "inputs": loader}
    saved = json.loads((outer.workflows / "loop_text.json").read_text(encoding="utf-8"))
    saved["nodes"].append({"id": 99, "type": "DiscomfortContextLoader", "outputs": []})
    (outer.workflows / "theirs.json").write_text(json.dumps(saved), encoding="utf-8")
    with pytest.raises(ValidationFailed) as refused:
        prompt = {"1": runner("theirs.json", values="text = a"), "2": show(["1", 0])}
        await client.execute(prompt, timeout=30)
    assert "DiscomfortContextLoader" in told(refused.value)
    patch = {"class_type": "StubPatchModel", "inputs": {"model": ["1", 0], "strength": 1.0}}
    prompt = {"1": node, "2": patch, "3": runner("use_model.json", input_1=["2", 0])}
    with pytest.raises(NodeFailed, match="DiscomfortContextLoader"):
        await client.execute({**prompt, "4": show(["3", 0])}, timeout=90)


def downloaded(outer: Outer, name: str) -> str:
    """A saved workflow without ports; the name of its file."""
    nodes = [
        {
            "id": 1,
            "type": "EmptyImage",
            "title": "Paper",
            "widgets_values": [16, 8, 1, 255],
            "inputs": [],
            "outputs": [{"name": "IMAGE", "type": "IMAGE", "links": [1]}],
        },
        {
            "id": 2,
            "type": "PreviewImage",
            "title": "Picture",
            "inputs": [{"name": "images", "type": "IMAGE", "link": 1}],
            "outputs": [],
        },
    ]
    data = {"nodes": nodes, "links": [[1, 1, 0, 2, 0, "IMAGE"]], "version": 0.4}
    (outer.workflows / name).write_text(json.dumps(data))
    return name


async def test_workflow_without_ports_gives_what_it_shows_and_takes_addresses(client, outer: Outer):
    name = downloaded(outer, "downloaded.json")
    prompt = {
        "1": runner(name, values="Paper.width = 32\n1.height = 24"),
        "2": {"class_type": "StubDigest", "inputs": {"image": ["1", 0]}},
    }
    result, _ = await run_watched(client, prompt)
    assert result.outputs["2"]["shape"] == [[1, 24, 32, 3]]


async def test_an_address_that_cannot_be_used_is_refused_when_it_is_queued(client, outer: Outer):
    name = downloaded(outer, "misspelt.json")
    for values, says in (("Paper.widht = 3", "Did you mean 'width'"), ("No.such = 3", "'No.such'")):
        with pytest.raises(ValidationFailed) as caught:
            await run_watched(client, {"1": runner(name, values=values), "2": show(["1", 0])})
        assert says in told(caught.value)


async def test_an_input_that_is_given_nothing_has_what_the_file_has(client):
    prompt = {"1": runner("loop_text.json"), "2": show(["1", 0])}
    result, _ = await run_watched(client, prompt)
    assert result.outputs["2"]["text"] == ["."]  # the widget there is empty
