"""DiscomfortTestRunner and DiscomfortLoopExecutor as a person uses them in the editor."""

from __future__ import annotations

import asyncio
import json
import shutil
import time
from pathlib import Path
from typing import Any

import numpy
import pytest
from front_end import Editor
from PIL import Image

PROJECT = Path(__file__).resolve().parents[2]
PATIENCE_S = 180  # the first run starts a ComfyUI, beside a browser that draws without a GPU

SOCKETS = """(id) => {
    const node = findNode(id);
    const list = (slots) => (slots ?? []).filter((s) => !s.widget)
        .map((s) => [s.name, s.label ?? s.name, s.type]);
    return { inputs: list(node.inputs), outputs: list(node.outputs) };
}"""


@pytest.fixture(scope="session")
def saved(editor_server: tuple[str, Path]) -> Path:
    """The user's saved workflows, and a picture."""
    _, base = editor_server
    folder = base / "user" / "default" / "workflows"
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("loop_text.json", "type_image.json", "load_model.json"):
        shutil.copy(PROJECT / "test_workflows" / name, folder)
    y, x = numpy.mgrid[0:192, 0:256]
    pixels = numpy.stack([x, y * 4 // 3, 255 - x], axis=-1).astype(numpy.uint8)
    Image.fromarray(pixels).save(base / "input" / "gradient.png")
    return folder


async def sockets(editor: Editor, node_id: Any) -> dict[str, Any]:
    return await editor.js(SOCKETS, node_id)


async def sockets_are(editor: Editor, node_id: Any, inputs: list[str], outputs: list[str]) -> None:
    """Wait until a node shows these ports."""
    await editor.wait_for(
        """([id, inputs, outputs]) => {
            const labels = (slots) => slots.filter((s) => /^(in|out)put_\\d+$/.test(s.name))
                .map((s) => s.label);
            const node = findNode(id);
            return JSON.stringify([labels(node.inputs), labels(node.outputs)])
                === JSON.stringify([inputs, outputs]);
        }""",
        [node_id, inputs, outputs],
    )


async def chosen(editor: Editor, workflow: str, *ports: list[str]) -> int:
    """A runner with that workflow, when it shows its ports."""
    node = await editor.add("DiscomfortTestRunner", (420, 40))
    await editor.set_widget(node, "workflow", workflow)
    await sockets_are(editor, node, *ports)
    return node


async def run(editor: Editor) -> str:
    """Click Run; the prompt's id. The first run starts the nested ComfyUI, which takes a while."""
    async with editor.page.expect_response(
        lambda r: r.url.endswith("/prompt") and r.request.method == "POST"
    ) as waiting:
        await editor.page.get_by_test_id("queue-button").first.click()
    answer = await (await waiting.value).json()
    assert "prompt_id" in answer, answer
    return answer["prompt_id"]


async def ended(editor: Editor, prompt_id: str) -> dict[str, Any]:
    """The history entry of a prompt."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        entry = await editor.js(
            "async (id) => (await (await fetch(`/history/${id}`)).json())[id]", prompt_id
        )
        if entry is not None:
            return entry
        await asyncio.sleep(0.1)
    raise AssertionError(f"the prompt did not end within {PATIENCE_S} s")


async def test_a_chosen_workflow_gives_a_runner_its_ports_and_another_one_others(editor, saved):
    node = await chosen(editor, "loop_text.json", ["text"], ["text", "length"])
    found = await sockets(editor, node)
    assert found["inputs"] == [["input_1", "text", "STRING"]]
    assert found["outputs"] == [["output_1", "text", "STRING"], ["output_2", "length", "INT"]]
    picture = await editor.add("EmptyImage")
    await editor.set_widget(node, "workflow", "type_image.json")
    await sockets_are(editor, node, ["picture"], ["inverted"])
    await editor.connect(picture, "IMAGE", node, "input_1")
    prompt = await editor.prompt()
    assert prompt[str(node)]["inputs"]["input_1"] == [str(picture), 0]
    known = json.loads(prompt[str(node)]["inputs"]["sockets"])
    assert known == {"inputs": ["picture"], "outputs": ["inverted"]}


async def test_sockets_and_links_survive_copies_undo_the_api_format_and_a_reload(editor, saved):
    node = await chosen(editor, "type_image.json", ["picture"], ["inverted"])
    picture = await editor.add("EmptyImage")
    preview = await editor.add("PreviewImage", (900, 40))
    await editor.connect(picture, "IMAGE", node, "input_1")
    await editor.connect(node, 0, preview, "images")
    before = await editor.prompt()
    await editor.js(
        "(id) => { app.canvas.copyToClipboard([findNode(id)]); app.canvas.pasteFromClipboard() }",
        node,
    )
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


async def test_a_model_that_nothing_here_uses_is_left_to_the_nested_ones(editor, saved):
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


async def test_the_runner_runs_from_the_button_and_shows_the_picture(editor, saved):
    image = await editor.add("LoadImage", (40, 40), image="gradient.png")
    node = await chosen(editor, "type_image.json", ["picture"], ["inverted"])
    preview = await editor.add("PreviewImage", (800, 40))
    await editor.connect(image, "IMAGE", node, "input_1")
    await editor.connect(node, 0, preview, "images")
    entry = await ended(editor, await run(editor))
    assert entry["status"]["status_str"] == "success", entry["status"]
    for shown in (node, preview):
        (picture,) = entry["outputs"][str(shown)]["images"]
        pixels = numpy.asarray(Image.open(editor.base / "temp" / picture["filename"]))
        original = numpy.asarray(Image.open(editor.base / "input" / "gradient.png"))
        difference = numpy.abs(pixels.astype(int) - (255 - original.astype(int)))
        assert difference.max() <= 1  # PreviewImage rounds down
        await editor.wait_for("(id) => findNode(id).imgs?.length === 1", shown)


async def test_the_loop_is_chosen_run_and_seen_at_work_and_can_be_interrupted(editor, saved):
    image = await editor.add("LoadImage", (40, 40), image="gradient.png")
    node = await editor.add("DiscomfortLoopExecutor", (420, 40), iterations=3, collect="batch")
    await editor.set_widget(node, "add a workflow", "enhance.json")
    inputs = ["picture", "detail", "tone", "tone_amount"]
    await sockets_are(editor, node, inputs, ["picture"])
    assert await editor.widget(node, "workflows") == "enhance.json"
    await editor.set_widget(node, "values", "detail = 0.3\ntone = overlay\ntone_amount = 0.2")
    preview = await editor.add("PreviewImage", (820, 40))
    await editor.connect(image, "IMAGE", node, "input_1")
    await editor.connect(node, 1, preview, "images")
    entry = await ended(editor, await run(editor))
    assert entry["status"]["status_str"] == "success", entry["status"]
    assert len(entry["outputs"][str(preview)]["images"]) == 3
    await editor.wait_for("(id) => findNode(id).imgs?.length === 3", preview)

    await editor.set_widget(node, "iterations", 100_000)
    await editor.set_widget(node, "collect", "last")
    prompt_id = await run(editor)
    await editor.wait_for(
        """(id) => findNode(id).widgets.some(
            (w) => /^Iteration \\d+ of 100000/.test(w.value) && !w.value.includes(" 1 of"))""",
        node,
    )
    await editor.js("() => app.extensionManager.command.execute('Comfy.Interrupt')")
    entry = await ended(editor, prompt_id)
    assert entry["status"]["messages"][-1][0] == "execution_interrupted"


async def test_what_is_wrong_is_told_when_run_is_clicked(editor, saved):
    await chosen(editor, "loop_text.json", ["text"], ["text", "length"])
    async with editor.page.expect_response(lambda r: r.url.endswith("/prompt")) as waiting:
        await editor.page.get_by_test_id("queue-button").first.click()
    answer = await (await waiting.value).json()
    assert "the input 'text' (STRING) has no value" in json.dumps(answer)
