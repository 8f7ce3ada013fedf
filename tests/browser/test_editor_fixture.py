"""The ways of the tests in this folder, used once: what they report is what happens."""

from __future__ import annotations

import pytest
from support.front_end import Editor

pytestmark = pytest.mark.every_front_end


async def test_a_workflow_built_in_the_editor_runs_from_the_button(editor: Editor):
    number = await editor.add("PrimitiveInt", (0, 0), value=7)
    show = await editor.add("PreviewAny", (300, 0))
    await editor.connect(number, 0, show, "source")
    entry = await editor.queue()
    assert entry["status"]["status_str"] == "success"
    assert entry["outputs"][str(show)]["text"] == ["7"]


async def test_a_workflow_is_the_same_after_save_and_reload(editor: Editor):
    number = await editor.add("PrimitiveInt", (10, 20), value=3)
    saved = await editor.save_and_reload("fixture")
    again = await editor.workflow()
    assert [node["id"] for node in saved["nodes"]] == [number]
    assert again["nodes"] == saved["nodes"]


async def test_a_complaint_of_a_file_of_ours_is_noted(editor: Editor):
    await editor.js("() => console.warn('from /extensions/discomfort/any.js')")
    await editor.js("() => console.warn('from somebody else')")
    await editor.wait_for("() => true")
    assert [p for p in editor.problems if "any.js" in p] == editor.problems != []
    editor.problems.clear()


async def test_a_page_with_changes_can_be_left_and_opened_again(editor: Editor):
    await editor.add("PrimitiveInt", (0, 0), value=7)
    await editor.frame()
    await editor.leave()
    assert editor.is_left
    await editor.come_back()
    assert not editor.is_left
    await editor.start_blank()
    assert (await editor.workflow())["nodes"] == []
