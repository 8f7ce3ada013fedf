"""The newest front end that our scripts were tested with: a package of its own, which a ComfyUI
serves instead of the one that it ships when it is started with `--front-end-root`.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from custom_nodes.discomfort.installation.installers import install
from custom_nodes.discomfort.worker.launch.find_comfyui import user_cache_dir
from support.servers import skip_or_fail

NEWEST = "1.58.1"
PACKAGE = f"comfyui-frontend-package=={NEWEST}"
STATIC = Path("comfyui_frontend_package") / "static"


def newest_front_end() -> Path:
    """Its folder below the user's cache folder, into which it is installed once.

    Skips the test, or fails it where nothing may be skipped, when it can't be had.
    """
    target = user_cache_dir() / f"front-end-{NEWEST}"
    if not (target / STATIC / "index.html").is_file():
        try:
            _install(target)
        except Exception as e:
            skip_or_fail(
                f"no front end {NEWEST} for a real ComfyUI: {PACKAGE} could not be installed at "
                f"{target}. {e}"
            )
    return target / STATIC


def _install(target: Path) -> None:
    """All happens in a folder beside the target, which is renamed when it is whole."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="installing-", dir=target.parent) as work:
        made = Path(work) / "made"
        wanted = ["--no-deps", "--target", str(made), PACKAGE]
        install(Path(sys.executable), wanted, f"the installation of {PACKAGE}")
        if not target.exists():  # two test runs may install it at the same time
            made.rename(target)
