"""What the editor shows beside the node: texts, help page, examples, search words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from custom_nodes.discomfort import NODE_CLASS_MAPPINGS, NODE_DISPLAY_NAME_MAPPINGS
from custom_nodes.discomfort.graph.workflow.parse import parse_workflow
from support.front_end import Editor

ROOT = Path(__file__).resolve().parents[2]
KIND = "DiscomfortPort"
OURS = NODE_CLASS_MAPPINGS.keys()


async def get(editor: Editor, path: str) -> Any:
    """What a route of the server answers, as JSON or text."""
    return await editor.js(
        """async (path) => {
            const answer = await fetch(path);
            if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
            const text = await answer.text();
            return path.endsWith(".md") ? text : JSON.parse(text);
        }""",
        path,
    )


def texts_of(kind: str) -> dict[str, Any]:
    """The texts of a node class in the form of ComfyUI's nodeDefs.json."""
    node = NODE_CLASS_MAPPINGS[kind]
    inputs = {k: v for group in node.INPUT_TYPES().values() for k, v in group.items()}
    return {
        "display_name": NODE_DISPLAY_NAME_MAPPINGS[kind],
        "description": node.DESCRIPTION,
        "inputs": {k: {"name": k, "tooltip": v[1]["tooltip"]} for k, v in inputs.items()},
        "outputs": {
            str(i): {"name": name, "tooltip": tip}
            for i, (name, tip) in enumerate(
                zip(node.RETURN_NAMES, node.OUTPUT_TOOLTIPS, strict=True)
            )
        },
    }


async def test_the_translations_say_what_the_node_says(editor: Editor):
    served = await get(editor, "/i18n")
    assert served["en"]["nodeDefs"][KIND] == texts_of(KIND)
    setting = served["en"]["settings"]["Discomfort_Ports_Colors"]
    shown = await editor.js(
        "() => app.extensionManager.setting.settings['Discomfort.Ports.Colors']"
    )
    assert (setting["name"], setting["tooltip"]) == (shown["name"], shown["tooltip"])


async def test_the_node_has_tooltips_and_where_known_search_words(editor: Editor):
    info = (await get(editor, f"/object_info/{KIND}"))[KIND]
    assert info["category"] == "discomfort"
    assert info["output_tooltips"]
    if "search_aliases" in (await get(editor, "/object_info/KSampler"))["KSampler"]:
        assert "discomfort" in info["search_aliases"]


async def test_internal_nodes_are_in_no_search_and_no_menu(editor: Editor):
    internal = [name for name in OURS if NODE_CLASS_MAPPINGS[name].CATEGORY.endswith("/internal")]
    assert len(internal) == 4
    await editor.js("() => app.extensionManager.command.execute('Workspace.SearchBox.Toggle')")
    await editor.wait_for("() => document.activeElement.tagName === 'INPUT'")
    await editor.page.keyboard.type("discomfort")
    await editor.wait_for("() => document.body.innerText.includes('Folder Image Loader')")
    assert "(internal)" not in await editor.js("() => document.body.innerText")
    await editor.page.keyboard.press("Escape")
    hidden = "(names) => names.map((n) => Boolean(LiteGraph.registered_node_types[n].skip_list))"
    assert all(await editor.js(hidden, internal))
    assert not any(await editor.js(hidden, [name for name in OURS if name not in internal]))


async def test_the_help_page_is_where_the_editor_looks_for_it(editor: Editor):
    text = await get(editor, f"/extensions/discomfort/docs/{KIND}.md")
    assert text.startswith("# Discomfort Port")
    for mode in ("INPUT", "OUTPUT", "PASSTHRU"):
        assert mode in text


async def test_the_info_button_of_each_node_shows_its_page(editor: Editor):
    """Its first heading, and no table that Markdown did not make one."""
    pages = {page.stem: page for page in (ROOT / "web" / "docs").glob("*.md")}
    assert pages.keys() == (await get(editor, "/i18n"))["en"]["nodeDefs"].keys() & OURS
    for kind, page in pages.items():
        node = await editor.add(kind, (100, 100))
        await editor.frame()
        await editor.select(node)
        await editor.frame()
        await editor.page.get_by_test_id("info-button").first.click()
        text = page.read_text(encoding="utf-8")
        shown = editor.page.locator(".node-help-content")
        await shown.get_by_role("heading", name=text.splitlines()[0][2:]).first.wait_for()
        assert "|---" not in await shown.inner_text()
        await editor.js("(id) => app.graph.remove(findNode(id))", node)
    # The editor asks for a translation first.
    asked = [p for p in editor.problems if "404" in p and p.rstrip(")").endswith("/en.md")]
    assert asked == editor.problems
    editor.problems.clear()


async def test_the_templates_show_a_card_with_a_picture_for_each_example(editor: Editor):
    await editor.js("() => app.extensionManager.command.execute('Comfy.BrowseTemplates')")
    dialog = editor.page.get_by_role("dialog").first
    await dialog.get_by_text("discomfort", exact=True).first.click()
    for path in (ROOT / "example_workflows").glob("*.json"):
        await dialog.get_by_text(path.stem, exact=True).first.scroll_into_view_if_needed()
        await editor.wait_for(
            """(name) => [...document.querySelectorAll("[role=dialog] img")]
                .some((image) => image.alt === name && image.naturalWidth > 300)""",
            path.stem,
        )
    await dialog.get_by_text("Ports in a loop").first.click()
    await editor.wait_for("() => app.graph._nodes.some((n) => n.type === 'DiscomfortPort')")


async def test_every_example_is_listed_has_a_picture_and_opens(editor: Editor):
    names = (await get(editor, "/api/workflow_templates"))["discomfort"]
    files = {path.stem for path in (ROOT / "example_workflows").glob("*.json")}
    assert files
    assert files == set(names)
    for name in names:
        assert (ROOT / "example_workflows" / f"{name}.jpg").is_file(), name
        workflow = await get(editor, f"/api/workflow_templates/discomfort/{name}.json")
        parse_workflow(workflow)
        await editor.load(workflow)
        kinds = await editor.js("() => app.graph._nodes.map((n) => n.type)")
        assert kinds == [node["type"] for node in workflow["nodes"]], name


def test_the_files_for_the_editor_are_valid_json():
    for path in (ROOT / "locales").rglob("*.json"):
        assert json.loads(path.read_text(encoding="utf-8")), path
