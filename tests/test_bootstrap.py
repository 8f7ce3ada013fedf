"""`bootstrap.py`: which ComfyUI and which Python it picks, and its commands, run for real.

The commands run in small clones whose `.venv` is there already and borrows this interpreter's
packages, so that nothing is fetched: without uv and pip in reach, an attempt to install fails.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from custom_nodes.discomfort.installation.choose_comfyui import COMFYUI_RELEASE
from custom_nodes.discomfort.installation.clone import Clone
from custom_nodes.discomfort.installation.environment import plan_check, plan_installation
from custom_nodes.discomfort.installation.installers import uv_environment
from custom_nodes.discomfort.worker.launch import find_comfyui as finder

ROOT = Path(__file__).resolve().parent.parent
PROGRAMS = ROOT / "tests" / "programs" / "bootstrap"
GIT = shutil.which("git")


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    """A user's home folder in which there is no ComfyUI, and no setting that names one."""
    folder = tmp_path / "home"
    folder.mkdir()
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(folder))
    monkeypatch.setenv("LOCALAPPDATA", str(folder / "AppData"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder / ".cache"))
    for name in ("COMFYUI_PATH", "DISCOMFORT_REQUIRE_COMFYUI", "PYTHONPYCACHEPREFIX"):
        monkeypatch.delenv(name, raising=False)
    return folder


def make_comfyui(folder: Path, requirements: str = "torch\n") -> Path:
    """What makes a folder a ComfyUI for the search."""
    (folder / "comfy").mkdir(parents=True)
    (folder / "comfy" / "model_management.py").write_text("")
    (folder / "main.py").write_text("raise SystemExit('not for running')\n")
    (folder / "requirements.txt").write_text(requirements)
    return folder


def make_venv(folder: Path, borrow: bool) -> Path:
    """A real virtual environment, without pip; `borrow`: it sees this interpreter's packages."""
    command = [sys.executable, "-m", "venv", "--without-pip", str(folder)]
    subprocess.run(command, check=True)
    python = finder.environment_python(folder)
    assert python
    if borrow:
        site = next(p for p in folder.rglob("site-packages"))
        borrowed = [p for p in sys.path if p.endswith("site-packages")]
        (site / "borrowed.pth").write_text("\n".join(borrowed))
    return python


