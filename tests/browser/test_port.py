"""DiscomfortPort as a user of the editor sees and handles it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from custom_nodes.discomfort.workflow_tools import WorkflowTools
from support.front_end import Editor

pytestmark = pytest.mark.every_front_end

WORKFLOWS = Path(__file__).resolve().parents[2] / "test_workflows"
INPUT, OUTPUT, PASSTHRU = "INPUT", "OUTPUT", "PASSTHRU"
COLORS = {INPUT: "#1f5a41", OUTPUT: "#27497f", PASSTHRU: "#574a72"}


async def badge(editor: Editor, node_id: Any) -> str:
    """The badge of a port; "" when it shows none."""
    await editor.frame()
    is_vue = await editor.js("() => LiteGraph.vueNodesMode")
    texts = await editor.js(
        """(id) => findNode(id).badges.map((b) => (typeof b === "function" ? b() : b).text)""",
        node_id,
    )
    if is_vue and texts[-1]:
        node = editor.page.locator(f'[data-node-id="{node_id}"]')
        await node.get_by_text(texts[-1], exact=True).wait_for()
    return texts[-1]


async def slots(editor: Editor, node_id: Any) -> list[str]:
    """What the two slots of a port are called."""
    await editor.frame()
    found = await editor.js(
        """(id) => [findNode(id).inputs.find((i) => i.name === "input_data"),
                    findNode(id).outputs[0]].map((slot) => slot.label ?? slot.name)""",
        node_id,
    )
    if await editor.js("() => LiteGraph.vueNodesMode"):
        node = editor.page.locator(f'[data-node-id="{node_id}"]')
        for slot in found:
            await node.locator(".lg-slot").get_by_text(slot, exact=True).first.wait_for()
    return found


async def color(editor: Editor, node_id: Any) -> str | None:
    await editor.frame()
    return await editor.js("(id) => findNode(id).color", node_id)


async def chain(editor: Editor) -> tuple[int, int, int, int, int]:
    """INPUT -> invert -> PASSTHRU -> invert -> OUTPUT."""
    first = await editor.add("DiscomfortPort", (0, 0), unique_id="image")
    one = await editor.add("ImageInvert", (320, 0))
    middle = await editor.add("DiscomfortPort", (500, 0), unique_id="between")
    two = await editor.add("ImageInvert", (320, 200))
    last = await editor.add("DiscomfortPort", (500, 200), unique_id="image")
    await editor.connect(first, 0, one, "image")
    await editor.connect(one, 0, middle, "input_data")
    await editor.connect(middle, 0, two, "image")
    await editor.connect(two, 0, last, "input_data")
    return first, one, middle, two, last


async def test_a_port_shows_its_mode_and_type(drawn: Editor):
    first, _, middle, _, last = await chain(drawn)
    for port, mode in ((first, INPUT), (middle, PASSTHRU), (last, OUTPUT)):
        assert await badge(drawn, port) == mode
        assert await color(drawn, port) == COLORS[mode]
        assert await slots(drawn, port) == ["IMAGE", "IMAGE"]


async def test_an_unconnected_port_is_an_input_of_no_type(drawn: Editor):
    port = await drawn.add("DiscomfortPort", unique_id="anything")
    assert await badge(drawn, port) == INPUT
    assert await slots(drawn, port) == ["input_data", "output"]


async def test_the_mode_follows_when_a_link_is_cut(drawn: Editor):
    _, one, middle, two, last = await chain(drawn)
    await drawn.js("(id) => findNode(id).disconnectInput(0)", two)
    assert await badge(drawn, middle) == OUTPUT
    await drawn.js("(id) => findNode(id).disconnectOutput(0)", one)
    assert await badge(drawn, middle) == INPUT
    assert await slots(drawn, middle) == ["input_data", "output"]
    assert await badge(drawn, last) == OUTPUT


async def test_the_colour_of_a_port_is_on_the_canvas(editor: Editor):
    first, _, middle, _, last = await chain(editor)
    await editor.frame()
    for port, mode in ((first, INPUT), (middle, PASSTHRU), (last, OUTPUT)):
        pixel = await editor.js(
            """(id) => {
                const node = findNode(id), c = app.canvas, ratio = c.canvas.width /
                    c.canvas.getBoundingClientRect().width;
                const [x, y] = c.ds.convertOffsetToCanvas([node.pos[0] + 200, node.pos[1] - 20]);
                app.canvas.draw(true, true);
                const at = c.canvas.getContext("2d").getImageData(x * ratio, y * ratio, 1, 1).data;
                return [...at.slice(0, 3)];
            }""",
            port,
        )
        wanted = bytes.fromhex(COLORS[mode][1:])
        assert max(abs(a - b) for a, b in zip(pixel, wanted, strict=True)) <= 3, (mode, pixel)


async def test_an_empty_id_and_doubled_outputs_are_marked(drawn: Editor):
    source = await drawn.add("EmptyLatentImage", (0, 0))
    a = await drawn.add("DiscomfortPort", (320, 0), unique_id="latent")
    b = await drawn.add("DiscomfortPort", (320, 200), unique_id=" latent ")
    nameless = await drawn.add("DiscomfortPort", (0, 250))
    await drawn.connect(source, 0, a, "input_data")
    assert await badge(drawn, a) == OUTPUT
    await drawn.connect(source, 0, b, "input_data")
    assert await badge(drawn, a) == await badge(drawn, b) == "OUTPUT: latent is doubled"
    assert await badge(drawn, nameless) == "no unique_id"
    toast = drawn.page.get_by_text('More than one output port is called "latent"').first
    await toast.wait_for()
    await drawn.set_widget(b, "unique_id", "other")
    assert await badge(drawn, a) == await badge(drawn, b) == OUTPUT


async def title(editor: Editor, node_id: Any) -> str:
    """What stands in the header of a node."""
    await editor.frame()
    if not await editor.js("() => LiteGraph.vueNodesMode"):
        return await editor.js("(id) => findNode(id).getTitle()", node_id)
    return await editor.js(
        """(id) => {
            const node = document.querySelector(`[data-node-id="${id}"]`);
            const shown = node.querySelector('[data-testid="node-title"] .editable-text > span');
            const before = getComputedStyle(shown, "::before").content;
            return before === "none" ? shown.textContent.trim() : JSON.parse(before);
        }""",
        node_id,
    )


async def test_the_title_is_the_unique_id_also_of_a_collapsed_port(drawn: Editor):
    usual = await drawn.js("() => LiteGraph.registered_node_types.DiscomfortPort.title")
    unnamed = await drawn.add("DiscomfortPort", (0, 0))
    folded = await drawn.add("DiscomfortPort", (320, 0), unique_id='my "image" \\ 2')
    muted = await drawn.add("DiscomfortPort", (320, 200), unique_id="silent")
    own = await drawn.add("DiscomfortPort", (0, 200), unique_id="mask")
    await drawn.js("(id) => findNode(id).collapse()", folded)
    await drawn.js("(id) => { findNode(id).mode = 2 }", muted)
    await drawn.js("(id) => { findNode(id).title = 'My own' }", own)
    await drawn.frame()
    assert await title(drawn, unnamed) == usual
    assert await title(drawn, folded) == 'my "image" \\ 2'
    assert await title(drawn, muted) == "silent"
    assert await title(drawn, own) == "My own"
    await drawn.set_widget(folded, "unique_id", "picture")
    await drawn.set_widget(unnamed, "unique_id", "latent")
    assert (await title(drawn, folded), await title(drawn, unnamed)) == ("picture", "latent")
    # Neither a file nor a prompt says so.
    assert {n.get("title", usual) for n in (await drawn.workflow())["nodes"]} == {usual, "My own"}
    assert {n["_meta"]["title"] for n in (await drawn.prompt()).values()} == {usual, "My own"}


VUE_LOOK = """(id) => {
    const node = document.querySelector(`.lg-node[data-node-id="${id}"]`);
    const frame = getComputedStyle(node, "::before");
    const dots = ".lg-slot:not(.lg-slot--dot-only) .slot-dot";
    const colors = [...node.querySelectorAll(dots)].map((dot) => {
        const circle = dot.querySelector("circle");
        return circle ? getComputedStyle(circle).fill : getComputedStyle(dot).backgroundColor;
    });
    return {
        frame: frame.content === "none" ? null : frame.borderTopColor,
        dots: [...new Set(colors)],
    };
}"""
IS_LOOK = f"([id, wanted]) => JSON.stringify(({VUE_LOOK})(id)) === JSON.stringify(wanted)"
CSS_COLOR = """(type) => {
    const made = document.createElement("i");
    made.style.color = LGraphCanvas.link_type_colors[type];
    document.body.append(made);
    const { color } = getComputedStyle(made);
    made.remove();
    return color;
}"""


async def test_nodes_2_frame_wrong_ports_and_colour_linked_dots(editor: Editor):
    if not await editor.has_vue:
        pytest.skip("this front end draws nodes on the canvas only")
    async with editor.vue():
        source = await editor.add("EmptyLatentImage", (0, 0))
        a = await editor.add("DiscomfortPort", (320, 0), unique_id="latent")
        b = await editor.add("DiscomfortPort", (320, 220), unique_id="latent")
        given = await editor.add("DiscomfortPort", (0, 250), unique_id="picture")
        target = await editor.add("ImageInvert", (320, 450))
        await editor.connect(source, 0, a, "input_data")
        await editor.connect(source, 0, b, "input_data")
        await editor.connect(given, 0, target, "image")
        await badge(editor, b)
        red = "rgb(196, 69, 47)"
        latent, image = [await editor.js(CSS_COLOR, kind) for kind in ("LATENT", "IMAGE")]
        # Colours change little by little.
        for port in (a, b):
            await editor.wait_for(IS_LOOK, [port, {"frame": red, "dots": [latent]}])
        await editor.wait_for(IS_LOOK, [given, {"frame": None, "dots": [image]}])
        await editor.set_widget(b, "unique_id", "other")
        await editor.wait_for(IS_LOOK, [a, {"frame": None, "dots": [latent]}])
        # In a subgraph, another node may have the id that a port has outside.
        host = await make_subgraph(editor, given, target)
        ids = await editor.js("(id) => findNode(id).subgraph._nodes.map((n) => String(n.id))", host)
        enter = "(id) => app.canvas.openSubgraph(findNode(id).subgraph, findNode(id))"
        await editor.js(enter, host)
        await editor.wait_for("(id) => document.querySelector(`[data-node-id='${id}']`)", ids[0])
        for inside in ids:
            await editor.wait_for(IS_LOOK, [inside, {"frame": None, "dots": [image]}])
        await editor.js("() => app.canvas.setGraph(app.rootGraph ?? app.graph.rootGraph)")


async def test_one_id_on_an_input_and_an_output_is_not_marked(editor: Editor):
    first, _, _, _, last = await chain(editor)
    assert await editor.widget(first, "unique_id") == await editor.widget(last, "unique_id")
    assert (await badge(editor, first), await badge(editor, last)) == (INPUT, OUTPUT)


async def test_the_look_is_the_same_after_save_and_reload_and_is_not_in_the_file(editor: Editor):
    first, _, middle, _, last = await chain(editor)
    assert await badge(editor, last) == OUTPUT
    saved = await editor.save_and_reload("port")
    for node in saved["nodes"]:
        if node["type"] == "DiscomfortPort":
            assert not {"color", "bgcolor"} & set(node)
            assert [s["type"] for s in node["outputs"]] == ["*"]
            assert not any("label" in s or "color_on" in s for s in node["inputs"])
    for port, mode in ((first, INPUT), (middle, PASSTHRU), (last, OUTPUT)):
        assert await badge(editor, port) == mode
        assert await color(editor, port) == COLORS[mode]
        assert await slots(editor, port) == ["IMAGE", "IMAGE"]
    again = {node["id"]: node for node in (await editor.workflow())["nodes"]}
    assert {port: again[port] for port in (first, middle, last)} == {
        node["id"]: node for node in saved["nodes"] if node["type"] == "DiscomfortPort"
    }


async def test_a_colour_and_a_label_of_the_users_stay(editor: Editor):
    port = await editor.add("DiscomfortPort", unique_id="image")
    await editor.js(
        """(id) => { findNode(id).color = "#432"; findNode(id).outputs[0].label = "mine" }""", port
    )
    invert = await editor.add("ImageInvert", (320, 0))
    await editor.connect(port, 0, invert, "image")
    assert await slots(editor, port) == ["IMAGE", "mine"]
    assert await color(editor, port) == "#432"
    saved = next(n for n in (await editor.workflow())["nodes"] if n["id"] == port)
    assert saved["color"] == "#432"
    assert saved["outputs"][0]["label"] == "mine"


async def test_without_the_setting_a_port_has_no_colour(editor: Editor):
    port = await editor.add("DiscomfortPort", unique_id="image")
    assert await color(editor, port) == COLORS[INPUT]
    await editor.set_setting("Discomfort.Ports.Colors", False)
    try:
        assert not await color(editor, port)
        assert await badge(editor, port) == INPUT
    finally:
        await editor.set_setting("Discomfort.Ports.Colors", True)
    assert await color(editor, port) == COLORS[INPUT]


async def test_an_input_is_turned_into_a_port_from_the_menu(drawn: Editor):
    target = await drawn.add("EmptyLatentImage", (400, 100))
    await drawn.choose(target, "Turn input into a port", "width")
    port = await drawn.node_of("DiscomfortPort")
    assert await drawn.widget(port, "unique_id") == "width"
    assert await badge(drawn, port) == INPUT
    assert await slots(drawn, port) == ["INT", "INT"]
    assert (await drawn.prompt())[str(target)]["inputs"]["width"] == [str(port), 0]
    x, right = await drawn.js(
        "([p, t]) => [findNode(p).pos[0] + findNode(p).size[0], findNode(t).pos[0]]",
        [port, target],
    )
    assert x < right  # beside it


async def test_an_output_is_turned_into_a_port_from_the_menu(drawn: Editor):
    source = await drawn.add("EmptyLatentImage", (100, 100))
    await drawn.choose(source, "Turn output into a port", "LATENT")
    port = await drawn.node_of("DiscomfortPort")
    assert await drawn.widget(port, "unique_id") == "latent"
    assert await badge(drawn, port) == OUTPUT
    assert (await drawn.prompt())[str(port)]["inputs"]["input_data"] == [str(source), 0]


async def test_ports_made_from_the_menu_overlap_nothing_and_have_ids_of_their_own(editor: Editor):
    source = await editor.add("EmptyLatentImage", (400, 100))
    for _ in range(3):
        await editor.choose(source, "Turn output into a port", "LATENT")
    ids, boxes = await editor.js(
        """() => [app.graph._nodes.slice(1).map((n) => n.widgets[0].value),
                  app.graph._nodes.map((n) => [...n.pos, ...n.size])]"""
    )
    assert ids == ["latent", "latent_2", "latent_3"]
    for i, (x, y, w, h) in enumerate(boxes):
        for X, Y, W, H in boxes[:i]:
            assert x >= X + W or x + w <= X or y >= Y + H or y + h <= Y


async def test_turning_into_a_port_is_one_step_of_undo(editor: Editor):
    target = await editor.add("EmptyLatentImage", (400, 100))
    await editor.choose(target, "Turn input into a port", "width")
    port = await editor.node_of("DiscomfortPort")
    assert await badge(editor, port) == INPUT
    await editor.press("Control+z")
    await editor.wait_for("() => app.graph._nodes.length === 1")
    assert not isinstance((await editor.prompt())[str(target)]["inputs"]["width"], list)
    await editor.press("Control+y")
    await editor.wait_for("() => app.graph._nodes.length === 2")
    assert await badge(editor, port) == INPUT
    assert await slots(editor, port) == ["INT", "INT"]


async def make_subgraph(editor: Editor, *node_ids: int) -> int:
    """Ctrl+Shift+G; the id of the subgraph's node."""
    await editor.select(*node_ids)
    await editor.js("() => app.extensionManager.command.execute('Comfy.Graph.ConvertToSubgraph')")
    await editor.wait_for("() => app.graph._nodes.some((n) => n.subgraph)")
    return await editor.js("() => Number(app.graph._nodes.find((n) => n.subgraph).id)")


