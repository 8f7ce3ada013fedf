"""The project as a package: what `pip install .` gives, and what ComfyUI's registry asks for."""

from __future__ import annotations

import importlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from custom_nodes.discomfort.installation.clone import Clone
from custom_nodes.discomfort.installation.environment import plan_installation
from custom_nodes.discomfort.worker.launch.find_comfyui import environment_python

tomllib = importlib.import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
REQUIREMENTS = [
    line
    for line in (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    if line and not line.startswith("#")
]


# For those who work on the project; neither an installation nor ComfyUI's registry has them.
FOR_DEVELOPERS = {
    "bench",
    "build",
    "devtools",
    "dist",
    "eslint.config.mjs",
    "node_modules",
    "output",
    "package-lock.json",
    "package.json",
    "test_workflows",
    "tests",
    "tsconfig.json",
}
# Programs, which a clone and ComfyUI's registry have, and an installation has not.
PROGRAMS_OF_A_CLONE = {"examples", "installation"}
# What the package has beside its modules.
DATA_FOLDERS = ("example_workflows", "locales", "web")


def files_below(folder: Path) -> set[str]:
    return {
        path.relative_to(ROOT).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def library_modules() -> set[str]:
    """Every module of the library, as a path from the root."""
    folders = [
        path
        for path in ROOT.iterdir()
        if path.is_dir()
        and path.name not in FOR_DEVELOPERS | PROGRAMS_OF_A_CLONE
        and path.name[0] != "."
    ]
    below = {name for folder in folders for name in files_below(folder) if name.endswith(".py")}
    return below | {path.name for path in ROOT.glob("*.py")}


@pytest.fixture(scope="module")
def clone(tmp_path_factory) -> Path:
    """A copy, under a name of its own, that an installation may write to."""
    source = tmp_path_factory.mktemp("source") / "a-clone"
    folders = [name for name in FOR_DEVELOPERS if "." not in name]
    ignored = shutil.ignore_patterns(".*", "__pycache__", "*.egg-info", *folders)
    shutil.copytree(ROOT, source, ignore=ignored)
    return source


def install(python: str | Path, *arguments: object) -> None:
    """Install with pip, or uv where there is no pip; nothing is fetched.

    The build tool and the dependencies are here already.
    """
    if importlib.util.find_spec("pip"):
        command = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet"]
    else:
        command = ["uv", "pip", "install", "--quiet", "--python", str(python)]
    command += ["--no-deps", "--no-build-isolation", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def installed(clone: Path, tmp_path_factory) -> Path:
    """A folder that `pip install .` installed the project into."""
    target = tmp_path_factory.mktemp("installed")
    install(sys.executable, "--target", target, clone)
    return target


@pytest.fixture(scope="module")
def editable(clone: Path, tmp_path_factory) -> Path:
    """The interpreter of an environment with `pip install -e .`, which sees our packages."""
    python = borrow_environment(tmp_path_factory.mktemp("editable") / "venv")
    install(python, "-e", clone)
    return python


def borrow_environment(folder: Path) -> Path:
    """Make an environment that sees this one's packages; returns its interpreter."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    site = next(folder.rglob("site-packages"))
    borrowed = [path for path in sys.path if path.endswith("site-packages")]
    (site / "borrowed.pth").write_text("\n".join(borrowed), encoding="utf-8")
    python = environment_python(folder)
    assert python
    return python


def run_python(
    code: str, folder: Path | None, cwd: Path, python: str | Path = sys.executable
) -> str:
    """What the code prints; `folder`: where the package is installed."""
    inherited = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    done = subprocess.run(
        [str(python), "-c", code],
        env={**inherited, **({"PYTHONPATH": str(folder)} if folder else {})},
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_installed_package_gives_the_facade_and_the_nodes(installed, tmp_path):
    code = (
        "from discomfort import Discomfort, NODE_CLASS_MAPPINGS; import discomfort\n"
        "print(Discomfort.__module__, 'DiscomfortPort' in NODE_CLASS_MAPPINGS, discomfort.__file__)"
    )
    module, has_port, file = run_python(code, installed, tmp_path).split(maxsplit=2)
    assert (module, has_port) == ("discomfort.discomfort", "True")
    assert Path(file).is_relative_to(installed)


# What a script that joins a worker does not wait for: it comes later, or never.
NOT_AT_FIRST = {
    "IPython",
    "PIL",
    "aiohttp",
    "cloudpickle",
    "numpy",
    "torch",
    "tqdm",
    "typer",
    "discomfort.downloads",
    "discomfort.editor.routes",
    "discomfort.graph.convert.to_prompt",
    "discomfort.graph.explain",
    "discomfort.graph.markers",
    "discomfort.inspection",
    "discomfort.missing",
    "discomfort.run.engine",
    "discomfort.workflow_functions",
    "discomfort.workflow_tools",
}


def test_the_facade_alone_loads_only_what_joins_a_worker(installed, tmp_path):
    code = (
        "import sys, discomfort; from discomfort.discomfort import Discomfort\n"
        f"print(sorted(set(sys.modules) & {NOT_AT_FIRST}), 'discomfort.worker.server' in "
        "sys.modules)"
    )
    assert run_python(code, installed, tmp_path) == "[] True"


def test_the_first_run_loads_nothing_that_only_other_calls_need(installed, tmp_path):
    later = {"discomfort.missing", "discomfort.downloads", "discomfort.graph.explain", "PIL"}
    code = f"import sys, discomfort.run.engine; print(sorted(set(sys.modules) & {later}))"
    assert run_python(code, installed, tmp_path) == "[]"


def test_installed_package_brings_the_program_of_the_command_line(installed, tmp_path):
    code = "from discomfort.cli.main import main; raise SystemExit(main(['--version']))"
    version = PROJECT["project"]["version"]
    assert run_python(code, installed, tmp_path) == f"discomfort {version}"
    module, _, function = PROJECT["project"]["scripts"]["discomfort"].partition(":")
    (program,) = [p for name in ("bin", "Scripts") for p in installed.glob(f"{name}/discomfort*")]
    text = program.read_text(encoding="utf-8", errors="replace")
    assert module in text and function in text


def test_a_script_in_the_folder_of_the_clone_finds_the_package(installed, tmp_path):
    """There `discomfort` is the file discomfort.py before it is the package."""
    folder = installed / "discomfort"
    code = "from discomfort import Discomfort; import discomfort.errors; print(discomfort.__file__)"
    assert run_python(code, folder, folder) == str(folder / "__init__.py")


def test_installed_package_reads_its_own_configuration_files(installed, tmp_path):
    code = (
        "from discomfort.system import config as c\n"
        "c.load_config(c.ContextConfig, 'workflow_context.json')\n"
        "c.load_config(c.WorkerConfig, 'comfy_serverless.json')\n"
        "print(c.load_pass_by_rules()['MODEL'])"
    )
    assert run_python(code, installed, tmp_path) == "ref"


def test_editable_installation_is_the_clone_itself_from_anywhere(clone, editable, tmp_path):
    code = (
        "from discomfort import Discomfort; import discomfort, discomfort.graph.workflow as w\n"
        "print(discomfort.__file__); print(w.__file__)"
    )
    expected = [str(clone / "__init__.py"), str(clone / "graph" / "workflow" / "__init__.py")]
    for cwd in (tmp_path, clone):
        assert run_python(code, None, cwd, editable).splitlines() == expected


def test_list_of_packages_is_the_list_of_folders():
    folders = {Path(name).parent.as_posix() for name in library_modules()} - {"."}
    listed = PROJECT["tool"]["setuptools"]["packages"]
    assert {"graph", "graph/workflow"} <= folders
    assert set(listed) == {"discomfort"} | {f"discomfort.{f.replace('/', '.')}" for f in folders}
    assert listed == sorted(set(listed))


def test_installed_package_holds_all_that_it_is_made_of_and_nothing_else(installed):
    package = installed / "discomfort"
    wanted = library_modules() | {p.name for p in ROOT.glob("*.json")} - FOR_DEVELOPERS
    wanted |= {"requirements.txt", "py.typed"}  # the first for find_comfyui.py, the other for types
    for folder in DATA_FOLDERS:
        wanted |= files_below(ROOT / folder)
    held = {p.relative_to(package).as_posix() for p in package.rglob("*") if p.is_file()}
    assert {name for name in held if "__pycache__" not in name} == wanted


@pytest.fixture(scope="module")
def archived(tmp_path_factory) -> set[str]:
    """What comfy-cli packs for the registry: what git has, without what .comfyignore names."""
    # The repository is a new one, so that a download without one will do.
    folder = tmp_path_factory.mktemp("repository")
    subprocess.run(["git", "init", "-q", str(folder)], check=True)
    command = ["git", f"--git-dir={folder / '.git'}", f"--work-tree={ROOT}", "ls-files"]
    command += ["--others", "--exclude-per-directory=.gitignore", "--exclude-from=.comfyignore"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines())


@pytest.fixture(scope="module")
def archive(archived: set[str], tmp_path_factory) -> Path:
    """The registry's archive, unpacked."""
    folder = tmp_path_factory.mktemp("archive") / "discomfort"
    for name in archived:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    return folder


def run_bootstrap(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(folder / "bootstrap.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("command", ["test", "check"])
def test_commands_for_developers_say_in_the_archive_that_they_want_a_clone(archive, command):
    done = run_bootstrap(archive, command)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "clone the project's repository" in line
    assert not (archive / ".venv").exists()


def test_demo_runs_in_the_archive(archive):
    borrow_environment(archive / ".venv")
    fakes = ROOT / "tests" / "fakes"
    planned = plan_installation(Clone(archive), fakes)
    planned.stamp_file.write_text(planned.stamp, encoding="utf-8")
    command = [sys.executable, str(archive / "bootstrap.py"), "demo"]
    environment = {**os.environ, "COMFYUI_PATH": str(fakes)}
    environment.pop("DISCOMFORT_REQUIRE_COMFYUI", None)  # here it is to run on the stand-in
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_bootstrap_of_an_installed_package_says_that_it_wants_a_clone(installed):
    done = run_bootstrap(installed / "discomfort", "demo")
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("bootstrap: this is an installed Discomfort")


def test_archive_for_the_registry_holds_the_package_and_nothing_for_developers(archived):
    held = archived
    wanted = {"LICENSE", "README.md", "pyproject.toml", "requirements.txt", "py.typed"}
    assert wanted | library_modules() <= held
    whole = (*DATA_FOLDERS, *PROGRAMS_OF_A_CLONE)
    assert all(files_below(ROOT / folder) <= held for folder in whole)
    tops = {name.split("/")[0] for name in held}
    assert not tops & FOR_DEVELOPERS
    assert not {name for name in tops if name.startswith(".")}


# The command line is no part of the extension: ComfyUI's Python need not have it.
FOR_THE_COMMAND_LINE = {"typer"}


def test_requirements_are_the_same_in_both_files_and_light():
    of_package = PROJECT["project"]["dependencies"]
    extra = [line for line in of_package if line not in REQUIREMENTS]
    assert [line for line in of_package if line not in extra] == REQUIREMENTS
    assert {re.split("[<>=!~ ]", line)[0] for line in extra} == FOR_THE_COMMAND_LINE
    names = {re.split(r"[<>=!~ ]", line)[0] for line in REQUIREMENTS}
    assert names == {
        "aiohttp",
        "cloudpickle",
        "numpy",
        "pillow",
        "psutil",
        "simpleeval",
        "tqdm",
        "websocket-client",
    }


def test_requirements_have_lower_bounds_only():
    # An upper bound would make an installation beside ComfyUI's own requirements fail one day.
    for line in PROJECT["project"]["dependencies"]:
        assert re.fullmatch(r"[a-z-]+>=\d+(\.\d+)*", line), line


def test_version_is_one_and_has_three_numbers():
    source = (ROOT / "__init__.py").read_text(encoding="utf-8")
    version = PROJECT["project"]["version"]
    assert re.fullmatch(r"\d+\.\d+\.\d+", version)
    assert f'__version__ = "{version}"' in source


def test_project_name_follows_the_rules_of_the_registry():
    # https://docs.comfy.org/registry/specifications
    name = PROJECT["project"]["name"]
    assert len(name) < 100
    assert re.fullmatch(r"[A-Za-z]+([-_.]?[A-Za-z0-9]+)*", name)
    assert "comfyui" not in name.lower()


def test_tool_comfy_section_is_what_the_registry_reads():
    section = PROJECT["tool"]["comfy"]
    assert re.fullmatch(r"[a-z0-9-]+", section["PublisherId"])
    assert section["DisplayName"]
    # The pattern that comfy-cli 1.23 checks, registry/config_parser.py.
    assert re.fullmatch(r"(==|>=|<=|!=|~=|>|<)\d+\.\d+\.\d+", section["requires-comfyui"])
    assert "Operating System :: OS Independent" in PROJECT["project"]["classifiers"]


def test_license_is_mit_and_the_file_says_so():
    assert PROJECT["project"]["license"] == "MIT"
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert text.startswith("MIT License")
    assert "Discomfort contributors" in text