@pytest.fixture
def clone(tmp_path, home) -> Path:
    """A clone with a small suite and a small example."""
    folder = tmp_path / "a clone"  # people have spaces in their paths
    for name in ("bootstrap.py", "pyproject.toml", "requirements.txt"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    for name in ("installation", "system", "worker"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, folder / name, ignore=ignored)
    (folder / "tests" / "fakes").mkdir(parents=True)
    (folder / "tests" / "fakes" / "main.py").write_text("")
    shutil.copy(PROGRAMS / "little_suite.py", folder / "tests" / "test_little.py")
    (folder / "examples").mkdir()
    (folder / "examples" / "refine_image.py").write_text(
        "import os, sys; print('demo', sys.argv[1:], os.environ['COMFYUI_PATH'], sys.prefix)\n"
        "raise SystemExit(7)\n"
    )
    (folder / "devtools").mkdir()
    (folder / "devtools" / "check.py").write_text(
        "import sys; print('check', sys.argv[1:], sys.prefix); raise SystemExit(5)\n"
    )
    return folder


def set_up(clone: Path, comfyui: Path) -> None:
    """Bring a clone into the state after the first call: `.venv` with a fitting stamp."""
    make_venv(clone / ".venv", borrow=True)
    planned = plan_installation(Clone(clone), comfyui)
    planned.stamp_file.write_text(planned.stamp)


def run_bootstrap(clone: Path, *arguments: str, **environment: str):
    """Run bootstrap.py where neither uv nor an index is in reach, and no repository answers."""
    bin_dir = clone.parent / "bin"
    bin_dir.mkdir(exist_ok=True)
    if sys.platform == "win32":
        bin_dir = Path(GIT or "").parent  # git's own folder; links need a privilege there
    elif GIT and not (bin_dir / "git").exists():
        (bin_dir / "git").symlink_to(GIT)
    offline = {
        "PATH": str(bin_dir),
        "PIP_NO_INDEX": "1",
        # A git that can't reach the repository, whatever network this machine has.
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.{(clone.parent / 'nowhere').as_uri()}/.insteadOf",
        "GIT_CONFIG_VALUE_0": "https://",
    }
    return subprocess.run(
        [sys.executable, str(clone / "bootstrap.py"), *arguments],
        env={**os.environ, **offline, **environment},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


# --- which ComfyUI


def test_search_with_nothing_there_finds_nothing(home, tmp_path):
    assert finder.find_comfyui(project_dir=tmp_path) is None


def test_search_follows_the_documented_order(home, tmp_path, monkeypatch):
    cached = make_comfyui(finder.installed_comfyui())
    around = make_comfyui(tmp_path / "around")
    project = around / "custom_nodes" / "discomfort"
    project.mkdir(parents=True)
    named = make_comfyui(tmp_path / "named")
    configured = make_comfyui(tmp_path / "configured")

    assert finder.find_comfyui(project_dir=tmp_path) == cached
    assert finder.find_comfyui(project_dir=project) == around
    monkeypatch.setenv("COMFYUI_PATH", str(named))
    assert finder.find_comfyui(project_dir=project) == named
    assert finder.find_comfyui(str(configured), project_dir=project) == configured


def test_search_from_a_link_in_custom_nodes_finds_the_comfyui_around_the_link(home, tmp_path):
    around = make_comfyui(tmp_path / "around")
    (around / "custom_nodes").mkdir()
    (tmp_path / "project").mkdir()
    link = around / "custom_nodes" / "discomfort"
    try:
        link.symlink_to(tmp_path / "project", target_is_directory=True)
    except OSError as e:
        pytest.skip(f"this user may not make links here: {e}")
    assert finder.find_comfyui(project_dir=link) == around


def test_search_takes_the_folder_above_comfyui_for_it(home, tmp_path, monkeypatch):
    inner = make_comfyui(tmp_path / "portable" / "ComfyUI")
    monkeypatch.setenv("COMFYUI_PATH", str(tmp_path / "portable"))
    assert finder.find_comfyui(project_dir=tmp_path) == inner


def test_search_with_a_wrong_path_says_so_instead_of_taking_another(home, tmp_path, monkeypatch):
    make_comfyui(finder.installed_comfyui())
    monkeypatch.setenv("COMFYUI_PATH", str(tmp_path / "gone"))
    with pytest.raises(FileNotFoundError, match="COMFYUI_PATH is .*gone.* no main.py"):
        finder.find_comfyui(project_dir=tmp_path)


def test_search_does_not_take_half_a_comfyui_from_the_cache(home, tmp_path):
    cached = make_comfyui(finder.installed_comfyui())
    (cached / "main.py").unlink()
    assert finder.find_comfyui(project_dir=tmp_path) is None


@pytest.mark.parametrize(
    ("platform", "expected"),
    [("linux", ".cache"), ("darwin", "Library/Caches"), ("win32", "AppData/Local")],
)
def test_cache_folder_is_the_one_of_the_platform(home, monkeypatch, platform, expected):
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.delenv("LOCALAPPDATA")
    monkeypatch.setattr(sys, "platform", platform)
    assert finder.user_cache_dir() == Path.home() / expected / "discomfort"


def test_cache_folder_ignores_a_relative_xdg_path(home, monkeypatch):
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert finder.user_cache_dir() == Path.home() / ".cache" / "discomfort"


# --- which Python


def test_python_of_a_bare_comfyui_is_none(tmp_path):
    assert finder.find_python(make_comfyui(tmp_path / "ComfyUI")) is None


@pytest.mark.parametrize("name", ["venv", ".venv"])
def test_python_in_the_comfyui_folder_is_found(tmp_path, name):
    comfyui = make_comfyui(tmp_path / "ComfyUI")
    python = make_venv(comfyui / name, borrow=False)
    assert finder.find_python(comfyui) == python


def test_python_of_the_portable_download_is_found_above(tmp_path):
    comfyui = make_comfyui(tmp_path / "ComfyUI")
    embedded = tmp_path / "python_embeded"
    (embedded / "Lib" / "site-packages" / "torch").mkdir(parents=True)
    (embedded / "python.exe").write_bytes(b"")
    assert finder.find_python(comfyui) == embedded / "python.exe"


def test_python_above_without_torch_is_taken_for_another_projects(tmp_path):
    comfyui = make_comfyui(tmp_path / "ComfyUI")
    make_venv(tmp_path / ".venv", borrow=False)
    assert finder.find_python(comfyui) is None


def test_missing_requirements_of_this_interpreter_are_none():
    assert finder.missing_requirements(Path(sys.executable)) == []


def test_missing_requirements_name_what_is_absent_and_what_is_too_old(tmp_path):
    wanted = tmp_path / "requirements.txt"
    wanted.write_text("# why\npytest>=1.0\npytest-timeout>=999\nno-such-thing>=1.0\n")
    missing = finder.missing_requirements(Path(sys.executable), wanted)
    assert missing == ["pytest-timeout>=999", "no-such-thing>=1.0"]


def test_missing_requirements_of_a_broken_interpreter_say_so(tmp_path):
    broken = make_venv(tmp_path / "venv", borrow=False)
    (tmp_path / "venv" / "pyvenv.cfg").unlink()
    broken.unlink()
    with pytest.raises(OSError):
        finder.missing_requirements(broken)


def test_cache_folder_that_holds_something_else_is_named_and_left_alone(clone, home):
    target = finder.installed_comfyui()
    target.mkdir(parents=True)
    (target / "a file of the user").write_text("")
    set_up(clone, clone / "tests" / "fakes")
    done = run_bootstrap(clone, "test")
    assert f"{target} is there, but is no ComfyUI" in done.stdout
    assert done.returncode == 0, done.stderr
    assert [p.name for p in target.iterdir()] == ["a file of the user"]


def test_settings_of_pip_hold_for_uv_unless_uv_has_its_own(monkeypatch):
    for name in [n for n in os.environ if n.startswith(("PIP_", "UV_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_INDEX_URL", "http://localhost/pip")
    monkeypatch.setenv("PIP_FIND_LINKS", "/wheels /more")
    environment = uv_environment()
    assert environment["UV_DEFAULT_INDEX"] == "http://localhost/pip"
    assert environment["UV_FIND_LINKS"] == "/wheels,/more"
    monkeypatch.setenv("UV_INDEX", "http://localhost/uv")
    environment = uv_environment()
    assert environment["UV_INDEX"] == "http://localhost/uv"
    assert "UV_DEFAULT_INDEX" not in environment
    assert environment["UV_FIND_LINKS"] == "/wheels,/more"


# --- the commands


def test_no_command_prints_how_to_use_it(clone):
    done = run_bootstrap(clone)
    assert done.returncode == 2
    assert "python bootstrap.py test" in done.stdout


def test_unknown_command_is_named_with_those_that_there_are(clone):
    done = run_bootstrap(clone, "nonsense")
    assert done.returncode == 2
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert "no command 'nonsense'" in line
    assert "demo, test, check" in line


@pytest.mark.parametrize(
    ("command", "gone"), [("demo", "examples"), ("test", "tests"), ("check", "devtools")]
)
def test_command_whose_files_are_not_there_says_so_before_it_installs(clone, command, gone):
    shutil.rmtree(clone / gone)
    done = run_bootstrap(clone, command)
    assert done.returncode == 1
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"bootstrap: this copy of Discomfort has no {gone}")
    assert f"clone the project's repository and run `python bootstrap.py {command}` there" in line
    assert not (clone / ".venv").exists()


def test_demo_without_comfyui_and_without_the_stand_in_says_where_to_put_one(clone):
    shutil.rmtree(clone / "tests")
    done = run_bootstrap(clone, "demo")
    assert done.returncode == 1
    assert done.stderr.startswith("bootstrap: there is no ComfyUI (")
    assert "Set COMFYUI_PATH" in done.stderr
    assert not (clone / ".venv").exists()


def test_command_from_another_folder_and_with_a_safe_path_is_the_clones_own(clone, tmp_path):
    # Python puts the folder of the script in front of its path, or doesn't: both must do.
    set_up(clone, clone / "tests" / "fakes")
    (tmp_path / "installation").mkdir()
    for safe in ("", "1"):
        done = run_bootstrap(clone, "demo", PYTHONSAFEPATH=safe, PYTHONPATH=str(tmp_path))
        assert done.returncode == 7, done.stderr


def test_old_python_gets_one_sentence_and_no_traceback(clone):
    code = (
        "import runpy, sys; sys.version_info = (3, 8, 1, 'final', 0)\n"
        "runpy.run_path(sys.argv[1], run_name='__main__')"
    )
    command = [sys.executable, "-c", code, str(clone / "bootstrap.py"), "test"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("Discomfort needs Python 3.10 to")
    assert len(done.stderr.strip().splitlines()) == 1


def test_second_call_installs_nothing_and_runs_the_tests(clone, tmp_path):
    comfyui = make_comfyui(tmp_path / "ComfyUI")
    set_up(clone, comfyui)
    done = run_bootstrap(clone, "test", "-k", "nothing", COMFYUI_PATH=str(comfyui))
    assert done.returncode == 0, done.stderr
    assert f"ComfyUI: {comfyui}" in done.stdout
    assert "1 passed" in done.stdout
    assert "installing" not in done.stdout


def test_changed_requirements_of_comfyui_are_installed(clone, tmp_path):
    comfyui = make_comfyui(tmp_path / "ComfyUI")
    set_up(clone, comfyui)
    (comfyui / "requirements.txt").write_text("torch\nanother\n")
    done = run_bootstrap(clone, "test", COMFYUI_PATH=str(comfyui))
    assert "installing into" in done.stdout
    assert done.returncode == 1  # nothing can be fetched here
    assert "Traceback" not in done.stderr
    # The failed installation is not taken for a good one by the next call.
    assert "installing into" in run_bootstrap(clone, "test", COMFYUI_PATH=str(comfyui)).stdout


def test_nothing_is_written_into_the_users_comfyui(clone, tmp_path):
    comfyui = make_comfyui(tmp_path / "ComfyUI")
    set_up(clone, comfyui)
    (comfyui / "comfy" / "thing.py").write_text("")
    (clone / "tests" / "test_little.py").write_text(
        "import os\n"
        "def test_import(monkeypatch):\n"
        "    monkeypatch.syspath_prepend(os.environ['COMFYUI_PATH'])\n"
        "    import comfy.thing\n"
    )
    before = sorted(comfyui.rglob("*"))
    done = run_bootstrap(clone, "test", COMFYUI_PATH=str(comfyui), PYTHONDONTWRITEBYTECODE="")
    assert done.returncode == 0, done.stdout
    assert sorted(comfyui.rglob("*")) == before


def test_no_comfyui_and_no_network_runs_on_the_fake_and_names_what_was_skipped(clone):
    set_up(clone, clone / "tests" / "fakes")
    done = run_bootstrap(clone, "test")
    assert done.returncode == 0, done.stderr
    said = [line for line in done.stdout.splitlines() if line.startswith("bootstrap:")]
    assert len(said) == 1
    assert "no real ComfyUI (" in said[0]
    assert "fake server" in said[0]
    end = done.stdout.split("skipped for want of a real ComfyUI: ")[1].splitlines()
    assert end == ["1 tests", "  tests.test_little::test_that_needs_the_real_one"]


def test_no_comfyui_where_one_is_required_is_a_failure_that_says_what_to_do(clone):
    set_up(clone, clone / "tests" / "fakes")
    done = run_bootstrap(clone, "test", DISCOMFORT_REQUIRE_COMFYUI="1")
    assert done.returncode == 1
    assert "DISCOMFORT_REQUIRE_COMFYUI is set, and there is no real ComfyUI" in done.stderr
    assert "Set COMFYUI_PATH" in done.stderr
    assert "passed" not in done.stdout


def test_fake_server_where_the_real_one_is_required_is_a_failure(clone):
    fake = clone / "tests" / "fakes"
    set_up(clone, fake)
    done = run_bootstrap(clone, "test", DISCOMFORT_REQUIRE_COMFYUI="1", COMFYUI_PATH=str(fake))
    assert done.returncode == 1
    assert "there is no real ComfyUI" in done.stderr


def test_skipped_test_where_the_real_one_is_required_is_a_failure(clone, tmp_path):
    comfyui = make_comfyui(tmp_path / "ComfyUI")
    set_up(clone, comfyui)
    required = {"DISCOMFORT_REQUIRE_COMFYUI": "1", "COMFYUI_PATH": str(comfyui)}
    assert run_bootstrap(clone, "test", **required).returncode == 1
    assert run_bootstrap(clone, "test", "-k", "nothing", **required).returncode == 0


def test_failing_tests_give_their_exit_code(clone, tmp_path):
    comfyui = make_comfyui(tmp_path / "ComfyUI")
    set_up(clone, comfyui)
    (clone / "tests" / "test_bad.py").write_text("def test_bad():\n    assert False\n")
    assert run_bootstrap(clone, "test", COMFYUI_PATH=str(comfyui)).returncode == 1


def test_demo_runs_the_example_with_its_arguments_in_the_environment(clone, tmp_path):
    comfyui = make_comfyui(tmp_path / "ComfyUI")
    set_up(clone, comfyui)
    done = run_bootstrap(clone, "demo", "a picture.png", COMFYUI_PATH=str(comfyui))
    assert done.returncode == 7
    expected = f"demo ['a picture.png'] {comfyui} {clone / '.venv'}"
    assert done.stdout.splitlines()[-1] == expected


def test_demo_on_the_stand_in_says_so_at_its_beginning_and_at_its_end(clone):
    set_up(clone, clone / "tests" / "fakes")
    done = run_bootstrap(clone, "demo", COMFYUI_PATH=str(clone / "tests" / "fakes"))
    first, *_, last = done.stdout.splitlines()
    for line in (first, last):
        assert line.startswith("bootstrap: ") and "fake server of tests/fakes" in line
    assert "set COMFYUI_PATH" in last
    assert done.returncode == 7


def test_check_runs_its_program_in_the_environment_and_looks_for_no_comfyui(clone, tmp_path):
    make_venv(clone / ".venv", borrow=True)
    planned = plan_check(Clone(clone))
    planned.stamp_file.write_text(planned.stamp)
    done = run_bootstrap(clone, "check", "--fix", COMFYUI_PATH=str(tmp_path / "gone"))
    assert done.returncode == 5, done.stderr
    assert done.stdout.splitlines() == [f"check ['--fix'] {clone / '.venv'}"]


def test_check_and_tests_each_know_what_they_have_installed(clone, tmp_path):
    comfyui = make_comfyui(tmp_path / "ComfyUI")
    set_up(clone, comfyui)
    assert "installing into" in run_bootstrap(clone, "check").stdout
    assert f"{clone}[test,dev]" in plan_check(Clone(clone)).wanted
    assert f"{clone}[test]" in plan_installation(Clone(clone), comfyui).wanted
    # The interpreter is still there, and so is what the tests need.
    done = run_bootstrap(clone, "test", "-k", "nothing", COMFYUI_PATH=str(comfyui))
    assert "installing into" not in done.stdout and done.returncode == 0


@pytest.mark.skipif(sys.platform == "win32", reason="a console's Ctrl-C can't be sent from a test")
def test_interrupt_waits_for_what_runs_to_clean_up(clone, tmp_path):
    comfyui = make_comfyui(tmp_path / "ComfyUI")
    set_up(clone, comfyui)
    demo = clone / "examples" / "refine_image.py"
    shutil.copy(PROGRAMS / "clean_up_after_interrupt.py", demo)
    environment = {**os.environ, "COMFYUI_PATH": str(comfyui)}
    done = subprocess.run(
        [sys.executable, str(clone / "bootstrap.py"), "demo"],
        env=environment,
        capture_output=True,
        text=True,
        start_new_session=True,
        # A shell starts what it puts in the background with SIGINT ignored, and that is inherited.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        timeout=120,
        check=False,
    )
    assert done.stdout.splitlines()[-1] == "cleaned up"
    assert done.returncode == 3  # its exit code: it was waited for
    assert "Traceback" not in done.stderr


def test_wrong_comfyui_path_is_one_line(clone, tmp_path):
    done = run_bootstrap(clone, "test", COMFYUI_PATH=str(tmp_path / "gone"))
    assert done.returncode == 1
    assert done.stderr.startswith("bootstrap: the environment variable COMFYUI_PATH is")
    assert len(done.stderr.splitlines()) == 1


def test_comfyui_whose_own_environment_lacks_something_gets_the_one_command(clone, tmp_path):
    comfyui = make_comfyui(tmp_path / "ComfyUI")
    python = make_venv(comfyui / "venv", borrow=False)
    set_up(clone, comfyui)
    done = run_bootstrap(clone, "test", COMFYUI_PATH=str(comfyui))
    assert done.returncode == 1
    command = done.stderr.splitlines()[-1]
    assert str(python) in command
    assert "install" in command
    assert "cloudpickle>=3.0" in command
    assert "websocket-client>=1.6" in command
    assert not list((comfyui / "venv").rglob("cloudpickle"))


def test_installation_of_comfyui_that_fails_leaves_nothing_behind(clone, home, tmp_path):
    # The repository answers, and has the release, but comfy-cli itself can't be fetched.
    repository = tmp_path / "nowhere" / "github.com" / "comfyanonymous" / "ComfyUI"
    release = COMFYUI_RELEASE
    for arguments in (
        ["init", "-q", str(repository)],
        ["-C", str(repository), "-c", "user.name=t", "-c", "user.email=t@localhost"]
        + ["commit", "-q", "--allow-empty", "-m", "nothing"],
        ["-C", str(repository), "tag", f"v{release}"],
    ):
        subprocess.run([GIT or "git", *arguments], check=True)
    set_up(clone, clone / "tests" / "fakes")
    done = run_bootstrap(clone, "test")
    assert "installing ComfyUI" in done.stdout
    assert "no real ComfyUI (installing comfy-cli failed" in done.stdout
    assert done.returncode == 0, done.stderr
    assert list(finder.user_cache_dir().iterdir()) == []