async def test_ports_in_a_subgraph_count_what_the_edge_really_connects(editor: Editor):
    first, one, middle, _, last = await chain(editor)
    host = await make_subgraph(editor, one, middle)
    inside = await editor.js(
        """(id) => Number(findNode(id).subgraph._nodes
            .find((n) => n.type === "DiscomfortPort").id)""",
        host,
    )
    within = f"{host}:{inside}"
    assert await badge(editor, within) == PASSTHRU
    assert await slots(editor, within) == ["IMAGE", "IMAGE"]
    assert await badge(editor, first) == INPUT
    assert await slots(editor, first) == ["IMAGE", "IMAGE"]
    await editor.js("(id) => findNode(id).disconnectOutput(0)", host)
    assert await badge(editor, within) == OUTPUT
    assert await badge(editor, last) == OUTPUT


async def test_a_port_in_two_instances_shows_the_modes_of_both(editor: Editor):
    _, one, middle, _, _ = await chain(editor)
    host = await make_subgraph(editor, one, middle)
    inside = await editor.js("(id) => Number(findNode(id).subgraph._nodes.at(-1).id)", host)
    within = f"{host}:{inside}"
    assert await badge(editor, within) == PASSTHRU
    assert await color(editor, within) == COLORS[PASSTHRU]
    other = await editor.add(await editor.js("(id) => findNode(id).type", host), (0, 300))
    assert await badge(editor, within) == "PASSTHRU / OUTPUT"
    assert not await color(editor, within)
    assert await slots(editor, within) == ["IMAGE", "IMAGE"]
    await editor.js("(id) => app.graph.remove(findNode(id))", other)
    assert await badge(editor, within) == PASSTHRU
    assert await color(editor, within) == COLORS[PASSTHRU]


