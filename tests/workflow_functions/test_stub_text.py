"""The text of stubs: whatever a workflow holds, it parses, runs nothing, and is laid out."""

from __future__ import annotations

import ast
import importlib.util
import subprocess
import sys
from pathlib import Path

from custom_nodes.discomfort.inspection.inspection import Inspection
from custom_nodes.discomfort.inspection.model import InspectedPort, Limits
from custom_nodes.discomfort.workflow_functions.read_shape import read_shape
from custom_nodes.discomfort.workflow_functions.stub_text import (
    StubFunction,
    module_text,
    stub_text,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.servers import skip_or_fail

PIECES = [
    '"""', "'''", "\n", "\\", "*/", "#", "\u202e", "\x00", "\ud800", '"', "'", "{", "}", "\r", "\t",
    "class", "self", "__class__", "a b", "1st", "\u7528\u9014", "\ufb01le", "é", "\U0001f600", " ",
    "_t", "_f", "property", "int", "None", "__debug__", "# fmt: skip", "# type: ignore", "\\N{",
]  # fmt: skip
TEXTS = st.one_of(
    st.text(max_size=30),
    st.lists(st.sampled_from(PIECES), max_size=6).map("".join),
    st.text(alphabet="abcdefgh_", min_size=1, max_size=130),
    st.text(alphabet="\u7528\u9014ab\u306e", min_size=1, max_size=70),
    st.text(alphabet="ab \"'\\", min_size=1, max_size=130),
)
VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), TEXTS, st.lists(TEXTS, max_size=2)
)
KINDS = [
    "INT",
    "FLOAT",
    "STRING",
    "BOOLEAN",
    "COMBO",
    "IMAGE",
    "INT,FLOAT",
    "MODEL",
    "ANY",
    "LATENT",
]
PORTS = st.builds(
    InspectedPort,
    name=TEXTS,
    mode=st.sampled_from(["input", "output"]),
    type=st.one_of(st.sampled_from(KINDS), TEXTS),
    source=st.just(""),
    node_ids=st.just(()),
    titles=st.just(()),
    default=VALUES,
    has_default=st.booleans(),
    needs_value=st.booleans(),
    limits=st.builds(
        Limits,
        minimum=VALUES,
        maximum=VALUES,
        step=VALUES,
        choices=st.one_of(st.none(), st.lists(VALUES, max_size=5).map(tuple)),
    ),
    tags=st.lists(TEXTS, max_size=2).map(tuple),
    is_list=st.booleans(),
)
INSPECTIONS = st.builds(Inspection, name=TEXTS, ports=st.lists(PORTS, max_size=8).map(tuple))
WORKFLOWS = st.lists(st.tuples(INSPECTIONS, TEXTS), min_size=1, max_size=3)


def texts_of(found: list[tuple[Inspection, str]]) -> tuple[str, str]:
    functions = [StubFunction(file, "00", read_shape([one])) for one, file in found]
    return stub_text(functions, "discomfort", {"MODEL"}), module_text(functions, "discomfort")


def inspection(*ports: InspectedPort, name: str = "a.json") -> Inspection:
    return Inspection(name, ports=ports)


def an_input(name: str, kind: str = "INT", **more) -> InspectedPort:
    return InspectedPort(name, "input", kind, "", (), (), **more)


def test_whatever_a_workflow_holds_becomes_names_and_literals(tmp_path):
    made: list[tuple[str, str]] = []

    @settings(
        max_examples=150,
        deadline=None,
        database=None,
        suppress_health_check=(HealthCheck.too_slow, HealthCheck.data_too_large),
    )
    @given(WORKFLOWS)
    def make(found):
        stub, module = texts_of(found)
        for text in (stub, module):
            text.encode()
            assert all(c.isprintable() or c == "\n" for c in text)
        assert_harmless_stub(ast.parse(stub, feature_version=(3, 10)))
        assert_harmless_module(ast.parse(module, feature_version=(3, 10)))
        made.append((stub, module))

    make()
    for number, (stub, module) in enumerate(made):
        (tmp_path / f"m{number}.pyi").write_text(stub, encoding="utf-8")
        (tmp_path / f"m{number}.py").write_text(module, encoding="utf-8")
    for length in (80, 100):
        assert_formatted(tmp_path, length)


