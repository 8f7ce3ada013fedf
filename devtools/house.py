"""The table of the house: which packages and front doors there are, and who may import whom.

`tests/test_house.py` enforces it, `draw_architecture.py` draws it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

# From the top down: each may import what stands in a line below its own, and none beside or above
# it, functions' own imports counted. A package stands for all in it.
FLOORS = (
    ("__main__",),
    ("cli",),
    ("__init__",),
    ("nodes",),
    ("editor", "sync"),
    ("discomfort",),
    ("workflow_tools", "workflow_functions"),
    ("missing", "inspection"),
    ("run",),
    ("references",),
    ("workflow_context", "comfy_serverless", "nodes_internal", "events"),
    ("context", "records", "finished_steps"),
    ("store", "worker", "workflows", "downloads"),
    ("values",),
    ("graph",),
    ("system",),
    ("errors",),
)
# Narrower than the table: these know nothing but what stands here.
ONLY = {
    "store": {"system", "errors"},
    "worker": {"system", "errors"},
    "downloads": {"system", "errors"},
    "finished_steps": {"store", "system", "errors"},
    "graph": {"errors"},
}
# The same inside `graph`, from the bottom up.
GRAPH_FLOORS = (
    ("workflow",),
    ("packs",),
    ("node_classes",),
    ("prompt",),
    ("convert",),
    ("ports",),
    ("addresses",),
    ("markers",),
    ("plan",),
    ("step_key",),
    ("needs",),
    ("compose",),
    ("explain",),
)
# Folders of Python files that are no part of the library.
NOT_LIBRARY = {"tests", "bench", "examples", "devtools", "docs", "installation"}
ROOMS = {room for floor in FLOORS for room in floor}
PACKAGES = sorted(
    p.parent.name
    for p in ROOT.glob("*/__init__.py")
    if p.parent.name not in NOT_LIBRARY and not p.parent.name.startswith(".")
)
LIBRARY = sorted(
    [p for p in ROOT.glob("*.py") if p.name != "bootstrap.py"]
    + [p for name in PACKAGES for p in (ROOT / name).glob("**/*.py")]
)


def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), path.relative_to(ROOT).as_posix())


def find_imports(node: ast.AST, in_function: bool = False) -> Iterator[tuple[ast.stmt, bool]]:
    """Every import that runs, as (statement, whether it is inside a function)."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import | ast.ImportFrom):
            yield child, in_function
        elif not (isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test)):
            inside = in_function or isinstance(
                child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
            )
            yield from find_imports(child, inside)


def find_relative(path: Path) -> Iterator[tuple[str, bool]]:
    """(module of ours from the project's root, "graph.workflow.model", whether in a function)."""
    place = path.relative_to(ROOT).parent.parts
    for node, in_function in find_imports(parse(path)):
        if not isinstance(node, ast.ImportFrom) or node.level == 0:
            continue
        base = place[: len(place) - (node.level - 1)]
        module = ".".join([*base, *([node.module] if node.module else [])])
        for alias in node.names:
            inner = f"{module}.{alias.name}".lstrip(".")
            yield inner if is_module(inner) else module or "__init__", in_function


def is_module(name: str) -> bool:
    place = ROOT.joinpath(*name.split("."))
    return place.with_suffix(".py").is_file() or (place / "__init__.py").is_file()


def room_of(path: Path) -> str:
    """The package of a module, or its own name when it is at the root."""
    parts = path.relative_to(ROOT).parts
    return parts[0] if len(parts) > 1 else path.stem
