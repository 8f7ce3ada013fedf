"""The rules of the house, enforced on the source of every module.

Who may import whom, what a ComfyUI folder and a pip installation both need, what a library leaves
to its users (prints, handlers), and what keeps the graph package pure.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest
from house import (
    FLOORS,
    GRAPH_FLOORS,
    LIBRARY,
    ONLY,
    PACKAGES,
    ROOMS,
    ROOT,
    find_imports,
    find_relative,
    parse,
    room_of,
)
from support.programs import PROGRAMS

DOORS = ROOMS | {"bootstrap"}
# Where ComfyUI's own modules may be imported, inside functions.
KNOW_COMFYUI = ("editor/host/", "worker/launch/inside_comfyui.py", "nodes_internal.py")

COMFYUI_MODULES = {
    "comfy",
    "comfy_api",
    "comfy_execution",
    "comfy_extras",
    "execution",
    "folder_paths",
    "latent_preview",
    "nodes",
    "server",
}
TAKEN_NAMES = {"app", "api", "comfy", "utils", "server", "execution"}
# What a module without input, output and logging has no use for.
IMPURE_MODULES = {
    "asyncio",
    "ctypes",
    "io",
    "logging",
    "mmap",
    "multiprocessing",
    "os",
    "pathlib",
    "shutil",
    "socket",
    "subprocess",
    "tempfile",
    "threading",
    "time",
}


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


every_module = pytest.mark.parametrize("path", LIBRARY, ids=name_of)
every_graph_module = pytest.mark.parametrize(
    "path", [p for p in LIBRARY if ROOT / "graph" in p.parents], ids=name_of
)


def is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def find_absolute(path: Path):
    """(name of a module that is imported absolutely, whether inside a function)."""
    for node, in_function in find_imports(parse(path)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, in_function
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.module or "", in_function


def floor_of(room: str, floors: tuple[tuple[str, ...], ...]) -> int:
    return next(i for i, rooms in enumerate(floors) if room in rooms)


def modules_and_imports() -> dict[str, set[str]]:
    """Each module -> the modules of ours that it imports, anywhere in it."""
    return {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): {
            target for target, _ in find_relative(path)
        }
        for path in LIBRARY
    }


def test_the_walk_sees_the_library():
    names = {name_of(path) for path in LIBRARY}
    assert {"__init__.py", "errors.py", "graph/workflow/model.py"} <= names
    assert "graph.workflow.model" in modules_and_imports()["graph.workflow.parse"]


def test_the_root_shows_the_front_doors_and_nothing_else():
    in_root = {path.stem for path in ROOT.glob("*.py")}
    packages = set(PACKAGES)
    assert in_root == DOORS - packages
    assert packages == DOORS - in_root


@every_module
def test_imports_within_the_house_follow_the_table(path):
    room = room_of(path)
    floor = floor_of(room, FLOORS)
    for module, _ in find_relative(path):
        target = module.split(".")[0]
        if target == room:
            continue
        assert floor < floor_of(target, FLOORS), f"{room} must not import {module}"
        if room in ONLY:
            assert target in ONLY[room], f"{room} must not import {module}"


@every_graph_module
def test_imports_within_graph_follow_its_order(path):
    parts = path.relative_to(ROOT / "graph").with_suffix("").parts
    if parts == ("__init__",):
        return
    floor = floor_of(parts[0], GRAPH_FLOORS)
    for module, _ in find_relative(path):
        room, *rest = module.split(".")
        if room == "graph" and rest[0] != parts[0]:
            assert floor > floor_of(rest[0], GRAPH_FLOORS), f"graph/{parts[0]} imports {module}"


def test_no_modules_import_each_other_in_a_circle():
    TopologicalSorter(modules_and_imports()).prepare()  # its error names the circle


@every_module
def test_every_import_of_ours_is_relative(path):
    # Under ComfyUI's loader this package has a path for a name: only relative imports find it.
    own = {room_of(p) for p in LIBRARY} | {"discomfort", "custom_nodes"}
    # Inside a function, `nodes` and `server` are ComfyUI's.
    absolute = {
        name
        for name, in_function in find_absolute(path)
        if name.split(".")[0] in own and not (in_function and name.split(".")[0] in COMFYUI_MODULES)
    }
    assert not absolute


@every_module
def test_modules_of_comfyui_are_imported_in_their_places_and_inside_functions(path):
    for name, in_function in find_absolute(path):
        if name.split(".")[0] in COMFYUI_MODULES:
            assert name_of(path).startswith(KNOW_COMFYUI), f"{name_of(path)} imports {name}"
            assert in_function, f"{name_of(path)} imports {name} when it is loaded"


@every_graph_module
def test_graph_is_pure(path):
    imported = {name.split(".")[0] for name, _ in find_absolute(path)}
    assert imported <= set(sys.stdlib_module_names)
    assert not imported & IMPURE_MODULES
    calls = {ast.unparse(n.func) for n in ast.walk(parse(path)) if isinstance(n, ast.Call)}
    assert not calls & {"open", "print", "input"}


@every_module
def test_the_library_prints_nothing_and_installs_no_log_handler(path):
    calls = {ast.unparse(n.func) for n in ast.walk(parse(path)) if isinstance(n, ast.Call)}
    assert "print" not in calls
    if name_of(path) == "cli/log.py":  # of a program, which shows the log to its user
        return
    assert not {c for c in calls if c.endswith(("basicConfig", "addHandler"))}


@every_module
def test_logger_names_are_fixed(path):
    # Inside ComfyUI __name__ is a file path, so a logger named after it can't be configured.
    for node in ast.walk(parse(path)):
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("getLogger"):
            name = node.args[0] if node.args else None
            assert isinstance(name, ast.Constant), ast.unparse(node)
            assert str(name.value).split(".")[0] in ("discomfort", "aiohttp"), ast.unparse(node)


@every_module
def test_no_package_or_top_module_has_a_name_that_comfyui_owns(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    assert parts[0] not in TAKEN_NAMES
    assert not TAKEN_NAMES & set(parts[:-1])


@pytest.mark.parametrize(
    "path",
    sorted(
        p for p in ROOT.glob("**/*.py") if not {".venv", "build", "node_modules"} & set(p.parts)
    ),
    ids=name_of,
)
def test_source_survives_a_western_windows_encoding(path):
    # A tool on Windows that reads a source without naming an encoding reads cp1252.
    path.read_text(encoding="utf-8").encode("cp1252")


@every_module
def test_every_module_says_what_it_is_for(path):
    assert ast.get_docstring(parse(path)), f"{name_of(path)} has no docstring"


@pytest.mark.parametrize(
    "path", [ROOT / "bootstrap.py", *sorted(ROOT.glob("installation/*.py"))], ids=name_of
)
def test_what_sets_up_a_bare_clone_needs_nothing_that_is_installed(path):
    imported = {name.split(".")[0] for name, _ in find_absolute(path)}
    assert imported <= set(sys.stdlib_module_names)
    finder = "worker.launch.find_comfyui"
    assert {m for m, _ in find_relative(path) if not m.startswith("installation.")} <= {finder}
    # What the finder takes from this package is as bare.
    folders = ROOT / "system" / "user_folders.py"
    assert {m for m, _ in find_relative(ROOT / "worker" / "launch" / "find_comfyui.py")} == {
        "system.user_folders"
    }
    assert not list(find_relative(folders))
    assert {name for name, _ in find_absolute(folders)} <= set(sys.stdlib_module_names)
    assert ast.get_docstring(parse(path))


def test_importing_the_package_loads_nothing_heavy():
    done = subprocess.run(
        [sys.executable, str(PROGRAMS / "import_the_package.py"), str(ROOT)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "True []"
