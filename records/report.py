"""A run as one HTML file that needs nothing else: no network, no other file, no server.

The table is drawn by the same JavaScript as in the sidebar tab, which the file carries.
"""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..system.config import PACKAGE_DIR
from ..system.files import check_free, write_file

_WEB = PACKAGE_DIR / "web"
# table.js and all that it imports, each after those that it imports itself.
_SCRIPTS = (
    "lib/constants.js",
    "runs/elements.js",
    "runs/formats.js",
    "runs/status.js",
    "runs/curve.js",
    "runs/cells.js",
    "runs/table.js",
)
_IMPORT = re.compile(r"^import\b[^;]*;\n", re.MULTILINE)
# Whatever a value may hold: the page loads nothing and sends nothing.
_POLICY = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
    "base-uri 'none'; form-action 'none'"
)

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
{style}</style>
</head>
<body>
<main id="run"></main>
<noscript>This report draws its table with JavaScript, which is switched off here.</noscript>
<footer>Made by Discomfort. This file holds all it shows; nothing is loaded or sent.</footer>
<script type="application/json" id="data">{data}</script>
<script type="module">
{script}
const data = JSON.parse(document.getElementById("data").textContent);
const saved = (name) => name.replace(/\\.[^.]*$/, "") + ".json";
document.getElementById("run").append(renderRun(data.view, {{
  pictureUrl: (version) => data.pictures[version] ?? null,
  workflowAction: (workflow) => {{
    const text = data.workflows[workflow.digest];
    if (text === undefined) return null;
    const href = "data:application/json;charset=utf-8," + encodeURIComponent(text);
    return make("a", {{ href, download: saved(workflow.name) }}, "Save " + workflow.name);
  }},
}}));
</script>
</body>
</html>
"""


def make_report(
    view: Mapping[str, Any],
    pictures: Mapping[str, bytes],
    workflows: Mapping[str, Mapping[str, Any]],
) -> str:
    """The HTML of a report.

    Args:
        view: what `build_view` gives, with all its rows.
        pictures: version -> JPEG.
        workflows: digest -> the workflow, to be saved from the page.
    """
    data = {
        "view": view,
        "pictures": {
            version: "data:image/jpeg;base64," + base64.b64encode(picture).decode("ascii")
            for version, picture in pictures.items()
        },
        "workflows": {digest: json.dumps(data) for digest, data in workflows.items()},
    }
    style = _read("runs/table.css") + _read("runs/report.css")
    return _PAGE.format(
        policy=html.escape(_POLICY),
        title=html.escape(str(view.get("title") or "run")),
        style=style,
        data=_in_script(data),
        script=_join_scripts(),
    )


def _join_scripts() -> str:
    """The modules as one, in which they need not import each other."""
    return "".join(_IMPORT.sub("", _read(name)) for name in _SCRIPTS)


def _read(name: str) -> str:
    return (_WEB / name).read_text(encoding="utf-8")


def _in_script(data: Any) -> str:
    """JSON that ends no script element and begins no comment, whatever it holds."""
    return re.sub("[<>&]", lambda m: f"\\u{ord(m.group()):04x}", json.dumps(data))


def write_report(path: str | Path, text: str) -> Path:
    """Write it, readable by its owner alone until its owner shares it. The folder is made."""
    path = Path(path)
    check_free(path, overwrite=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_file(path, lambda file: file.write(text.encode()), is_private=True)
    return path
