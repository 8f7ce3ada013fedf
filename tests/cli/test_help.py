"""What --help says, and that nothing heavy is loaded for it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from custom_nodes.discomfort.cli.complete import complete_run, complete_workflow, names_of_ports
from custom_nodes.discomfort.cli.group import load_command, make_group
from custom_nodes.discomfort.cli.table import COMMANDS
from house import ROOT
from support.prompts import port

PAGE = (ROOT / "docs" / "command_line.md").read_text(encoding="utf-8")
every_command = pytest.mark.parametrize("name", COMMANDS)


def options_of(name: str) -> list:
    command = load_command(name)
    return [p for p in command.params if p.param_type_name == "option" and p.name != "help"]


def help_of(name: str) -> str:
    command = load_command(name)
    with command.make_context(name, [], resilient_parsing=True) as ctx:
        return command.get_help(ctx)


@every_command
def test_a_command_says_first_what_it_does_and_ends_with_an_example(name):
    text = " ".join(load_command(name).help.split("\n\n")[0].split())
    assert text == COMMANDS[name] and text.endswith(".")
    lines = help_of(name).rstrip().splitlines()
    assert lines[-2].strip() == "Example:" and lines[-1].strip().startswith(f"discomfort {name}")


@every_command
def test_words_are_named_without_types_and_with_single_brackets(name):
    text = help_of(name)
    assert "<" not in text and "[[" not in text and "......" not in text


@every_command
def test_an_option_says_its_unit_and_what_holds_without_it(name):
    for option in options_of(name):
        assert option.help and option.help.endswith((".", ").")), option.name
        is_flag_that_adds = option.is_flag and "Default" not in option.help
        if not is_flag_that_adds:
            assert "Default:" in option.help, option.name
        if not option.is_flag:
            assert option.metavar, option.name
    names = {option.name for option in options_of(name)}
    assert "json" in names
    for seconds in names & {"timeout", "start_timeout"}:
        (option,) = (o for o in options_of(name) if o.name == seconds)
        assert option.metavar == "SECONDS"


@every_command
def test_the_page_names_the_command_and_all_of_its_options(name):
    assert f"### `discomfort {name}" in PAGE
    for option in options_of(name):
        assert any(f"`{spelling}" in PAGE for spelling in option.opts), option.opts


@pytest.mark.parametrize("columns", [40, 100])
def test_help_fits_into_a_narrow_terminal(columns, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("TERMINAL_WIDTH", str(columns))
    group = make_group()
    with group.make_context("discomfort", ["x"], resilient_parsing=True) as ctx:
        for name in COMMANDS:
            command = group.get_command(ctx, name)
            with command.make_context(name, [], parent=ctx, resilient_parsing=True) as inner:
                inner.terminal_width = inner.max_content_width = columns
                *lines, _ = command.get_help(inner).splitlines()  # an example is to be copied whole
                assert max(map(len, lines)) <= max(columns, 52), lines


def test_help_and_completion_load_nothing_heavy():
    code = (
        "import sys; sys.argv = ['discomfort', '--help']\n"
        "from discomfort.cli.main import main\n"
        "code = main()\n"
        "heavy = {'torch', 'numpy', 'PIL', 'aiohttp', 'rich', 'IPython', 'tqdm', 'asyncio'}\n"
        "print(code, sorted(heavy & set(sys.modules)), 'discomfort.discomfort' in sys.modules)\n"
        "from discomfort.cli.complete import names_of_ports\n"
        f"print(names_of_ports([{str(ROOT / 'examples/workflows/enhance.json')!r}]))\n"
        "print(sorted((heavy - {'asyncio'}) & set(sys.modules)))\n"
        "import discomfort.cli.commands.run\n"
        "print(sorted((heavy - {'asyncio'}) & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", _as_discomfort() + code], capture_output=True, text=True, check=True
    )
    *shown, first, ports, second, third = done.stdout.splitlines()
    assert any("discomfort run flux.json" in line for line in shown)
    assert first == "0 [] False" and second == third == "[]"
    assert "picture" in ports and "tone_amount" in ports


def test_in_the_folder_of_the_clone_it_is_the_same_program():
    """There `discomfort` is the file discomfort.py before it is the package."""
    command = [sys.executable, "-m", "discomfort", "--version"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout.startswith("discomfort ") and not done.stderr, done.stderr


def _as_discomfort() -> str:
    return (
        "import importlib.util as u, sys\n"
        f"spec = u.spec_from_file_location('discomfort', {str(ROOT / '__init__.py')!r},"
        f" submodule_search_locations=[{str(ROOT)!r}])\n"
        "sys.modules['discomfort'] = module = u.module_from_spec(spec)\n"
        "spec.loader.exec_module(module)\n"
    )


def test_the_command_line_alone_needs_typer():
    """An extension inside ComfyUI works without it, and the command line says what it lacks."""
    code = (
        "class No:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'typer':\n"
        "            raise ModuleNotFoundError(\"No module named 'typer'\", name='typer')\n"
        "sys.meta_path.insert(0, No())\n"
        "from discomfort.discomfort import Discomfort\n"
        "import discomfort.nodes, discomfort.editor.routes.install\n"
        "from discomfort.cli.main import main\n"
        "print(main(['run']))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", _as_discomfort() + code], capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == "2", done.stderr
    assert "pip install typer" in done.stderr and "Traceback" not in done.stderr


@pytest.fixture
def flows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    text = (ROOT / "examples/workflows/enhance.json").read_text(encoding="utf-8")
    (tmp_path / "enhance.json").write_text(text, encoding="utf-8")
    (tmp_path / "prompt.json").write_text(json.dumps({"1": port("x")}), encoding="utf-8")
    (tmp_path / "broken.json").write_text('{"nodes": [', encoding="utf-8")
    (tmp_path / "photo.jpg").write_bytes(b"")
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "a.json").write_text("{}", encoding="utf-8")
    return tmp_path


def test_workflow_files_and_folders_are_completed(flows):
    assert complete_workflow("") == ["broken.json", "enhance.json", "more/", "prompt.json"]
    assert complete_workflow("more/") == ["more/a.json"]
    assert complete_workflow(f"{flows}/en") == [f"{flows}/enhance.json"]
    assert complete_workflow("nowhere/") == []


def test_ports_of_the_workflows_on_the_line_are_completed_but_those_that_have_a_value():
    path = str(ROOT / "examples/workflows/enhance.json")
    assert names_of_ports([path]) == ["picture", "detail", "tone", "tone_amount"]
    assert names_of_ports([path, "tone=x"]) == ["picture", "detail", "tone_amount"]


@pytest.mark.parametrize("word", ["broken.json", "prompt.json", "nowhere.json", "photo.jpg"])
def test_what_has_no_ports_completes_none_and_never_fails(flows, word):
    assert names_of_ports([word]) == []


def complete(words: list[str], incomplete: str) -> list[str]:
    command = load_command("run")
    with command.make_context("run", words, resilient_parsing=True) as ctx:
        return complete_run(ctx, incomplete)


def test_behind_a_workflow_come_its_ports_and_behind_an_at_sign_files(flows):
    assert complete(["enhance.json"], "to") == ["tone=", "tone_amount="]
    assert complete(["enhance.json"], "picture=@ph") == ["picture=@photo.jpg"]
    for words, begun in ((["picture", "="], "@ph"), (["picture", "=@"], "ph")):  # as bash splits
        (found,) = complete(["enhance.json", *words], begun)
        assert found == begun.replace("ph", "photo.jpg")
    assert complete(["enhance.json", "tone", "=", "x"], "to") == ["tone_amount="]
    assert complete(["enhance.json", "tone", "="], "to") == []
    assert complete(["enhance.json"], "tone=x") == []
    assert complete([], "en") == ["enhance.json"]
