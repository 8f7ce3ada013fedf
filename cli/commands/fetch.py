"""`discomfort fetch`: downloads the models that workflows lack."""

from __future__ import annotations

import sys
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..failures import DONE, FAILED, UsageFailed
from ..options import JsonOption, WorkflowsArgument
from ..output import answer, ask, say
from ..shell_words import in_shell_words
from ..worker import WorkerChoice, with_worker

if TYPE_CHECKING:
    from ...discomfort import Discomfort
    from ...missing.download_list import Download, Downloads


@dataclass(frozen=True, slots=True)
class FetchChoice:
    """What may be downloaded."""

    yes: Annotated[
        bool,
        typer.Option(
            "--yes", "-y", help="Download without asking. Default: ask, and refuse if nobody can."
        ),
    ] = False
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only list what would be downloaded.")
    ] = False
    allow_pickle: Annotated[
        bool,
        typer.Option(
            "--allow-pickle",
            help="Also formats that may run code when read (.ckpt, .pt). Default: refused.",
        ),
    ] = False
    allow_private: Annotated[
        bool,
        typer.Option(
            "--allow-private",
            help="Also from this machine and private networks. Default: refused.",
        ),
    ] = False


def fetch(
    workflows: WorkflowsArgument,
    what: FetchChoice,
    worker: WorkerChoice,
    json: JsonOption = False,
) -> int:
    """Download the models that workflows need and your ComfyUI lacks, after asking.

    From where the workflow says, into the folders of your ComfyUI; nothing is replaced, and one
    that broke off is gone on with. The exit code is 1 when a model is still missing, else 0.

    Example: discomfort fetch flux.json --dry-run
    """
    if not (what.yes or what.dry_run) and not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageFailed(
            "Nobody can be asked here whether to download. Say --yes to download all, or --dry-run "
            "to list it."
        )
    found = with_worker(worker, lambda discomfort: _fetch(discomfort, workflows, what))
    fields = {"workflows": workflows, "downloads": [asdict(download) for download in found]}
    text = in_shell_words("\n".join(map(str, found))) or "No model is missing."
    answer(json, "fetch", text, fields)
    is_left = any(download.state != "fetched" for download in found)
    return FAILED if is_left and not what.dry_run else DONE


async def _fetch(discomfort: Discomfort, workflows: list[str], what: FetchChoice) -> Downloads:
    options: dict[str, Any] = {
        "allow_pickle": what.allow_pickle,
        "allow_private": what.allow_private,
    }
    if what.dry_run:
        return await discomfort.fetch_models(workflows, confirm=None, **options)
    if not what.yes:
        listed = await discomfort.fetch_models(workflows, confirm=None, **options)
        if not any(download.state == "listed" for download in listed) or not _is_wanted(listed):
            return listed
    return await discomfort.fetch_models(workflows, confirm=True, **options)


def _is_wanted(listed: Downloads) -> bool:
    """Show what would be downloaded, and ask once."""
    wanted = [download for download in listed if download.state == "listed"]
    for download in wanted:
        say(str(download))
    return ask(f"Download {_amount(wanted)}? [y/N] ")


def _amount(wanted: list[Download]) -> str:
    known = sum(download.size_bytes or 0 for download in wanted)
    more = " and more" if any(download.size_bytes is None for download in wanted) else ""
    word = "model" if len(wanted) == 1 else "models"
    return f"{len(wanted)} {word}, {known / 1e9:.2f} GB{more}"
