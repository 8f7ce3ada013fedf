"""DiscomfortTestRunner and DiscomfortLoopExecutor as a person uses them in the editor."""

from __future__ import annotations

import json

import numpy
from PIL import Image
from support.runner_nodes import (
    choose,
    chosen,
    ended,
    run,
    says,
    shows_pictures,
    sockets,
    sockets_are,
)


async def test_a_chosen_workflow_gives_a_runner_its_ports_and_another_one_others(drawn):
    node = await chosen(drawn, "loop_text.json", ["text"], ["text", "length"])
    found = await sockets(drawn, node)
    assert found["inputs"] == [["input_1", "text", "STRING"]]
    assert found["outputs"] == [["output_1", "text", "STRING"], ["output_2", "length", "INT"]]
    picture = await drawn.add("EmptyImage")
    await drawn.set_widget(node, "workflow", "type_image.json")
    await sockets_are(drawn, node, ["picture"], ["inverted"])
    await drawn.connect(picture, "IMAGE", node, "input_1")
    prompt = await drawn.prompt()
    assert prompt[str(node)]["inputs"]["input_1"] == [str(picture), 0]
    known = json.loads(prompt[str(node)]["inputs"]["sockets"])
    assert known == {"inputs": ["picture"], "outputs": ["inverted"]}


async def test_sockets_and_links_survive_a_copy_the_api_format_and_a_reload(editor):
    node = await chosen(editor, "type_image.json", ["picture"], ["inverted"])
    picture = await editor.add("EmptyImage")
    preview = await editor.add("PreviewImage", (900, 40))
    await editor.connect(picture, "IMAGE", node, "input_1")
    await editor.connect(node, 0, preview, "images")
    before = await editor.prompt()
    await editor.select(node)
    await editor.press("Control+c")
    await editor.press("Control+v")
    await editor.wait_for("() => app.graph._nodes.length === 4")
    copy = await editor.js("() => Number(app.graph._nodes.at(-1).id)")
    await sockets_are(editor, copy, ["picture"], ["inverted"])
    await editor.js("(id) => app.graph.remove(findNode(id))", copy)

    await editor.js("(prompt) => app.loadApiJson(prompt, 'prompt.json')", before)
    await editor.wait_for("() => app.graph._nodes.length === 3")
    await sockets_are(editor, node, ["picture"], ["inverted"])
    again = await editor.prompt()
    assert {k: v["inputs"] for k, v in again.items()} == {k: v["inputs"] for k, v in before.items()}

    written = await editor.save_and_reload("runner saved")
    await sockets_are(editor, node, ["picture"], ["inverted"])
    assert await editor.prompt() == again
    (kept,) = (n for n in (await editor.workflow())["nodes"] if n["id"] == node)
    (had,) = (n for n in written["nodes"] if n["id"] == node)
    assert kept["widgets_values"] == had["widgets_values"]
    # Front ends before 1.28 write the sockets of widgets first, or last.
    assert {s["name"] for s in kept["inputs"]} == {s["name"] for s in had["inputs"]}


async def test_a_model_that_nothing_here_uses_is_left_to_the_nested_ones(editor):
    ports = ["clip", "model", "vae"]
    node = await editor.add("DiscomfortTestRunner")
    await editor.set_widget(node, "workflow", "load_model.json")
    await editor.wait_for("(id) => findNode(id).outputs.length === 3", node)
    save = await editor.add("PreviewAny", (600, 0))
    known = json.loads((await editor.prompt())[str(node)]["inputs"]["sockets"])
    assert sorted(known["elsewhere"]) == ports
    slot = known["outputs"].index("model")
    await editor.connect(node, slot, save, "source")
    known = json.loads((await editor.prompt())[str(node)]["inputs"]["sockets"])
    assert sorted(known["elsewhere"]) == ["clip", "vae"]


async def test_the_runner_runs_from_the_button_and_shows_the_picture(drawn):
    image = await drawn.add("LoadImage", (40, 40), image="gradient.png")
    node = await chosen(drawn, "type_image.json", ["picture"], ["inverted"])
    preview = await drawn.add("PreviewImage", (800, 40))
    await drawn.connect(image, "IMAGE", node, "input_1")
    await drawn.connect(node, 0, preview, "images")
    entry = await ended(drawn, await run(drawn))
    assert entry["status"]["status_str"] == "success", entry["status"]
    for shown in (node, preview):
        (picture,) = entry["outputs"][str(shown)]["images"]
        pixels = numpy.asarray(Image.open(drawn.base / "temp" / picture["filename"]))
        original = numpy.asarray(Image.open(drawn.base / "input" / "gradient.png"))
        difference = numpy.abs(pixels.astype(int) - (255 - original.astype(int)))
        assert difference.max() <= 1  # PreviewImage rounds down
        await shows_pictures(drawn, shown)


async def test_the_loop_is_chosen_run_and_seen_at_work_and_can_be_interrupted(drawn):
    image = await drawn.add("LoadImage", (40, 40), image="gradient.png")
    node = await drawn.add("DiscomfortLoopExecutor", (420, 40), iterations=3, collect="batch")
    await choose(drawn, node, "add a workflow", "enhance.json")
    inputs = ["picture", "detail", "tone", "tone_amount"]
    await sockets_are(drawn, node, inputs, ["picture"])
    assert await drawn.widget(node, "workflows") == "enhance.json"
    await drawn.set_widget(node, "values", "detail = 0.3\ntone = overlay\ntone_amount = 0.2")
    await drawn.connect(image, "IMAGE", node, "input_1")
    entry = await ended(drawn, await run(drawn))
    assert entry["status"]["status_str"] == "success", entry["status"]
    assert len(entry["outputs"][str(node)]["images"]) == 3
    await shows_pictures(drawn, node, 3)

    await drawn.set_widget(node, "iterations", 100_000)
    await drawn.set_widget(node, "collect", "last")
    prompt_id = await run(drawn)
    await says(drawn, node, "Iteration (?!1 )\\d+ of 100000")
    await drawn.page.get_by_role("button", name="Cancel current run").click()
    entry = await ended(drawn, prompt_id)
    assert entry["status"]["messages"][-1][0] == "execution_interrupted"


async def test_the_cancel_button_stops_what_runs_inside_and_the_next_one_works(editor):
    node = await chosen(editor, "sleep.json", ["seconds"], ["number"])
    show = await editor.add("PreviewAny", (900, 40))
    await editor.connect(node, 0, show, "source")
    await editor.set_widget(node, "values", "seconds = 600")
    prompt_id = await run(editor)
    await says(editor, node, "StubSleep [1-9]\\d*/30000")
    await editor.page.get_by_role("button", name="Cancel current run").click()
    entry = await ended(editor, prompt_id)
    assert entry["status"]["messages"][-1][0] == "execution_interrupted"
    assert entry["outputs"] == {}
    await editor.set_widget(node, "values", "seconds = 0.1")  # in the same nested ComfyUI
    entry = await ended(editor, await run(editor))
    assert entry["outputs"][str(show)]["text"] == ["0"]


async def test_what_is_wrong_is_told_when_run_is_clicked(editor):
    await chosen(editor, "type_image.json", ["picture"], ["inverted"])
    async with editor.page.expect_response(lambda r: r.url.endswith("/prompt")) as waiting:
        await editor.page.get_by_test_id("queue-button").first.click()
    answer = await (await waiting.value).json()
    assert "the input 'picture' (IMAGE) has no value" in json.dumps(answer)