async def test_rename_everywhere_reaches_subgraphs(editor: Editor):
    first, one, middle, two, last = await chain(editor)
    await editor.set_widget(middle, "unique_id", "image")
    host = await make_subgraph(editor, one, middle, two)
    inside = await editor.js(
        """(id) => Number(findNode(id).subgraph._nodes
            .find((n) => n.type === "DiscomfortPort").id)""",
        host,
    )
    await editor.choose(first, 'Rename "image" everywhere...')
    box = editor.page.get_by_role("dialog").locator("input")
    await box.fill("picture")
    await box.press("Enter")
    await editor.page.get_by_text('3 ports are now called "picture"').first.wait_for()
    for port in (first, last, f"{host}:{inside}"):
        assert await editor.widget(port, "unique_id") == "picture"
    await editor.press("Control+z")
    await editor.wait_for("(id) => app.graph.getNodeById(id)?.widgets[0].value === 'image'", first)
    assert await editor.widget(f"{host}:{inside}", "unique_id") == "image"  # and nothing else


async def test_known_ids_are_offered_while_typing(drawn: Editor):
    await drawn.add("DiscomfortPort", (0, 250), unique_id="completion_alpha")
    port = await drawn.add("DiscomfortPort", (0, 0))
    await drawn.frame()
    if await drawn.js("() => LiteGraph.vueNodesMode"):
        field = drawn.page.locator(f'[data-node-id="{port}"] input[aria-label="unique_id"]')
        await field.click()
    else:
        y = await drawn.js("(id) => findNode(id).widgets[0].last_y + 12", port)
        await drawn.page.mouse.click(*await drawn.place_of(port, 120, y))
        field = drawn.page.locator(".graphdialog input")
        await field.wait_for()
        await drawn.wait_for("() => document.activeElement.closest('.graphdialog')")
    offered = await field.evaluate("(f) => [...f.list.options].map((o) => o.value)")
    assert "completion_alpha" in offered
    # The list is the browser's own, outside the page; picking an entry does what `fill` does.
    await field.fill("completion_alpha")
    await field.press("Enter")
    await drawn.wait_for("(id) => findNode(id).widgets[0].value === 'completion_alpha'", port)
    if not await drawn.js("() => LiteGraph.vueNodesMode"):
        await drawn.press("Control+z")
        await drawn.wait_for("(id) => app.graph.getNodeById(id)?.widgets[0].value === ''", port)


