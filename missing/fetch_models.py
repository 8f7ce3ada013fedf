"""`Discomfort.fetch_models`: lists, asks, and downloads the models that workflows lack."""

from __future__ import annotations

import asyncio
import inspect
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from ..comfy_serverless import NO_MODELS
from ..downloads.fetch_file import Wanted, ask_size, fetch_file
from ..downloads.network import Network
from ..downloads.part_file import begun_bytes
from ..errors import DownloadError
from ..run.engine import Engine, Workflows
from ..system.notebook import bar_class
from ..system.terminal import is_watched
from .check import check
from .download_list import Download, Downloads, list_downloads

if TYPE_CHECKING:
    from ..workflow_context import WorkflowContext

Confirm: TypeAlias = "bool | Callable[[Download], Any] | None"
OnProgress: TypeAlias = "Callable[[Download, int, int], Any]"

_ASKED_AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class FetchOptions:
    """As `Discomfort.fetch_models` takes them.

    Attributes:
        network: how hosts are found; None: as they are, and the internet's addresses only unless
            `allow_private`.
    """

    confirm: Confirm = None
    allow_pickle: bool = False
    allow_private: bool = False
    progress: bool | OnProgress | None = None
    network: Network | None = None

    def __post_init__(self) -> None:
        for name in ("confirm", "progress"):
            value = getattr(self, name)
            if not (value is None or isinstance(value, bool) or callable(value)):
                raise TypeError(f"{name} must be True, False, None or a function, not {value!r}.")
        for name in ("allow_pickle", "allow_private"):
            if not isinstance(getattr(self, name), bool):
                raise TypeError(f"{name} must be True or False, not {getattr(self, name)!r}.")


async def fetch_models(
    engine: Engine,
    workflows: Workflows,
    inputs: Mapping[str, Any] | None,
    context: WorkflowContext | None,
    options: FetchOptions,
) -> Downloads:
    """See `Discomfort.fetch_models`."""
    found = await check(engine, workflows, inputs, context)
    network = options.network or _network(options.allow_private)
    listed = list_downloads(
        found.models, engine.worker.model_folders, NO_MODELS, options.allow_pickle
    )
    listed = await _with_sizes(listed, network)
    if options.confirm is None or options.confirm is False:
        return Downloads(listed)
    _check_room(listed)
    done = []
    try:
        for download in listed:
            done.append(await _one(download, network, options))
    finally:
        if any(download.state == "fetched" for download in done):
            await engine.worker.look_again()
    downloads = Downloads(done)
    failed = [download for download in downloads if download.state == "failed"]
    if failed:
        lines = "\n".join(f"  {download.name}: {download.reason}" for download in failed)
        error = DownloadError(f"{len(failed)} of {len(done)} models did not come:\n{lines}")
        error.downloads = downloads
        raise error
    return downloads


def _network(allow_private: bool) -> Network:
    return Network(is_allowed=lambda _: True) if allow_private else Network()


async def _with_sizes(listed: list[Download], network: Network) -> list[Download]:
    """The same with their sizes, as far as the hosts say them; else with why not."""
    turn = asyncio.Semaphore(_ASKED_AT_ONCE)

    async def ask(download: Download) -> Download:
        if download.state != "listed":
            return download
        async with turn:
            try:
                return replace(download, size_bytes=await ask_size(download.url, network))
            except DownloadError as e:
                return replace(download, reason=str(e))

    return list(await asyncio.gather(*map(ask, listed)))


def _check_room(listed: list[Download]) -> None:
    """See that all together find room, before the first is begun.

    Raises:
        DownloadError: on one disk they don't.
    """
    needed: dict[int, tuple[Path, int]] = {}
    for download in listed:
        if download.state == "listed" and download.size_bytes is not None:
            place = _existing(Path(download.path).parent)
            missing = download.size_bytes - begun_bytes(Path(download.path))
            device = os.stat(place).st_dev
            needed[device] = (place, needed.get(device, (place, 0))[1] + missing)
    for place, size in needed.values():
        free = shutil.disk_usage(place).free
        if free < size:
            raise DownloadError(
                f"There is no room for all of them: they need {size / 1e9:.1f} GB, and {place} has "
                f"{free / 1e9:.1f} GB free. Nothing was downloaded."
            )


def _existing(folder: Path) -> Path:
    return next(p for p in (folder, *folder.parents) if p.is_dir())


async def _one(download: Download, network: Network, options: FetchOptions) -> Download:
    """One file, if it is wanted; what became of it."""
    if download.state != "listed":
        return download
    if callable(options.confirm):
        answer = options.confirm(download)
        if not (await answer if inspect.isawaitable(answer) else answer):
            return replace(download, state="declined", reason="")
    path = Path(download.path)
    wanted = Wanted(download.url, download.name, path.parent, download.sha256, download.size_bytes)
    shown = _Progress(download, options.progress)
    try:
        await fetch_file(wanted, network, shown.note)
    except DownloadError as e:
        return replace(download, state="failed", reason=str(e))
    finally:
        shown.close()
    reason = "" if download.sha256 else "there was no hash to check it by"
    size = shown.size_bytes
    return replace(download, state="fetched", size_bytes=size, reason=reason)


class _Progress:
    """A bar, a function of the caller's, or nothing. `note` is called in a thread.

    Attributes:
        size_bytes: of the file, once its host has said it.
    """

    def __init__(self, download: Download, wanted: bool | OnProgress | None):
        self._download, self._bar = download, None
        self.size_bytes = download.size_bytes
        self._loop = asyncio.get_running_loop()
        self._call = None if wanted is None or isinstance(wanted, bool) else wanted
        if wanted is True or (wanted is None and is_watched()):
            size = download.size_bytes
            self._bar = bar_class()(total=size, unit="B", unit_scale=True, desc=download.name)

    def note(self, done_bytes: int, size_bytes: int) -> None:
        self.size_bytes = size_bytes
        if self._bar is not None:
            self._bar.total = size_bytes
            self._bar.update(done_bytes - self._bar.n)
        if self._call is not None:
            self._loop.call_soon_threadsafe(self._call, self._download, done_bytes, size_bytes)

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()
