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

tomllib = importlib.import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
REQUIREMENTS = [
    line
    for line in (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    if line and not line.startswith("#")
]


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """A folder that `pip install .` installed the project into. The sources stay as they are."""
    source = tmp_path_factory.mktemp("source") / "a-clone"
    ignored = shutil.ignore_patterns(
        ".*", "__pycache__", "*.egg-info", "build", "dist", "output", "tests", "bench"
    )
    shutil.copytree(ROOT, source, ignore=ignored)
    target = tmp_path_factory.mktemp("installed")
    # The build tool and the dependencies are here already: nothing is fetched.
    arguments = ["--no-deps", "--no-build-isolation", "--target", str(target), str(source)]
    if importlib.util.find_spec("pip"):
        command = [sys.executable, "-m", "pip", "install", "--quiet"]
    else:
        command = ["uv", "pip", "install", "--quiet", "--python", sys.executable]
    done = subprocess.run([*command, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return target


def run_python(code: str, folder: Path, cwd: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(folder)},
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


def test_installed_package_holds_every_module_and_web_file_and_no_test(installed):
    package = installed / "discomfort"
    wanted = {p.name for p in ROOT.glob("*.py")} | {p.name for p in ROOT.glob("*.json")}
    wanted.add("requirements.txt")  # find_comfyui.py reads it
    for folder in ("graph", "store", "worker", "editor", "web", "locales", "example_workflows"):
        wanted |= {
            p.relative_to(ROOT).as_posix()
            for p in (ROOT / folder).rglob("*")
            if p.is_file() and "__pycache__" not in p.parts
        }
    held = {p.relative_to(package).as_posix() for p in package.rglob("*") if p.is_file()}
    assert wanted <= held
    assert not {name for name in held if name.startswith(("tests/", "bench/", ".ci/"))}


def test_requirements_are_the_same_in_both_files_and_light():
    assert PROJECT["project"]["dependencies"] == REQUIREMENTS
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
    for line in REQUIREMENTS:
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
