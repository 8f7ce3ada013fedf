"""Draws the house from its imports: `docs/architecture.svg`.

    python devtools/draw_architecture.py

A room is a package or a front door, on its floor of the table in `house.py`. A line is an import,
wider where more modules have it. Lines to `errors` and `system`, which nearly all use, are left
out. A test compares the file with what this makes.
"""

from __future__ import annotations

from collections import Counter
from html import escape

from house import FLOORS, LIBRARY, ROOT, find_relative, room_of

SAYS = {
    "__init__": "ComfyUI's door",
    "__main__": "python -m discomfort",
    "nodes": "the nodes people use",
    "cli": "the command line",
    "editor": "inside the user's ComfyUI",
    "sync": "the same without await",
    "discomfort": "the facade: run, plan, stream",
    "workflow_tools": "tools for workflows",
    "workflow_functions": "workflows as functions",
    "missing": "what is lacking, and fetching",
    "inspection": "what is in a workflow",
    "run": "one call of run()",
    "references": "models by recipe",
    "workflow_context": "save, load",
    "comfy_serverless": "the worker's door",
    "nodes_internal": "loader and saver",
    "events": "what scripts see",
    "context": "rooms of a context",
    "records": "what runs did",
    "finished_steps": "what need not run again",
    "store": "values in RAM and on disk",
    "worker": "the nested ComfyUI",
    "workflows": "read and prepare",
    "downloads": "files from elsewhere",
    "graph": "pure: convert, plan, stitch",
    "system": "config, folders, locks",
    "values": "pictures, JSON, types",
    "errors": "every exception",
}
WIDTH, ROOM_W, ROOM_H, FLOOR_H, TOP = 960, 196, 48, 84, 20
LEFT_OUT = {"errors", "system"}
STYLE = """
  text { font: 14px system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif; fill: #1d2733 }
  .says { font-size: 11.5px; fill: #5a6b7d }
  .room { fill: #f3f6f9; stroke: #8fa3b8 } .door { fill: #e3eefb; stroke: #5b8ac6 }
  .line { fill: none; stroke: #6f8aa8; stroke-opacity: .45 } .back { fill: #ffffff }
  @media (prefers-color-scheme: dark) {
    text { fill: #e4ebf2 } .says { fill: #9fb0c2 } .back { fill: #12181f }
    .room { fill: #1e2833; stroke: #4d6277 } .door { fill: #1d324d; stroke: #5b8ac6 }
    .line { stroke: #8fa9c6 }
  }
"""


def places() -> dict[str, tuple[float, float]]:
    """Each room's centre (x) and upper edge (y)."""
    found = {}
    for number, floor in enumerate(FLOORS):
        step = WIDTH / len(floor)
        for i, room in enumerate(floor):
            # Single rooms stand a little apart, so that lines pass beside them.
            shift = 0 if len(floor) > 1 else (-190, 0, 190)[(number + 1) % 3]
            found[room] = (step * (i + 0.5) + shift, TOP + number * FLOOR_H)
    return found


def draw() -> str:
    """The picture as SVG."""
    at = places()
    modules = Counter(room_of(path) for path in LIBRARY)
    links = Counter(
        (room_of(path), target.split(".")[0])
        for path in LIBRARY
        for target in {target for target, _ in find_relative(path)}
    )
    height = TOP * 2 + FLOOR_H * (len(FLOORS) - 1) + ROOM_H
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">',
        f"<title>Who imports whom</title><style>{STYLE}</style>",
        f'<rect class="back" width="{WIDTH}" height="{height}"/>',
    ]
    for (source, target), count in sorted(links.items()):
        if source != target and target not in LEFT_OUT:
            parts.append(_line(at[source], at[target], count))
    for room, (x, y) in at.items():
        parts.append(_room(room, x, y, modules[room]))
    return "\n".join([*parts, "</svg>\n"])


def _line(source: tuple[float, float], target: tuple[float, float], count: int) -> str:
    (x1, y1), (x2, y2) = source, target
    y1 += ROOM_H
    bend = (y2 - y1) / 2
    width = min(1 + count / 6, 5)
    return (
        f'<path class="line" stroke-width="{width:.1f}" '
        f'd="M{x1:.0f} {y1:.0f}C{x1:.0f} {y1 + bend:.0f} {x2:.0f} {y2 - bend:.0f} '
        f'{x2:.0f} {y2:.0f}"/>'
    )


def _room(room: str, x: float, y: float, modules: int) -> str:
    is_door = not (ROOT / room).is_dir()
    name = f"{room}.py" if is_door else f"{room}/  ({modules})"
    return (
        f'<rect class="{"door" if is_door else "room"}" x="{x - ROOM_W / 2:.0f}" y="{y:.0f}" '
        f'width="{ROOM_W}" height="{ROOM_H}" rx="8"/>'
        f'<text x="{x:.0f}" y="{y + 20:.0f}" text-anchor="middle">{escape(name)}</text>'
        f'<text class="says" x="{x:.0f}" y="{y + 37:.0f}" text-anchor="middle">'
        f"{escape(SAYS[room])}</text>"
    )


if __name__ == "__main__":
    (ROOT / "docs" / "architecture.svg").write_text(draw(), encoding="utf-8", newline="\n")
