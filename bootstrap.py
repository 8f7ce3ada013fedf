"""Three commands that do everything on a fresh machine, from a fresh clone:

    python bootstrap.py demo [arguments of examples/refine_image.py]
    python bootstrap.py test [arguments of pytest]
    python bootstrap.py check [arguments of devtools/check.py: --fix, names of steps]

It makes `.venv` beside this file, finds ComfyUI or installs it into the user's cache folder (not
for a check), and runs. Standard library only. It writes to that cache folder and below this one:
`.venv`, what pip notes of the install (`discomfort.egg-info`), the demo's `output`, and
`node_modules` for a check of the JavaScript.
"""

import contextlib
import hashlib
import importlib.util
import os
import shutil
import stat
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import NamedTuple

# One set whose versions fit each other. The three are released together: move them together.
TORCH = ("torch==2.11.0", "torchvision==0.26.0", "torchaudio==2.11.0")
OLDEST_PYTHON, NEWEST_PYTHON = (3, 10), (3, 14)  # the builds that this torch has
COMFYUI_RELEASE = "0.33.0"  # the newest one that the suite was run on
COMFYUI_REPOSITORY = "https://github.com/comfyanonymous/ComfyUI"
COMFY_CLI = "comfy-cli==1.23.0"
# ComfyUI 0.3.64 imports it without naming it in its requirements.txt.
UNNAMED_BY_COMFYUI = ("requests",)

if not OLDEST_PYTHON <= sys.version_info[:2] <= NEWEST_PYTHON:
    # The annotations below would fail on an old Python before `main` could say why.
    sys.exit(
        "Discomfort needs Python {}.{} to {}.{}; this is {}.{} ({}). "
        "Start bootstrap.py with another one.".format(
            *OLDEST_PYTHON, *NEWEST_PYTHON, *sys.version_info[:2], sys.executable
        )
    )

HERE = Path(__file__).resolve().parent
ENVIRONMENT = HERE / ".venv"
# What was installed: for the demo and the tests, and for the check, which share `.venv`.
STAMP = ENVIRONMENT / "discomfort-stamp.txt"
CHECK_STAMP = ENVIRONMENT / "discomfort-check-stamp.txt"
FAKE_COMFYUI = HERE / "tests" / "fakes"
# Tests that need a real ComfyUI say this in the reason for which they are skipped.
SKIP_WORDS = "real ComfyUI"

# uv reads none of pip's variables; what a user has set for pip holds for uv too.
PIP_TO_UV = {
    "PIP_INDEX_URL": "UV_DEFAULT_INDEX",
    "PIP_EXTRA_INDEX_URL": "UV_INDEX",
    "PIP_FIND_LINKS": "UV_FIND_LINKS",
    "PIP_NO_INDEX": "UV_NO_INDEX",
    "PIP_CONSTRAINT": "UV_CONSTRAINT",
}


class SetupError(Exception):
    """The setup can't go on; the message says why and what to do."""


