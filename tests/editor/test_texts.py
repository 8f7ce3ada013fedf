"""What the editor shows beside the nodes: help pages, names, example workflows."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from custom_nodes.discomfort import NODE_CLASS_MAPPINGS, NODE_DISPLAY_NAME_MAPPINGS
from custom_nodes.discomfort.editor.run_nodes.constants import parse_values
from custom_nodes.discomfort.workflow_tools import WorkflowTools

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
NAMES = json.loads((ROOT / "locales" / "en" / "nodeDefs.json").read_text(encoding="utf-8"))
NODES = (
    "DiscomfortTestRunner",
    "DiscomfortLoopExecutor",
    "DiscomfortFolderImageLoader",
    "DiscomfortImageDescriber",
)


def widgets_of(name: str) -> dict[str, tuple]:
    declared = NODE_CLASS_MAPPINGS[name].INPUT_TYPES()
    found = {**declared["required"], **declared.get("optional", {})}
    return {
        key: spec
        for key, spec in found.items()
        if not key.startswith("input_") and key != "sockets"
    }


@pytest.mark.parametrize("name", NODES)
def test_every_setting_has_a_name_a_tooltip_and_a_line_of_help(name):
    page = (ROOT / "web" / "docs" / f"{name}.md").read_text(encoding="utf-8")
    assert page.startswith(f"# {NODE_DISPLAY_NAME_MAPPINGS[name]}\n")
    assert NAMES[name]["display_name"] == NODE_DISPLAY_NAME_MAPPINGS[name]
    assert set(NAMES[name]["inputs"]) == set(widgets_of(name))
    for widget, spec in widgets_of(name).items():
        assert spec[1]["tooltip"], widget
        assert widget in page


@pytest.mark.parametrize("name", NODES[:2])
def test_what_is_said_of_blanks_and_comments_in_values_is_so(name):
    page = (ROOT / "web" / "docs" / f"{name}.md").read_text(encoding="utf-8")
    for said in (widgets_of(name)["values"][1]["tooltip"], " ".join(page.split())):
        (quoted,) = re.findall(r"Blanks at both ends .* quotes keep them: `(.*?)`", said)
        assert parse_values(f"# no = 1\nplain =  go \n{quoted}") == {"plain": "go", "text": "go "}
        assert "begins with # is a comment" in said.replace("`", "")


@pytest.mark.parametrize("name", NODES)
def test_every_node_has_a_category_a_description_and_aliases(name):
    kind = NODE_CLASS_MAPPINGS[name]
    assert (
        kind.CATEGORY == "discomfort" and kind.DESCRIPTION and "discomfort" in kind.SEARCH_ALIASES
    )
    outputs = NAMES[name].get("outputs", {})
    assert len(outputs) in (0, len(kind.RETURN_TYPES))


@pytest.mark.parametrize(
    "path", sorted((ROOT / "example_workflows").glob("*.json")), ids=lambda path: path.stem
)
def test_every_example_has_a_picture_and_runs_workflows_that_there_are(path: Path):
    assert path.with_suffix(".jpg").is_file()
    nodes = json.loads(path.read_text(encoding="utf-8"))["nodes"]
    runners = [n for n in nodes if n["type"] in NODES[:2]]
    is_first = f"example_workflows/{path.name}" in README  # a script's, which needs no port
    assert runners or is_first or any(n["type"] == "DiscomfortPort" for n in nodes)
    for node in runners:
        for name in node["widgets_values"][0].split():
            inner = ROOT / "examples" / "workflows" / name
            found = WorkflowTools().discover_ports(inner)
            labels = {s["label"] for s in node["inputs"] if s["name"].startswith("input_")}
            assert labels == set(found["inputs"])