async def test_other_fields_are_offered_no_ids(editor: Editor):
    port = await editor.add("DiscomfortPort", (0, 0), unique_id="x")
    await editor.frame()
    y = await editor.js("(id) => findNode(id).widgets[1].last_y + 12", port)
    await editor.page.mouse.click(*await editor.place_of(port, 120, y))
    await editor.wait_for("() => document.activeElement.closest('.graphdialog')")
    assert not await editor.js("() => document.activeElement.getAttribute('list')")
    await editor.page.keyboard.press("Escape")


async def test_a_copied_port_is_a_port_with_a_look_of_its_own(editor: Editor):
    source = await editor.add("EmptyLatentImage", (0, 0))
    port = await editor.add("DiscomfortPort", (320, 0), unique_id="latent", tags="a, b")
    await editor.connect(source, 0, port, "input_data")
    await editor.select(port)
    await editor.press("Control+c")
    await editor.press("Control+v")
    await editor.wait_for("() => app.graph._nodes.length === 3")
    copy = await editor.js("() => Number(app.graph._nodes[2].id)")
    assert await badge(editor, copy) == INPUT  # without its link
    assert await slots(editor, copy) == ["input_data", "output"]
    assert await editor.widget(copy, "tags") == "a, b"
    assert await badge(editor, port) == OUTPUT