def main(argv: list[str]) -> int:
    """Run one of the commands; return the exit code."""
    commands = {"demo": run_demo, "test": run_tests, "check": run_check}
    if not argv or argv[0] not in commands:
        print((__doc__ or "").strip())
        return 0 if argv and argv[0] in ("-h", "--help") else 2
    try:
        return commands[argv[0]](argv[1:])
    except SetupError as e:
        print(f"bootstrap: {e}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def say(line: str) -> None:
    """Tell the user, ahead of what the programs that follow print."""
    print(f"bootstrap: {line}", flush=True)


def load_finder():
    """The package's own module that finds ComfyUI, loaded before the package can be imported."""
    path = HERE / "worker" / "launch" / "find_comfyui.py"
    spec = importlib.util.spec_from_file_location("discomfort_find_comfyui", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


finder = load_finder()


# --- ComfyUI


def choose_comfyui() -> Path:
    """The ComfyUI to run on: found, else installed, else the fake server of the tests."""
    why = "the one that was found is the fake server"
    try:
        found = finder.find_comfyui(project_dir=HERE)
        if found is None:
            why = install_comfyui(finder.installed_comfyui())
            found = finder.find_comfyui(project_dir=HERE)
    except FileNotFoundError as e:
        raise SetupError(str(e)) from None
    if found is not None and finder.is_comfyui(found):
        say(f"ComfyUI: {found}")
        return found
    if is_required():
        raise SetupError(
            f"DISCOMFORT_REQUIRE_COMFYUI is set, and there is no real ComfyUI ({why}). Set "
            f"COMFYUI_PATH to a ComfyUI folder, or put one at {finder.installed_comfyui()}."
        )
    say(f"no real ComfyUI ({why}): using the fake server of tests/fakes.")
    return found or FAKE_COMFYUI


def is_required() -> bool:
    return os.environ.get("DISCOMFORT_REQUIRE_COMFYUI", "") not in ("", "0")


def install_comfyui(target: Path) -> str:
    """Install ComfyUI at `target` with comfy-cli; return why that failed, "" when it did not.

    All happens in a temporary folder beside the target, which is renamed when it is whole: a
    clone that was cut off is never taken for a good one.
    """
    if target.exists():
        return f"{target} is there, but is no ComfyUI; remove it, and it is installed anew"
    why = repository_problem()
    if why:
        return why
    say(f"installing ComfyUI {COMFYUI_RELEASE} at {target} (about a minute, once)")
    target.parent.mkdir(parents=True, exist_ok=True)
    remove_leavings(target.parent)
    work = Path(tempfile.mkdtemp(prefix="installing-", dir=target.parent))
    try:
        python = make_venv(work / "venv")
        install(python, [COMFY_CLI], "installing comfy-cli")
        clone_with_comfy_cli(python, work)
        (work / "ComfyUI").rename(target)
    except (SetupError, OSError) as e:
        return one_line(e)
    finally:
        remove_tree(work)
    return ""


def repository_problem() -> str:
    """Why ComfyUI's repository can't be cloned from here; "" when it can. Seconds, not minutes."""
    git = shutil.which("git")
    if not git:
        return "git is not installed, so it could not be cloned"
    tag = f"refs/tags/v{COMFYUI_RELEASE}"
    try:
        done = subprocess.run(
            [git, "ls-remote", "--exit-code", COMFYUI_REPOSITORY, tag],
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=30,
            env={**os.environ, "GIT_TERMINAL_PROMPT": "0"},
        )
    except subprocess.TimeoutExpired:
        return f"{COMFYUI_REPOSITORY} did not answer within 30 s"
    if done.returncode == 0:
        return ""
    return one_line(done.stderr) or f"{COMFYUI_REPOSITORY} has no release {COMFYUI_RELEASE}"


def clone_with_comfy_cli(python: Path, work: Path) -> None:
    """Let comfy-cli clone ComfyUI into work/ComfyUI. Its requirements come later, into `.venv`.

    comfy-cli notes its latest workspace and its settings below the home folder; these belong to
    the user, so it is given a home of its own, and git the user's settings.
    """
    home = work / "home"
    for folder in (".config", "AppData/Local", "Library/Application Support"):
        (home / folder / "comfy-cli").mkdir(parents=True)
    environment = {
        **os.environ,
        "HOME": str(home),
        "USERPROFILE": str(home),
        "VIRTUAL_ENV": str(python.parent.parent),  # else it makes one inside the workspace
        "DO_NOT_TRACK": "1",
        "PYTHONUTF8": "1",  # it draws boxes, which a Windows code page may not have
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_HTTP_LOW_SPEED_LIMIT": "1000",
        "GIT_HTTP_LOW_SPEED_TIME": "30",
    }
    settings = [Path.home() / ".gitconfig", Path.home() / ".config" / "git" / "config"]
    existing = [path for path in settings if path.is_file()]
    if existing:
        environment.setdefault("GIT_CONFIG_GLOBAL", str(existing[0]))
    command = [str(python), "-m", "comfy_cli", "--skip-prompt", "--no-json"]
    command += ["--workspace", str(work / "ComfyUI"), "install", "--version", COMFYUI_RELEASE]
    # --cpu only answers its question for a GPU: with torch skipped, nothing depends on it.
    command += ["--cpu", "--skip-torch-or-directml", "--skip-requirement", "--skip-manager"]
    call(command, "comfy install", environment=environment, timeout=1200)
    if not finder.is_comfyui(work / "ComfyUI"):
        raise SetupError("comfy install ended without an error, but left no ComfyUI")


def check_comfyui_environment(comfyui: Path) -> None:
    """Refuse a ComfyUI whose own environment lacks one of our dependencies; install nothing."""
    python = finder.find_python(comfyui)
    if python is None:
        return
    try:
        missing = finder.missing_requirements(python, HERE / "requirements.txt")
    except (OSError, subprocess.TimeoutExpired) as e:
        raise SetupError(f"ComfyUI's own Python environment can't be used. {one_line(e)}") from None
    if missing:
        raise SetupError(
            f"ComfyUI runs with its own Python, and that lacks {', '.join(missing)}. "
            f"This installs it:\n{finder.install_command(python, missing)}"
        )


# --- our environment


class Installation(NamedTuple):
    """What `.venv` must hold, as arguments for pip or uv, and the stamp that stands for it."""

    wanted: list[str]
    stamp: str
    stamp_file: Path


def plan_installation(comfyui: Path) -> Installation:
    """What the demo and the tests need."""
    wanted = ["-e", f"{HERE}[test]", *TORCH]
    requirements = comfyui / "requirements.txt"
    if finder.find_python(comfyui) is None and requirements.is_file():
        # In the same run as TORCH: what ComfyUI asks of torch can't move the set.
        wanted += ["-r", str(requirements), *UNNAMED_BY_COMFYUI]
        return stamped(wanted, STAMP, requirements)
    return stamped(wanted, STAMP)


def plan_check() -> Installation:
    """What the check needs: its tools, and all that the code imports."""
    return stamped(["-e", f"{HERE}[test,dev]", *TORCH], CHECK_STAMP)


def stamped(wanted: list[str], stamp_file: Path, *more_files: Path) -> Installation:
    files = (HERE / "pyproject.toml", HERE / "requirements.txt", *more_files)
    texts = [*wanted, *(path.read_text(encoding="utf-8") for path in files)]
    stamp = hashlib.sha256("\0".join(texts).encode()).hexdigest()
    return Installation(wanted, stamp, stamp_file)


def prepare_environment(planned: Installation) -> Path:
    """Make `.venv` and install into it, unless its stamp says that all is there already."""
    wanted, stamp, stamp_file = planned
    python = finder.environment_python(ENVIRONMENT)
    if python and stamp_file.is_file() and stamp_file.read_text(encoding="utf-8") == stamp:
        return python
    say(f"installing into {ENVIRONMENT} (minutes the first time, seconds after that)")
    if python is None:
        python = make_venv(ENVIRONMENT)
    install(python, [*wanted, *torch_backend(python)], "the installation into .venv")
    stamp_file.write_text(stamp, encoding="utf-8")
    return python


def make_venv(folder: Path) -> Path:
    """Make a virtual environment with uv where it is there, else with `venv`."""
    remove_tree(folder)  # one without a working interpreter
    if find_uv():
        command = [find_uv(), "venv", "--quiet", "--python", sys.executable, str(folder)]
    else:
        command = [sys.executable, "-m", "venv", str(folder)]
    try:
        call(command, "making a virtual environment")
    except SetupError as e:
        remove_tree(folder)
        hint = "On Debian and Ubuntu, `apt install python3-venv` may help; so does uv."
        raise SetupError(f"{e} {hint}") from None
    python = finder.environment_python(folder)
    if python is None:
        raise SetupError(f"{folder} was made, but has no interpreter in it. Remove it.")
    return python


def install(python: Path, wanted: list[str], what: str) -> None:
    """Install with one run of the resolver, so that everything fits everything else."""
    if find_uv():
        command = [find_uv(), "pip", "install", "--python", str(python), *wanted]
    else:
        if subprocess.call([str(python), "-c", "import pip"], stderr=subprocess.DEVNULL):
            call([str(python), "-m", "ensurepip"], "adding pip to .venv")  # uv made this one
        command = [str(python), "-m", "pip", "install", *wanted]
    call(command, what, environment=uv_environment())


def torch_backend(python: Path) -> list[str]:
    """uv's option that picks torch's CPU build, or the one for this machine's GPU.

    These builds have an index of their own, which can't be reached from everywhere. One quick
    question tells; without it the plain registry serves, whose build may be larger than needed.
    """
    option = "--torch-backend=auto"
    if not find_uv() or "UV_TORCH_BACKEND" in os.environ:
        return []
    command = [find_uv(), "pip", "compile", "--quiet", "--no-deps", "--no-header", option]
    with contextlib.suppress(subprocess.TimeoutExpired):
        done = subprocess.run(
            [*command, "--python", str(python), "-"],
            input=TORCH[0],
            capture_output=True,
            text=True,
            timeout=30,
            env={**uv_environment(), "UV_HTTP_TIMEOUT": "8", "UV_HTTP_RETRIES": "0"},
        )
        if done.returncode == 0:
            return [option]
    say("the index of torch's own builds can't be reached; torch comes from the package registry.")
    return []


def find_uv() -> str:
    return shutil.which("uv") or ""


def uv_environment() -> dict[str, str]:
    """This process's environment; pip's settings said in uv's words where uv has none."""
    environment = dict(os.environ)
    has_index = any(name.startswith("UV_") and "INDEX" in name for name in environment)
    for pip_name, uv_name in PIP_TO_UV.items():
        if environment.get(pip_name) and uv_name not in environment:
            if has_index and "INDEX" in uv_name:
                continue  # uv has an index of its own
            separator = "," if uv_name == "UV_FIND_LINKS" else " "
            environment[uv_name] = separator.join(environment[pip_name].split())
    if "PIP_EXTRA_INDEX_URL" in os.environ and not has_index:
        environment["UV_INDEX_STRATEGY"] = "unsafe-best-match"  # what pip does with two indexes
    return environment


# --- running


def prepare_run() -> tuple[Path, dict[str, str]]:
    """The interpreter that the demo and the tests run with, and their environment variables."""
    comfyui = choose_comfyui()
    check_comfyui_environment(comfyui)
    return prepare_environment(plan_installation(comfyui)), run_environment(comfyui)


def run_environment(comfyui: Path) -> dict[str, str]:
    """This process's variables. Bytecode of a ComfyUI of the user's goes to our cache."""
    environment = {**os.environ, "COMFYUI_PATH": str(comfyui)}
    cache = finder.user_cache_dir()
    if cache not in comfyui.parents and HERE not in comfyui.parents:
        environment.setdefault("PYTHONPYCACHEPREFIX", str(cache / "pycache"))
    return environment


def run(command: list[str], environment: dict[str, str], folder: "Path | None" = None) -> int:
    """Run a program to its end, whose exit code is returned.

    Ctrl-C reaches it as well. It then has a worker to stop, and is given the time for that.
    """
    process = subprocess.Popen(command, cwd=folder, env=environment)
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            continue


def run_demo(arguments: list[str]) -> int:
    """Run the example that refines a picture."""
    python, environment = prepare_run()
    script = HERE / "examples" / "refine_image.py"
    return run([str(python), str(script), *arguments], environment)


def run_check(arguments: list[str]) -> int:
    """Run formatter, linter and type checkers. They need no ComfyUI."""
    python = prepare_environment(plan_check())
    script = HERE / "devtools" / "check.py"
    return run([str(python), str(script), *arguments], dict(os.environ))


def run_tests(arguments: list[str]) -> int:
    """Run pytest, then name what was skipped because there is no real ComfyUI."""
    python, environment = prepare_run()
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [str(python), "-m", "pytest", f"--junitxml={report}", *arguments]
        code = run(command, environment, HERE)
        names = skipped_tests(report)
    if names:
        print(f"\nskipped for want of a {SKIP_WORDS}: {len(names)} tests")
        print("\n".join(f"  {name}" for name in names), flush=True)
    if names and is_required() and code == 0:
        print("bootstrap: DISCOMFORT_REQUIRE_COMFYUI is set: that is a failure", file=sys.stderr)
        return 1
    return code


def skipped_tests(report: Path) -> list[str]:
    """Tests in a JUnit report that were skipped for want of a real ComfyUI."""
    if not report.is_file():  # the user gave pytest another --junitxml
        return []
    return [
        f"{case.get('classname')}::{case.get('name')}"
        for case in ElementTree.parse(report).iter("testcase")
        for skipped in case.iter("skipped")
        if SKIP_WORDS in (skipped.get("message") or "")
    ]


# --- small things


def call(command, what, environment=None, timeout=None):
    """Run a program whose output goes to the terminal; SetupError when it fails."""
    try:
        code = subprocess.run(
            command, env=environment, timeout=timeout, stdin=subprocess.DEVNULL
        ).returncode
    except subprocess.TimeoutExpired:
        raise SetupError(f"{what} took longer than {timeout} s.") from None
    except OSError as e:
        raise SetupError(f"{what} failed: {e}.") from None
    if code:
        raise SetupError(f"{what} failed with exit code {code}; its output is above.")


def one_line(error: object) -> str:
    """An error's last line that says something; git and others explain themselves at length."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    fatal = [line for line in lines if line.startswith(("fatal:", "error:"))]
    return (fatal or lines or [""])[-1]


def remove_leavings(folder: Path) -> None:
    """Remove what an installation that was killed a day ago or earlier left behind."""
    for old in folder.glob("installing-*"):
        with contextlib.suppress(OSError):
            if time.time() - old.stat().st_mtime > 86400:
                remove_tree(old)


def remove_tree(folder: Path) -> None:
    """Remove a folder, also git's read-only files, which Windows refuses to delete."""

    def make_writable(function, path, _):
        with contextlib.suppress(OSError):
            os.chmod(path, stat.S_IWRITE)
            function(path)

    if folder.exists():
        shutil.rmtree(folder, onerror=make_writable)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
