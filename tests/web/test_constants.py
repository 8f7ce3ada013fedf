"""What JavaScript and Python must agree on, and what holds the scripts of `web/` together.

The constants are read by running the module that has them: in node, or in the one that Playwright
brings along.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import playwright
import pytest
from custom_nodes.discomfort import NODE_CLASS_MAPPINGS
from custom_nodes.discomfort.editor.routes.ports import PORTS_PATH
from custom_nodes.discomfort.editor.routes.runs import PREFIX
from custom_nodes.discomfort.editor.run_nodes.limits import MAX_SOCKETS
from custom_nodes.discomfort.graph.node_classes.core_nodes import NOTES, REROUTES
from custom_nodes.discomfort.graph.ports import port_types
from custom_nodes.discomfort.graph.ports.connections import PORT_INPUT
from custom_nodes.discomfort.graph.ports.find_ports import PortMode
from custom_nodes.discomfort.graph.ports.port_types import ANY
from custom_nodes.discomfort.graph.workflow.model import PORT_TYPE, SUBGRAPH_INPUT, Mode
from custom_nodes.discomfort.records import report, table

ROOT = Path(__file__).resolve().parents[2]
WEB = ROOT / "web"
SCRIPTS = sorted(WEB.rglob("*.js"))
IMPORT = re.compile(r'^(?:import|export)\b[^;]*?\bfrom "([^"]+)";', re.MULTILINE)
PRINT = "import(process.argv[1]).then((all) => console.log(JSON.stringify({ ...all })))"


@pytest.fixture(scope="module")
def constants() -> dict[str, Any]:
    """All that web/lib/constants.js exports."""
    node = shutil.which("node") or str(Path(playwright.__file__).parent / "driver" / "node")
    path = (WEB / "lib" / "constants.js").as_uri()
    command = [node, "--input-type=module", "--eval", PRINT, path]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def inputs_of(kind: str) -> set[str]:
    """The names of all inputs of a node class, widgets too."""
    declared = NODE_CLASS_MAPPINGS[kind].INPUT_TYPES()
    return {*declared["required"], *declared.get("optional", {})}


def name_in(kind: str, name: str) -> str:
    """The name, if the node class has such an input."""
    assert name in inputs_of(kind), (kind, name)
    return name


def test_constants_are_those_of_python(constants):
    runner, loop = "DiscomfortTestRunner", "DiscomfortLoopExecutor"
    assert {runner, loop, PORT_TYPE} <= NODE_CLASS_MAPPINGS.keys()
    # In the open graph only: the type of events, and that of a slot without one.
    only_open = {"-1", "UNDEFINED"}
    assert {k: set(v) if isinstance(v, list) else v for k, v in constants.items()} == {
        "PORT_TYPE": PORT_TYPE,
        "RUNNER_TYPE": runner,
        "LOOP_TYPE": loop,
        "INTERNAL_CATEGORY": NODE_CLASS_MAPPINGS["DiscomfortFree"].CATEGORY,
        "UNIQUE_ID": name_in(PORT_TYPE, "unique_id"),
        "PORT_INPUT": name_in(PORT_TYPE, PORT_INPUT),
        "WORKFLOW": name_in(runner, "workflow"),
        "WORKFLOWS": name_in(loop, "workflows"),
        "SOCKETS": name_in(loop, name_in(runner, "sockets")),
        "INPUT_SOCKET": "input",
        "OUTPUT_SOCKET": "output",
        "PORTS_ROUTE": PORTS_PATH,
        "RUNS_ROUTE": PREFIX,
        "COLORS_SETTING": "Discomfort.Ports.Colors",
        "Mode": {mode.name: mode.name for mode in PortMode},
        "ANY": ANY,
        "COMBO": port_types.type_name(["a", "b"]),
        "ANY_NAMES": port_types._ANY_TYPES | only_open,
        "MUTED": Mode.MUTED,
        "BYPASSED": Mode.BYPASSED,
        "SUBGRAPH_INPUT": SUBGRAPH_INPUT,
        "REROUTES": REROUTES,
        "NOTES": NOTES,
        "RunStatus": {
            name: getattr(table, name)
            for name in ("RUNNING", "DONE", "FAILED", "INTERRUPTED", "LOST")
        },
    }


@pytest.mark.parametrize("kind", ["RUNNER_TYPE", "LOOP_TYPE"])
def test_sockets_that_the_class_declares_are_called_as_the_editor_expects(constants, kind):
    name = constants[kind]
    numbers = range(1, MAX_SOCKETS + 1)
    inputs, outputs = constants["INPUT_SOCKET"], constants["OUTPUT_SOCKET"]
    declared = {one for one in inputs_of(name) if one.startswith(f"{inputs}_")}
    assert declared == {f"{inputs}_{i}" for i in numbers}
    returned = [
        one for one in NODE_CLASS_MAPPINGS[name].RETURN_NAMES if one.startswith(f"{outputs}_")
    ]
    assert returned == [f"{outputs}_{i}" for i in numbers]


def test_setting_has_its_texts_in_the_translations(constants):
    texts = json.loads((ROOT / "locales" / "en" / "settings.json").read_text(encoding="utf-8"))
    assert texts.keys() == {constants["COLORS_SETTING"].replace(".", "_")}


def test_names_that_python_has_too_stand_in_one_script_only(constants):
    names = [value for key, value in constants.items() if key.endswith(("_TYPE", "_ROUTE"))]
    names += [constants[key] for key in ("UNIQUE_ID", "PORT_INPUT", "WORKFLOWS", "COLORS_SETTING")]
    assert len(names) == 9
    for name in names:
        having = [path.name for path in SCRIPTS if f'"{name}"' in path.read_text(encoding="utf-8")]
        assert having == ["constants.js"], name


def imports_of(path: Path) -> list[Path]:
    found = IMPORT.findall(path.read_text(encoding="utf-8"))
    return [(path.parent / name).resolve() for name in found]


def test_only_one_script_imports_those_of_comfyui():
    outside = {
        path.relative_to(WEB).as_posix()
        for path in SCRIPTS
        for imported in imports_of(path)
        if not imported.is_relative_to(WEB)
    }
    assert outside == {"lib/front_end.js"}
    assert all(p.is_file() for path in SCRIPTS for p in imports_of(path) if p.is_relative_to(WEB))


def test_report_carries_the_table_and_all_that_it_imports_in_order():
    carried = [WEB / name for name in report._SCRIPTS]
    assert carried[-1] == WEB / "runs" / "table.js"
    for i, path in enumerate(carried):
        assert set(imports_of(path)) <= set(carried[:i]), path.name
    needed = {imported for path in carried for imported in imports_of(path)}
    assert needed == set(carried[:-1])


def test_lock_file_and_settings_of_npm_name_no_registry():
    lock = json.loads((ROOT / "package-lock.json").read_text(encoding="utf-8"))
    asked = json.loads((ROOT / "package.json").read_text(encoding="utf-8"))["devDependencies"]
    assert lock["packages"][""]["devDependencies"] == asked
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in asked.values())
    assert not [name for name, package in lock["packages"].items() if "resolved" in package]
    assert "registry=" not in (ROOT / ".npmrc").read_text(encoding="utf-8")
