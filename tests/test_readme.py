"""Every code block of the README does what it says."""

from __future__ import annotations

import inspect
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from custom_nodes.discomfort import errors
from custom_nodes.discomfort.cli.group import load_command
from custom_nodes.discomfort.cli.table import COMMANDS
from custom_nodes.discomfort.discomfort import Discomfort
from custom_nodes.discomfort.run.options import RunOptions
from support.programs import run_script
from support.servers import FAKE, Server, real_servers, require

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
SCRIPTS = [code for language, code in BLOCKS if language == "python"]
# The stand-in server has no nodes that make references or load models.
NEEDS_REAL = ("ref_operation", "load_model")


def test_there_is_no_block_of_another_kind():
    assert {language for language, _ in BLOCKS} == {"bash", "python"}


def test_the_commands_are_those_of_bootstrap():
    typed = "".join(code for language, code in BLOCKS if language == "bash").splitlines()
    commands = [line for line in typed if not line.startswith("discomfort ")]
    assert commands == ["python bootstrap.py demo", "python bootstrap.py test"]
    in_text = re.findall("`(python bootstrap.py [^`]+)`", README)
    assert in_text == ["python bootstrap.py check"]
    for command in commands + in_text:
        shown = subprocess.run(
            [sys.executable, str(ROOT / "bootstrap.py"), "--help"],
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert command in shown.stdout


def test_the_commands_of_the_command_line_are_understood_by_it():
    typed = "".join(code for language, code in BLOCKS if language == "bash").splitlines()
    commands = [shlex.split(line)[1:] for line in typed if line.startswith("discomfort ")]
    assert len(commands) >= 5
    for name, *words in commands:
        with load_command(name).make_context(name, list(words)):
            pass
    listed = README.partition("## From a shell")[2].partition("\n## ")[0]
    assert [name for name in COMMANDS if name not in listed] == []


@pytest.mark.parametrize("code", SCRIPTS, ids=lambda code: code.split("run(")[-1][:40])
@pytest.mark.usefixtures("leaves_nothing")
def test_a_script_runs_as_it_stands(code: str, tmp_path: Path):
    real = real_servers()
    if any(name in code for name in NEEDS_REAL):
        comfyui = require(real[0] if real else Server("real", Path("no ComfyUI found"))).path
    else:
        comfyui = real[0].path if real else FAKE
    # As after `pip install`, in a folder where the files that the README names lie.
    (tmp_path / "packages").mkdir()
    (tmp_path / "packages" / "discomfort").symlink_to(ROOT, target_is_directory=True)
    for name in ("examples", "example_workflows", "test_workflows"):
        (tmp_path / name).symlink_to(ROOT / name, target_is_directory=True)
    script = tmp_path / "script.py"
    script.write_text(code, encoding="utf-8")
    run_script(
        script, cwd=tmp_path, COMFYUI_PATH=str(comfyui), PYTHONPATH=str(tmp_path / "packages")
    )
    for made in re.findall(r'"(output/\S+\.\w+)"', code):
        assert (tmp_path / made).is_file()
    if "save_files" in code:
        assert list((tmp_path / "output").iterdir())


def test_a_script_that_names_files_of_the_clone_says_where_to_run_it():
    named = [code for code in SCRIPTS if re.search(r"(examples|_workflows)/", code)]
    assert len(named) >= 5
    for code in named:
        assert code.startswith("# To be run in the clone's folder"), code


@pytest.mark.parametrize("method", [Discomfort.create, Discomfort.run], ids=lambda m: m.__name__)
def test_the_table_of_a_methods_options_is_its_signature(method):
    _, table = re.split(rf"^\| `[\w.]*{method.__name__}` takes .*$", README, flags=re.MULTILINE)
    rows = re.match(r"\n\|[-|]+\|\n((?:\|.*\n)+)", table)
    assert rows
    listed = re.findall(r"^\| `(\w+)` \|(?: `(.*?)`)? \| \S.* \|$", rows[1], re.MULTILINE)
    assert len(listed) == rows[1].count("\n")
    parameters = [p for p in inspect.signature(method).parameters.values() if p.name != "self"]
    assert listed == [(p.name, "" if p.default is p.empty else repr(p.default)) for p in parameters]
    for name, _ in listed:
        assert re.search(rf"^ +{name}: \S", method.__doc__ or "", re.MULTILINE), name


def test_what_other_methods_take_is_what_it_says():
    run = [name for name in inspect.signature(Discomfort.run).parameters if name != "self"]
    own = [name for name in inspect.signature(Discomfort.stream).parameters if name != "self"]
    assert [*own[:-1], *RunOptions.__annotations__] == [name for name in run if name != "on_event"]
    plan = [name for name in inspect.signature(Discomfort.plan).parameters if name != "self"]
    *first, last = [f"`{name}`" for name in plan]
    assert f"`plan` takes {', '.join(first)} and {last}." in README


def test_all_errors_have_the_one_base_class_that_it_names():
    assert "below one base class, `DiscomfortError`" in README
    found = [e for e in vars(errors).values() if isinstance(e, type) and issubclass(e, Exception)]
    assert len(found) > 10
    for error in found:
        assert issubclass(error, errors.DiscomfortError)
        builtin = [base for base in error.__mro__ if base.__module__ == "builtins"]
        is_root = error in (errors.DiscomfortError, errors.StoreError)
        assert is_root or builtin[0] not in (Exception, BaseException), error


def test_every_file_that_it_links_to_is_there():
    targets = re.findall(r"\]\(([^)#]+)\)", README)
    assert len(targets) > 10
    assert [t for t in targets if not t.startswith("http") and not (ROOT / t).exists()] == []
