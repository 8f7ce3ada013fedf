"""Format, lint and types of all that is here: what `python bootstrap.py check` runs in `.venv`.

    python bootstrap.py check [--fix] [format | lint | types | eslint | tsc ...]

Without a name it takes all steps. Each says its result in a line, below what its tool found; one
that found something makes the exit code 1. ruff and pyright come with the `dev` extra, the two for
JavaScript from npm, on a machine that has it. Nothing of the package is imported: it may be broken.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# Where pyproject.toml tells pyright to look.
TYPING = ROOT / ".venv" / "typing"
NODE_MODULES = ROOT / "node_modules"
NPM_STAMP = NODE_MODULES / ".discomfort-stamp"

RUFF = (sys.executable, "-m", "ruff")
PYTHON_STEPS = {
    "format": (*RUFF, "format", "--check", "."),
    "lint": (*RUFF, "check", "."),
    "types": (sys.executable, "-m", "pyright"),
}
NPM_STEPS = {
    "eslint": ("npx", "eslint", "."),
    "tsc": ("npx", "tsc", "-p", "."),
}
FIXES = ((*RUFF, "format", "."), (*RUFF, "check", "--fix", "."))
# The newest pyright is not what is asked for.
ENVIRONMENT = {**os.environ, "PYRIGHT_PYTHON_IGNORE_WARNINGS": "1"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Take the steps that are asked for; 1 when one of them found something."""
    parser = argparse.ArgumentParser(prog="bootstrap.py check", description="Format, lint, types.")
    parser.add_argument("steps", nargs="*", help=f"of {', '.join((*PYTHON_STEPS, *NPM_STEPS))}")
    parser.add_argument("--fix", action="store_true", help="let ruff mend what it can, first")
    options = parser.parse_args(arguments)
    wanted = options.steps or [*PYTHON_STEPS, *NPM_STEPS]
    if unknown := set(wanted) - {*PYTHON_STEPS, *NPM_STEPS}:
        parser.error(f"there is no step {', '.join(sorted(unknown))}")
    if options.fix:
        for command in FIXES:
            run(command)
    link_checkout()
    results = [take(name, PYTHON_STEPS[name]) for name in PYTHON_STEPS if name in wanted]
    results += check_javascript([name for name in NPM_STEPS if name in wanted])
    return 0 if all(results) else 1


def take(name: str, command: Sequence[str]) -> bool:
    """Run one step and say how it went; what its tool printed is shown when it found something."""
    done = run(command, capture=True)
    if done.returncode == 0:
        report(name, "ok")
        return True
    print(done.stdout.strip(), flush=True)
    tool = command[2:] if command[0] == sys.executable else command
    report(name, f"found something ({' '.join(tool)})")
    return False


def check_javascript(names: Sequence[str]) -> list[bool]:
    """The steps of npm, once their packages are there."""
    if not names:
        return []
    together = ", ".join(names)
    if not (ROOT / "package.json").is_file():
        report(together, "skipped: there is no package.json")
        return []
    if not (shutil.which("npm") and shutil.which("npx")):
        report(together, "skipped: there is no npm on this machine")
        return []
    if not install_packages():
        report(together, "could not run: npm install failed")
        return [False]
    return [take(name, NPM_STEPS[name]) for name in names]


def install_packages() -> bool:
    """npm's packages, when node_modules is missing or was made for other versions."""
    files = [ROOT / "package.json", ROOT / "package-lock.json"]
    texts = [path.read_bytes() for path in files if path.is_file()]
    stamp = hashlib.sha256(b"\0".join(texts)).hexdigest()
    if NPM_STAMP.is_file() and NPM_STAMP.read_text(encoding="utf-8") == stamp:
        return True
    done = run(("npm", "install", "--no-audit", "--no-fund"), capture=True)
    if done.returncode:
        print(done.stdout.strip(), flush=True)
        return False
    NODE_MODULES.mkdir(exist_ok=True)
    NPM_STAMP.write_text(stamp, encoding="utf-8")
    return True


def link_checkout() -> None:
    """Make this checkout known as the package, for pyright and for editors."""
    for link in (TYPING / "discomfort", TYPING / "custom_nodes" / "discomfort"):
        if os.path.lexists(link):
            if link.resolve() == ROOT:
                continue
            link.rmdir() if sys.platform == "win32" else link.unlink()  # the checkout was moved
        link.parent.mkdir(parents=True, exist_ok=True)
        if sys.platform == "win32":
            import _winapi

            _winapi.CreateJunction(str(ROOT), str(link))  # a symbolic link needs a privilege
        else:
            link.symlink_to(ROOT, target_is_directory=True)


def run(command: Sequence[str], capture: bool = False) -> subprocess.CompletedProcess[str]:
    """Run a program in the checkout to its end; `capture`: both its outputs as one text."""
    program = shutil.which(command[0]) or command[0]  # npm is a .cmd on Windows
    output = subprocess.PIPE if capture else None
    return subprocess.run(
        [program, *command[1:]],
        cwd=ROOT,
        env=ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT if capture else None,
        encoding="utf-8",
        errors="replace",
        check=False,
    )


def report(step: str, result: str) -> None:
    print(f"check: {step}: {result}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
