"""Shows a worker this extension, and further ones, without touching the user's install."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ...errors import WorkerStartError
from ...system.config import PACKAGE_DIR
from .worker_folder import link_folder


def link_extensions(nodes: Path, comfyui: Path, extra: Sequence[Path]) -> None:
    """Show ComfyUI this extension, unless it has it, and the `extra` ones."""
    wanted = {path.name: path for path in extra}
    wanted["discomfort_start"] = Path(__file__).with_name("say_imports")
    if not _has_extension(comfyui / "custom_nodes"):
        wanted["discomfort"] = PACKAGE_DIR
    for name, target in wanted.items():
        link = nodes / name
        if link.exists() or link.is_symlink():
            continue
        try:
            link_folder(link, target.resolve())
        except OSError as e:
            raise WorkerStartError(
                f"{target} can't be linked to as {link} ({e}): ComfyUI would not find it."
            ) from e


def _has_extension(custom_nodes: Path) -> bool:
    if not custom_nodes.is_dir():
        return False
    return any(
        entry.resolve() == PACKAGE_DIR
        for entry in custom_nodes.iterdir()
        if not entry.name.endswith(".disabled")
    )
