"""The sidebar tab "Discomfort" in the real front end, and the HTML report in the real browser."""

from __future__ import annotations

import itertools
import json
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import torch
from custom_nodes.discomfort.records.archive import records_dir
from custom_nodes.discomfort.records.history import History
from custom_nodes.discomfort.records.live_report import report_history
from support.front_end import Editor
from support.servers import own_data_folder

WORKFLOWS = Path(__file__).resolve().parents[2] / "test_workflows"
# Whatever is shown as HTML by mistake draws attention in two ways.
EVIL = '<img src=x onerror="window.hurt=1"></script><script>window.hurt=1</script>"\'&amp;'
PROBE = """() => ({
    hurt: window.hurt ?? null,
    images: document.querySelectorAll("img[src=x]").length,
})"""
# The least contrast of a text with what is behind it, below an element.
CONTRAST = """(selector) => {
    const ink = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
    const over = (colors) => {
        for (const color of colors) {
            ink.fillStyle = color;
            ink.fillRect(0, 0, 1, 1);
        }
        return [...ink.getImageData(0, 0, 1, 1).data].slice(0, 3);
    };
    const light = (rgb) => rgb.map((v) => v / 255)
        .map((v) => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
        .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
    const behind = (e) => e ? [...behind(e.parentElement), getComputedStyle(e).backgroundColor]
        : ["#fff"];
    const hasText = (e) => [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
    return Math.min(...[...document.querySelectorAll(`${selector} *`)]
        .filter((e) => hasText(e) && e.getClientRects().length)
        .map((e) => {
            const back = behind(e);
            const [a, b] = [light(over(back)), light(over([...back, getComputedStyle(e).color]))];
            return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        }));
}"""
UNHURT = {"hurt": None, "images": 0}


@pytest.fixture
def records(editor_server: tuple[str, Path]) -> Iterator[Path]:
    """The folder of records that the editor's ComfyUI shows; empty before and after the test.

    Tests of other files have left records there, and that ComfyUI may remove some by itself.
    """
    with pytest.MonkeyPatch.context() as patch:
        own_data_folder(patch, editor_server[1] / "data")
        shutil.rmtree(records_dir(), ignore_errors=True)
        yield records_dir()
        shutil.rmtree(records_dir(), ignore_errors=True)


class Script:
    """A script that runs a loop over a picture, as far as its history goes."""

    def __init__(self, title: str, records: Path | None):
        self.history = History(title)
        if records is not None:
            self.history.start_recording(root=records)
        self.steps = itertools.count(1)
        self.call = 0
        self.values: dict[str, Any] = {}

    def begin(self, iterations: int | None, *, name: str = "loop_image.json") -> Script:
        self.name = name
        data = json.loads((WORKFLOWS / "loop_image.json").read_text(encoding="utf-8"))
        self.history.note_workflow("abc123", name, data, False)
        self.call = self.history.new_call()
        self.history.note(
            {
                "k": "begin",
                "call": self.call,
                "t": 1e9,
                "iterations": iterations,
                "workflows": [name],
            }
        )
        return self

    def step(self, picture: bool = True, **outputs: Any) -> None:
        iteration = next(self.steps)
        version = f"v{iteration}_x"
        value = torch.full((1, 48, 64, 3), iteration / 20)
        cell = {"version": version, "type": "IMAGE", "bytes": value.nbytes}
        self.history.note({
            "k": "step", "call": self.call, "iteration": iteration, "name": self.name,
            "t": 1e9 + iteration, "seconds": 0.8 + iteration / 100, "nodes": 4, "cached": 1,
            "ram": value.nbytes, "disk": 0, "in": {"detail": {"v": 0.5}},
            "out": {"picture": cell, **{k: {"v": v} for k, v in outputs.items()}} if picture
            else {k: {"v": v} for k, v in outputs.items()},
        })  # fmt: skip
        if picture:
            self.values[version] = value
            if self.history.wants_picture(version):
                self.history.note_picture(version, value.nbytes, lambda: value)
            self.history.settle()

    def end(self, status: str = "done", error: str | None = None) -> None:
        where = {"iteration": next(self.steps), "name": self.name} if error else {}
        about = {"k": "end", "call": self.call, "t": 1e9 + 99, "status": status, "error": error}
        self.history.note({**about, **where})

    def report(self, path: Path) -> Path:
        return report_history(self.history, self.values.__getitem__, path)