@pytest.mark.parametrize("keys", ["Control+b", "Control+m"])
async def test_a_bypassed_or_muted_port_has_no_mode_and_counts_for_nothing(
    editor: Editor, keys: str
):
    source = await editor.add("EmptyLatentImage", (0, 0))
    port = await editor.add("DiscomfortPort", (320, 0), unique_id="latent")
    twin = await editor.add("DiscomfortPort", (320, 200), unique_id="latent")
    for each in (port, twin):
        await editor.connect(source, 0, each, "input_data")
    assert await badge(editor, twin) == "OUTPUT: latent is doubled"
    await editor.select(port)
    await editor.press(keys)
    assert await badge(editor, port) == ""
    assert not await color(editor, port)
    assert await badge(editor, twin) == OUTPUT
    await editor.select(port)
    await editor.press(keys)
    assert await badge(editor, port) == "OUTPUT: latent is doubled"


async def test_what_is_behind_a_muted_node_is_not_connected(editor: Editor):
    _, one, middle, two, last = await chain(editor)
    await editor.select(two)
    await editor.press("Control+m")
    assert await badge(editor, middle) == OUTPUT
    assert await badge(editor, last) == INPUT
    await editor.press("Control+m")
    await editor.press("Control+b")  # passes on what it gets
    assert await badge(editor, middle) == PASSTHRU
    assert await badge(editor, last) == OUTPUT


