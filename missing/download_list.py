"""Which of the missing models can be downloaded, to where, and why not the others. Pure.

`Downloads` is what `Discomfort.fetch_models` gives.
"""

from __future__ import annotations

import html
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ..downloads.names import why_not_allowed
from ..downloads.network import read_url
from ..errors import DownloadError, printable
from ..graph.needs.folders import folder_name
from ..graph.needs.nearest import is_same_file
from ..graph.needs.values import MissingFile
from .check_result import shown


@dataclass(frozen=True, slots=True)
class Download:
    """One model file.

    Attributes:
        folder: the kind of model, as ComfyUI calls it ("vae").
        path: where it goes, or is.
        size_bytes: None where its host did not say.
        sha256: of the content; None: the workflow has none, so that it can't be checked.
        state: "listed", "fetched", "declined", "left" (it can't be downloaded) or "failed".
        reason: why it was left, or failed.
    """

    name: str
    folder: str
    path: str
    url: str
    size_bytes: int | None = None
    sha256: str | None = None
    state: str = "listed"
    reason: str = ""

    def __str__(self) -> str:
        size = "size not known" if self.size_bytes is None else f"{self.size_bytes / 1e6:.1f} MB"
        digest = f"sha256 {self.sha256}" if self.sha256 else "no hash to check it by"
        where = shown(self.path or self.folder or "no folder known")
        lines = [f"{self.state}: {shown(self.name)} -> {where}"]
        if self.url:
            lines.append(f"    {shown(self.url)} ({size}, {digest})")
        if self.reason:
            lines.append(f"    {shown(self.reason)}")
        return printable("\n".join(lines))


class Downloads(tuple[Download, ...]):
    """What `fetch_models` did, or would do. Print it, or let a notebook show it."""

    __slots__ = ()

    def __str__(self) -> str:
        if not self:
            return "No model is missing."
        lines = [str(download) for download in self]
        if any(download.state == "listed" for download in self):
            lines.append("Nothing is downloaded yet: fetch_models(workflow, confirm=True) does it.")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(str(self))}</pre>"


def list_downloads(
    models: Collection[MissingFile],
    folders: Mapping[str, Collection[str]],
    not_models: Collection[str],
    allow_pickle: bool,
) -> list[Download]:
    """One `Download` for each model that an output needs.

    Args:
        folders: kind of model -> the folders in which the server looks for them.
        not_models: the kinds among them that are none.
    """
    known = {k: [Path(p) for p in v] for k, v in folders.items() if v and k not in not_models}
    found = {}
    for file in models:
        if not file.is_idle:
            download = _download(file, known, allow_pickle)
            found.setdefault((download.folder, download.name.casefold()), download)
    return list(found.values())


def _download(file: MissingFile, folders: Mapping[str, list[Path]], allow_pickle: bool) -> Download:
    source = file.source
    if source is None:
        reason = "the workflow does not say where it is from; put it there yourself"
        return Download(file.name, file.folder or "", "", "", state="left", reason=reason)
    kind = file.folder or folder_name(source.folder)
    path = _place(kind, folders[kind]) / source.name if kind in folders else None
    reason = next(_reasons(file, source.name, source.url, path, allow_pickle), "")
    return Download(
        source.name,
        kind,
        str(path) if path is not None and not reason else "",
        source.url,
        sha256=source.sha256,
        state="left" if reason else "listed",
        reason=reason,
    )


def _reasons(
    file: MissingFile, name: str, url: str, path: Path | None, allow_pickle: bool
) -> Iterator[str]:
    """Why it is not downloaded."""
    if file.nearest_folder is None and is_same_file(name, file.nearest):
        yield f"this ComfyUI has {file.nearest}: name that in the workflow"
    if path is None:
        yield "this ComfyUI has no folder for models of that kind"
    reason = why_not_allowed(name, allow_pickle)
    if reason is not None:
        yield reason
    try:
        read_url(url)
    except DownloadError as e:
        yield str(e)


def _place(kind: str, folders: list[Path]) -> Path:
    """The folder for new files: the first, but the one of today's name where ComfyUI itself has
    that of an older name before it ("unet", "diffusion_models").
    """
    today = folders[0].with_name(kind)
    return today if today in folders else folders[0]