@pytest_asyncio.fixture(loop_scope="session")
async def tab(editor: Editor, records: Path) -> AsyncIterator[Any]:
    """Opens the tab; closed again after the test, before the records that it shows are removed."""
    button = editor.page.get_by_role("button", name="Discomfort: runs from Python and in loops")

    async def open_tab() -> Any:
        await button.click()
        panel = editor.page.locator(".dr-panel")
        await panel.wait_for()
        return panel

    yield open_tab
    await editor.wait_for(
        "() => [...document.querySelectorAll('.dr-panel img')].every((image) => image.complete)"
    )
    if await editor.page.locator(".dr-panel").count():
        await button.click()


async def text_of(locator: Any) -> str:
    return " ".join((await locator.inner_text()).split())


# What is wider than its place, but for what scrolls and what only a screen reader is told.
CUT_OFF = """() => [...document.querySelectorAll(".dr-panel, .dr-panel *")]
    .filter((e) => e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).display !== "inline")
    .filter((e) => e.tagName !== "CAPTION" && !e.classList.contains("dr-scroll"))
    .map((e) => `${e.tagName} ${e.className} ${e.textContent}`)"""


@pytest.mark.usefixtures("records")
async def test_an_empty_tab_says_what_to_do(editor, tab):
    panel = await tab()
    await panel.get_by_text("No run is recorded yet.").wait_for()
    assert "record=True" in await text_of(panel)
    await panel.get_by_role("heading", name="Discomfort runs").wait_for()
    assert await editor.js(CUT_OFF) == []


async def test_nothing_is_cut_off_in_a_narrow_tab(editor, tab, records):
    title = "refine_the_picture_with_a_long_name_and_no_blank_in_it.py"
    error = f"NodeFailed: node 3 (ImageBlur): {title} is too blue for this picture"
    script = Script(title, records).begin(2, name="workflow_with_a_long_name_too.json")
    script.step(quality=0.5, prompt="a lighthouse at the shore in the evening light")
    script.end("failed", error)
    script.history.close()
    panel = await tab()
    await panel.locator(".dr-list button").wait_for()
    assert await editor.js(CUT_OFF) == []
    await panel.locator(".dr-list button").click()
    await panel.locator("tbody tr").nth(2).wait_for()
    await panel.get_by_role("heading", name="Discomfort runs").wait_for()
    assert await editor.js(CUT_OFF) == []
    table = await panel.locator(".dr-scroll").bounding_box()
    reason = await panel.locator(".dr-reason").bounding_box()
    assert reason["x"] + reason["width"] <= table["x"] + table["width"]


async def test_the_tab_lists_runs_and_shows_one_that_goes_on(editor, tab, records):
    old = Script("an old one", records).begin(1)
    old.step(quality=0.25)
    old.end("failed", "NodeFailed: node 3 (ImageBlur): too blue")
    old.history.close()
    new = Script("refine.py", records).begin(3)
    new.step(quality=0.5)
    try:
        panel = await tab()
        await panel.locator(".dr-list li").nth(1).wait_for()
        items = panel.locator(".dr-list button")
        listed = sorted([await text_of(items.nth(0)), await text_of(items.nth(1))])
        assert "an old one failed" in listed[0] and "refine.py running" in listed[1]
        assert "loop_image.json" in listed[1]

        await panel.get_by_role("button", name="refine.py").press("Enter")  # by keyboard alone
        rows = panel.locator("tbody tr")
        await rows.nth(0).wait_for()
        assert await rows.count() == 1
        image = panel.locator("tbody img")
        assert await image.get_attribute("alt") == "picture, iteration 1: picture, 64 \u00d7 48"
        await editor.wait_for(
            "() => document.querySelector('.dr-panel tbody img').naturalWidth === 64"
        )
        assert "detail 0.5" in await text_of(panel.locator(".dr-settings"))

        new.step(quality=0.75)
        await rows.nth(1).wait_for()
        assert "0.75" in await text_of(rows.nth(0))  # the newest first
        new.end()
        await panel.locator(".dr-status.dr-done").wait_for()

        await panel.get_by_role("button", name="All runs").click()
        await panel.get_by_role("button", name="an old one").click()
        await panel.locator(".dr-error").nth(1).wait_for()
        assert "too blue" in await text_of(panel.locator("tbody"))
    finally:
        new.history.close()