def assert_formatted(folder: Path, length: int) -> None:
    if importlib.util.find_spec("ruff") is None:
        skip_or_fail("ruff is not installed: `python bootstrap.py check` installs it")
    command = [sys.executable, "-m", "ruff", "format", "--isolated", "--no-cache", "--diff"]
    command += ["--line-length", str(length), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[:3000] + done.stderr[-500:]


def assert_harmless_stub(tree: ast.Module) -> None:
    """Nothing but imports of ours, types, and definitions whose bodies are docstrings."""
    for node in tree.body[1:]:
        if isinstance(node, ast.ClassDef):
            for member in node.body[1:]:
                assert_definition(member)
        elif isinstance(node, ast.AnnAssign):
            assert isinstance(node.value, ast.Subscript)
            assert ast.unparse(node.value.value) == "_t.Literal"
            assert isinstance(node.value.slice, ast.Tuple)
            assert all(map(is_constant, node.value.slice.elts))
        elif isinstance(node, ast.Import):
            assert node.names[0].name.split(".")[0] in ("typing", "discomfort")
        else:
            assert_definition(node)


def assert_definition(node: ast.stmt) -> None:
    assert isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    assert len(node.body) == 1 and ast.get_docstring(node) is not None
    assert {ast.unparse(d) for d in node.decorator_list} <= {"property", "_t.overload"}
    assert all(default is None or is_constant(default) for default in node.args.kw_defaults)


def is_constant(node: ast.expr) -> bool:
    """A literal, or a number below zero."""
    return isinstance(node.operand if isinstance(node, ast.UnaryOp) else node, ast.Constant)


def assert_harmless_module(tree: ast.Module) -> None:
    _, imported, folder, files, *functions = tree.body
    assert ast.unparse(imported) == "from pathlib import Path as _Path"
    assert ast.unparse(folder) == "_FOLDER = _Path(__file__).resolve().parent"
    assert isinstance(files, ast.Assign) and isinstance(files.value, ast.Dict)
    assert all(isinstance(value, ast.Constant) for value in files.value.values)
    for function in functions[1:]:
        assert isinstance(function, ast.FunctionDef) and not function.args.defaults
        called = ast.unparse(function.body[1])
        assert called == f"return _load(discomfort, '{function.name}')"


def test_ten_thousand_choices_are_text():
    many = Limits(choices=tuple(f"choice {i}" for i in range(10_000)))
    stub, _ = texts_of([(inspection(an_input("mode", "COMBO", limits=many)), "a.json")])
    assert "mode: _f.TextInput" in stub and "(10000 in all)" in stub and len(stub) < 5000


def test_choices_are_literals_and_files_are_text():
    modes = Limits(choices=("b", "a", 'say "x"', 3, True))
    files = Limits(choices=("a.safetensors", "b.safetensors"))
    one = inspection(
        an_input("mode", "COMBO", limits=modes, default="a", has_default=True),
        an_input("model", "COMBO", limits=files, default="c.ckpt", has_default=True),
        an_input("odd", "COMBO", limits=modes, default="gone", has_default=True),
    )
    stub, _ = texts_of([(one, "a.json")])
    assert '    "b",\n    "a",\n    \'say "x"\',\n    3,\n    True,\n]' in stub
    assert 'mode: _A_mode = "a",' in stub and 'model: _f.TextInput = "c.ckpt",' in stub
    assert "odd: _A_odd = ...," in stub, "no default that its own type refuses"
    assert "a.safetensors" not in stub, "files are others on every machine"


def test_what_is_no_default_of_its_type_is_left_open():
    for kind, value in [("INT", 1.5), ("INT", True), ("FLOAT", float("inf")), ("STRING", "x" * 50)]:
        one = inspection(an_input("x", kind, default=value, has_default=True))
        assert " = ...," in texts_of([(one, "a.json")])[0]


def test_the_same_names_are_told_apart():
    def names(*files: str) -> list[str]:
        stub, module = texts_of([(inspection(name=file), file) for file in files])
        tree = ast.parse(stub)
        classes = [node.name for node in tree.body if isinstance(node, ast.ClassDef)]
        assert len(classes) == len(set(classes)) == 3 * len(files)
        found = [n.name for n in ast.parse(module).body if isinstance(n, ast.FunctionDef)][1:]
        made = dict.fromkeys(n.name for n in tree.body if isinstance(n, ast.FunctionDef))
        assert list(made) == found and len(set(found)) == len(files)
        return found

    assert names("a.json", "a.png", "A.json", "aResults.json", "ASync.json")[:2] == ["a", "a_"]
    assert names("int.json", "class.json", "print.json") == ["int_", "class_", "print_"]
    assert names("Enhance.json", "enhance.json", "EnhanceResults.json")


def test_a_port_may_be_called_as_what_the_class_itself_uses():
    names = ("property", "_f", "_t", "int", "self", "keys", "files", "a")
    outs = [InspectedPort(n, "output", "INT", "", (), ()) for n in names]
    stub, _ = texts_of([(inspection(*outs, *(an_input(n) for n in names)), "a.json")])
    for name in ("property_", "f", "t", "int", "self", "keys_", "files_", "a"):
        assert f"    def {name}(self) -> _f.Int:" in stub
    assert (
        "        _self,\n        /,\n        *,\n" in stub and "        self: _f.IntInput" in stub
    )