async def test_a_workflow_with_ports_runs_by_hand_and_passes_values_through(editor: Editor):
    text = await editor.add("StringConcatenate", (0, 0), string_a="from ", string_b="here")
    middle = await editor.add("DiscomfortPort", (320, 0), unique_id="text")
    both = await editor.add("StringConcatenate", (620, 0), string_b="!")
    last = await editor.add("DiscomfortPort", (920, 0), unique_id="result")
    show = await editor.add("PreviewAny", (920, 200))
    await editor.connect(text, 0, middle, "input_data")
    await editor.connect(middle, 0, both, "string_a")
    await editor.connect(both, 0, last, "input_data")
    await editor.connect(last, 0, show, "source")
    assert await badge(editor, middle) == PASSTHRU
    entry = await editor.queue()
    assert entry["status"]["status_str"] == "success"
    assert entry["outputs"][str(show)]["text"] == ["from here!"]


def python_ports(path: Path) -> dict[str, tuple[str, str]] | None:
    """`{node_id: (mode, type)}` as Python finds them; None when it refuses the file."""
    try:
        found = WorkflowTools().discover_ports(json.loads(path.read_text(encoding="utf-8")))
    except ValueError:
        return None
    groups = {"inputs": INPUT, "outputs": OUTPUT, "passthrus": PASSTHRU}
    return {
        str(port["node_id"]): (mode, port["type"])
        for group, mode in groups.items()
        for port in found[group].values()
    }


async def test_the_editor_sees_what_python_sees(editor: Editor):
    """Each port that Python names in a file has the same mode and type here."""
    compared = 0
    kinds = ("mode", "type", "subgraph", "reroute", "muted", "bypassed", "pair")
    for path in sorted(WORKFLOWS.glob("*.json")):
        if not path.stem.startswith(kinds):
            continue
        workflow = json.loads(path.read_text(encoding="utf-8"))
        wanted = python_ports(path)
        if "nodes" not in workflow or not wanted:
            continue
        seen = await editor.js(
            """async (workflow) => {
                const { findPorts } = await import("/extensions/discomfort/ports/find_ports.js");
                await app.loadGraphData(workflow, true, false);
                const found = findPorts(app.rootGraph ?? app.graph);
                return Object.fromEntries(found.map((p) => [p.id, [p.mode, p.type]]));
            }""",
            workflow,
        )
        for node_id, port in wanted.items():
            assert tuple(seen[node_id]) == port, (path.name, node_id)
            compared += 1
    assert compared > 50