async def test_a_workflow_of_a_run_opens_in_the_canvas(editor, tab, records):
    script = Script("a run", records).begin(1)
    script.step()
    script.end()
    script.history.close()
    panel = await tab()
    await panel.get_by_role("button", name="a run").click()
    await panel.get_by_role("button", name="Open loop_image.json").press("Enter")
    await editor.wait_for("() => app.graph._nodes.some((n) => n.type === 'ImageScaleBy')")
    saved = json.loads((WORKFLOWS / "loop_image.json").read_text(encoding="utf-8"))
    shown = await editor.workflow()
    assert sorted(n["type"] for n in shown["nodes"]) == sorted(n["type"] for n in saved["nodes"])


async def test_a_run_that_is_over_can_be_saved_and_removed(editor, tab, records, tmp_path):
    script = Script("to go", records).begin(2)
    script.step()
    script.end()
    script.history.close()
    panel = await tab()
    await panel.get_by_role("button", name="to go").click()
    async with editor.page.expect_download() as waiting:
        await panel.get_by_role("link", name="Save report").click()
    path = tmp_path / "saved.html"
    await (await waiting.value).save_as(path)
    assert "data:image/jpeg" in path.read_text(encoding="utf-8")
    await panel.get_by_role("button", name="Remove", exact=True).click()
    assert len(list(records.iterdir())) == 1
    await panel.get_by_role("button", name="Really remove?").click()
    await panel.get_by_text("No run is recorded yet.").wait_for()
    assert list(records.iterdir()) == []


async def test_what_a_run_holds_stays_text_in_the_tab(editor, tab, records):
    script = Script(EVIL, records).begin(2, name=EVIL)
    script.step(picture=False, **{EVIL: EVIL, "other": "x"})
    script.step(picture=False, **{EVIL: "y", "other": EVIL})
    script.end("failed", EVIL)
    script.history.close()
    panel = await tab()
    await panel.locator(".dr-list button").click()
    await panel.locator("tbody tr").nth(2).wait_for()
    shown = await panel.inner_text()
    assert shown.count(EVIL) >= 5
    assert await editor.js(PROBE) == UNHURT


@pytest.mark.parametrize("palette", ["light", "dark"])
async def test_the_tab_can_be_read_in_light_and_dark(editor, tab, records, palette):
    for status in ("done", "failed", "interrupted"):
        script = Script(status, records).begin(1)
        script.step(quality=0.5)
        script.end(status, "NodeFailed: no" if status == "failed" else None)
        script.history.close()
    running = Script("at work", records).begin(2)
    running.step()
    await editor.set_setting("Comfy.ColorPalette", palette)
    try:
        panel = await tab()
        await panel.locator(".dr-list li").nth(3).wait_for()
        assert await editor.js(CONTRAST, ".dr-panel") >= 4.5
        await panel.get_by_role("button", name="failed").first.click()
        await panel.locator("tbody tr").nth(1).wait_for()
        assert await editor.js(CONTRAST, ".dr-panel") >= 4.5
    finally:
        await editor.set_setting("Comfy.ColorPalette", "dark")
        running.history.close()


async def test_errors_of_the_server_can_be_read(editor, tab, records):
    script = Script("gone", records).begin(1)
    script.step()
    script.end()
    script.history.close()
    panel = await tab()
    await panel.get_by_role("button", name="gone").click()
    await panel.locator("tbody tr").wait_for()
    shutil.rmtree(script.history.folder or Path())
    message = panel.get_by_role("alert")
    await message.get_by_text("There is no record").wait_for()
    await panel.get_by_role("button", name="All runs").click()
    await panel.get_by_text("No run is recorded yet.").wait_for()
    editor.problems.clear()  # the browser complains of each 404


async def test_a_browser_elsewhere_is_told_why_it_sees_no_runs(editor, tab, records):
    script = Script("private", records).begin(1)
    script.end()
    script.history.close()
    await editor.page.set_extra_http_headers({"X-Forwarded-For": "192.0.2.7"})
    try:
        panel = await tab()
        message = panel.get_by_role("alert")
        await message.get_by_text("Only the machine that ComfyUI runs on").wait_for()
        assert f"open ComfyUI as {editor.address}." in await text_of(message)
        assert await panel.locator("[aria-busy]").count() == 0
        assert "private" not in (await panel.locator(".dr-body").inner_text())
    finally:
        await editor.page.set_extra_http_headers({})
    editor.problems.clear()  # the browser complains of each 403


async def test_routes_answer_for_records_and_nothing_else(editor, records):
    script = Script("a run", records).begin(1)
    script.step()
    script.end()
    script.history.close()
    record_id = script.history.record_id
    ask = """async (path) => {
        const reply = await fetch("/api/discomfort/runs" + path);
        return [reply.status, (await reply.text()).slice(0, 200)];
    }"""
    assert (await editor.js(ask, f"/{record_id}?last=5"))[0] == 200
    assert (await editor.js(ask, f"/{record_id}/picture/v1_x"))[0] == 200
    for path in (
        "/%2e%2e", "/..%2f..%2fx", f"/{record_id}/workflow/%2e%2e%2frecord", "/x/picture/v1_x",
        f"/{record_id}/picture/v9", f"/{record_id}/workflow/record.jsonl",
    ):  # fmt: skip
        status, text = await editor.js(ask, path)
        assert status == 404 and "root" not in text, path
    assert (await editor.js(ask, f"/{record_id}?last=-1"))[0] == 400
    editor.problems.clear()  # the browser complains of each 404


# --- the report


async def open_report(browser: Any, path: Path, **options: Any) -> tuple[Any, list[str]]:
    context = await browser.new_context(offline=True, **options)
    page = await context.new_page()
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text))
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("request", lambda r: r.url.startswith(("file:", "data:")) or problems.append(r.url))
    await page.goto(path.as_uri())
    return page, problems


async def test_a_report_opens_from_disk_and_shows_the_rows(browser, tmp_path):
    script = Script("refine.py", None).begin(12)
    for i in range(12):
        script.step(quality=i / 10, caption=f"take {i}")
    script.end()
    page, problems = await open_report(browser, script.report(tmp_path / "run.html"))
    assert await page.title() == "refine.py"
    rows = page.locator("tbody tr")
    assert await rows.count() == 12
    assert await page.get_by_role("columnheader").all_inner_texts() == [
        "#", "picture", "quality", "caption", "time", "cached\nnodes", "memory"
    ]  # fmt: skip
    assert "take 3" in await text_of(rows.nth(3))
    assert await page.get_by_role("rowheader").nth(3).inner_text() == "4"
    images = page.locator("img")
    await images.nth(11).scroll_into_view_if_needed()
    await page.wait_for_function("[...document.images].at(-1).naturalWidth === 64")
    assert all([await images.nth(i).get_attribute("alt") for i in range(await images.count())])
    assert await page.get_by_role("img", name="quality: from 0 to 1.1").count() == 1
    async with page.expect_download() as waiting:
        await page.get_by_role("link", name="Save loop_image.json").click()
    saved = tmp_path / "saved.json"
    await (await waiting.value).save_as(saved)
    kept = json.loads(saved.read_text(encoding="utf-8"))
    assert kept == json.loads((WORKFLOWS / "loop_image.json").read_text(encoding="utf-8"))
    assert problems == []
    await page.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_a_report_can_be_read_on_light_dark_and_paper(browser, tmp_path, scheme):
    script = Script("refine.py", None).begin(1)
    script.step(quality=0.5)
    script.end("failed", "NodeFailed: no")
    page, _ = await open_report(browser, script.report(tmp_path / "r.html"), color_scheme=scheme)
    assert await page.evaluate(CONTRAST, "body") >= 4.5
    await page.emulate_media(media="print")
    assert await page.evaluate(CONTRAST, "body") >= 4.5
    style = "getComputedStyle(document.querySelector('.dr-scroll')).overflowY"
    assert await page.evaluate(style) == "visible"
    await page.context.close()


async def test_what_a_run_holds_stays_text_in_a_report(browser, tmp_path):
    script = Script(EVIL, None).begin(2, name=EVIL)
    script.step(picture=False, **{EVIL: EVIL, "other": "<!--<script>"})
    script.step(picture=False, **{EVIL: "y", "other": EVIL})
    script.end("failed", EVIL)
    page, problems = await open_report(browser, script.report(tmp_path / "run.html"))
    assert await page.title() == EVIL
    assert (await page.locator("main").inner_text()).count(EVIL) >= 5
    assert await page.evaluate(PROBE) == UNHURT
    assert problems == []
    await page.context.close()


async def test_a_report_of_a_thousand_iterations_can_be_used(browser, tmp_path):
    script = Script("long.py", None).begin(1000)
    for i in range(1000):
        script.step(quality=i / 1000)
    script.end()
    path = script.report(tmp_path / "run.html")
    page, problems = await open_report(browser, path)
    assert await page.locator("tbody tr").count() == 1000
    await page.locator("tbody tr").nth(999).scroll_into_view_if_needed()
    await page.wait_for_function("[...document.images].at(-1).naturalWidth === 64")
    # The head of the table stays in sight.
    head = await page.locator("thead th").first.bounding_box()
    assert head and 0 <= head["y"] < 400
    assert problems == []
    await page.context.close()
