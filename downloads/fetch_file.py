"""Downloads one file into a folder: whole and checked, or not at all under its name.

What was there before is never replaced. A download that broke is gone on with at the next try.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from ..errors import DownloadError
from ..system.locks import OwnerLock
from .names import why_not_plain
from .network import Network, Stop, read_url, request
from .part_file import PartFile, Version

_CHUNK = 1 << 20
_KEPT_FREE_BYTES = 64 << 20  # of the disk, for everybody else
_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")
_MOST_HEADER = 100 << 20  # of a safetensors file, as its own reader allows

T = TypeVar("T")
OnProgress = Callable[[int, int], object]  # bytes that are there, bytes of the whole file


@dataclass(frozen=True, slots=True)
class Wanted:
    """One file to download.

    Attributes:
        folder: where it goes; made if absent.
        sha256: of its content, if that is known.
        size_bytes: what the host said before; another size then is another file.
    """

    url: str
    name: str
    folder: Path
    sha256: str | None = None
    size_bytes: int | None = None


async def fetch_file(wanted: Wanted, network: Network, on_progress: OnProgress) -> str:
    """Download a file; a cancellation ends it, and keeps what came for the next try.

    Args:
        on_progress: called in a thread.

    Returns:
        The sha256 of what came.

    Raises:
        DownloadError: says why, and what to do.
    """
    return await _aside(lambda stop: _fetch(wanted, network, stop, on_progress))


async def ask_size(url: str, network: Network) -> int:
    """The bytes of a file, as its host says.

    Raises:
        DownloadError: it does not.
    """
    return await _aside(lambda stop: _ask_size(url, network, stop))


async def _aside(work: Callable[[Stop], T]) -> T:
    """Work in a thread that ends when this is cancelled, before this does."""
    stop = Stop()
    done = asyncio.ensure_future(asyncio.to_thread(work, stop))
    try:
        return await asyncio.shield(done)
    except asyncio.CancelledError:
        stop.set()
        await asyncio.wait((done,))
        if not done.cancelled():
            done.exception()  # it was looked at
        raise


def _ask_size(url: str, network: Network, stop: Stop) -> int:
    # No HEAD: what a host redirects to may be signed for GET alone. The first byte will do.
    with request("GET", url, {"Range": "bytes=0-0"}, network, stop) as answer:
        _check_status(answer, url)
        found = _RANGE.fullmatch(answer.headers.get("Content-Range", ""))
        return int(found[3]) if found and answer.status == 206 else _length(answer, url)


def _fetch(wanted: Wanted, network: Network, stop: Stop, on_progress: OnProgress) -> str:
    reason = why_not_plain(wanted.name)
    if reason is not None:
        raise DownloadError(f"{wanted.name!r} is not downloaded: {reason}.")
    folder = _real_folder(wanted.folder)
    target = folder / wanted.name
    lock = OwnerLock(target.with_name(f"{wanted.name}.part.lock"))
    if not lock.acquire():
        raise DownloadError(f"{target} is being downloaded by another process.")
    try:
        if os.path.lexists(target):
            raise DownloadError(f"{target} is there already, and was left as it is.")
        part = PartFile(target)
        try:
            size = _receive(part, wanted, network, stop, on_progress)
            _check_whole(part, wanted, size)
            if _real_folder(wanted.folder) != folder:
                raise DownloadError(f"{wanted.folder} became another folder meanwhile.")
            part.put_in_place()
            return part.sha256
        finally:
            part.close()
    finally:
        lock.release()


def _real_folder(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return Path(os.path.realpath(folder))
    except OSError as e:
        raise DownloadError(f"The folder {folder} can't be used: {e.strerror or e}.") from e


def _receive(
    part: PartFile, wanted: Wanted, network: Network, stop: Stop, on_progress: OnProgress
) -> int:
    """Write what the host sends; the size of the whole file."""
    known = part.known_version(wanted.url)
    headers: dict[str, str] = {}
    if known is not None:
        part.go_on()
        if part.size_bytes == known.size_bytes:
            return known.size_bytes
        headers = {"Range": f"bytes={part.size_bytes}-", "If-Range": known.etag}
    with request("GET", wanted.url, headers, network, stop) as answer:
        _check_status(answer, wanted.url)
        is_rest = answer.status == 206
        size = _size_of_rest(answer, part, known) if is_rest else _length(answer, wanted.url)
        if wanted.size_bytes is not None and size != wanted.size_bytes:
            raise DownloadError(
                f"{wanted.name} has {size} bytes now, and had {wanted.size_bytes} when it was "
                "asked about. Try again."
            )
        if not is_rest:
            part.begin(Version(wanted.url, _strong_etag(answer), size))
        _check_room(part, size)
        while part.size_bytes < size:
            try:
                data = answer.read(min(_CHUNK, size - part.size_bytes))
            except (OSError, http.client.HTTPException) as e:
                stop.check()
                raise _broken(part, size, str(e) or type(e).__name__) from e
            stop.check()
            if not data:
                raise _broken(part, size, "the host ended the connection")
            part.write(data)
            on_progress(part.size_bytes, size)
    return size


def _broken(part: PartFile, size: int, reason: str) -> DownloadError:
    return DownloadError(
        f"{part.target.name} came only in part, {part.size_bytes} of {size} bytes: {reason}. "
        "Another try goes on there."
    )


def _check_status(answer: http.client.HTTPResponse, url: str) -> None:
    host, status = read_url(url).host, answer.status
    if status in (200, 206):
        if answer.headers.get("Content-Encoding", "identity") != "identity":
            raise DownloadError(f"{host} sends the file in a form that was not asked for.")
        return
    if status in (401, 403):
        keys = {"huggingface.co": "HF_TOKEN", "civitai.com": "CIVITAI_API_TOKEN"}
        what = f"set {keys[host]} to a key of yours" if host in keys else "sign in in a browser"
        raise DownloadError(
            f"{host} wants to know who asks (status {status}): accept its conditions for this "
            f"file on its page, if there are any, and {what}."
        )
    raise DownloadError(f"{host} does not give {url}: status {status}.")


def _length(answer: http.client.HTTPResponse, url: str) -> int:
    said = answer.headers.get("Content-Length", "")
    if not re.fullmatch(r"[0-9]{1,18}", said) or answer.headers.get("Transfer-Encoding"):
        raise DownloadError(
            f"{read_url(url).host} does not say how large the file is, so it is not downloaded. "
            "Download it in a browser."
        )
    return int(said)


def _size_of_rest(answer: http.client.HTTPResponse, part: PartFile, known: Version | None) -> int:
    found = _RANGE.fullmatch(answer.headers.get("Content-Range", ""))
    numbers = [int(n) for n in found.groups()] if found else []
    if known is None or numbers != [part.size_bytes, known.size_bytes - 1, known.size_bytes]:
        part.remove()
        raise DownloadError("The host sent another part than was asked for. Try again.")
    return known.size_bytes


def _strong_etag(answer: http.client.HTTPResponse) -> str:
    """What tells whether the file is still the same, byte for byte; "" where nothing does."""
    etag = answer.headers.get("ETag", "")
    return etag if re.fullmatch(r'"[\x21\x23-\x7e]{1,300}"', etag) else ""


def _check_room(part: PartFile, size: int) -> None:
    free = shutil.disk_usage(part.target.parent).free
    needed = size - part.size_bytes
    if free < needed + _KEPT_FREE_BYTES:
        raise DownloadError(
            f"There is no room for {part.target.name}: it needs {_gigabytes(needed)}, and "
            f"{part.target.parent} has {_gigabytes(free)} free."
        )


def _gigabytes(size: int) -> str:
    return f"{size / (1 << 30):.2f} GiB"


def _check_whole(part: PartFile, wanted: Wanted, size: int) -> None:
    """See that what came is what was asked for; what is not is removed."""
    reason = None
    if wanted.sha256 is not None and part.sha256 != wanted.sha256.lower():
        reason = f"its sha256 is {part.sha256}, and the workflow says {wanted.sha256.lower()}"
    elif not _has_form(part, wanted.name.lower(), size):
        reason = "it is no file of the kind that its name says (a page that asks to sign in?)"
    if reason is not None:
        part.remove()
        raise DownloadError(f"{wanted.name} is not what was asked for: {reason}. It was removed.")


def _has_form(part: PartFile, name: str, size: int) -> bool:
    """Whether it is of the format that its name says, and as long as it says itself.

    Source: the format of safetensors: the length of a JSON head, the head, then what it lists.
    """
    if name.endswith(".gguf"):
        return part.first_bytes(4) == b"GGUF"
    if not name.endswith((".safetensors", ".sft")):
        return True
    length = int.from_bytes(part.first_bytes(8), "little")
    if not 2 <= length <= min(size - 8, _MOST_HEADER):
        return False
    try:
        head = json.loads(part.first_bytes(8 + length)[8:])
        ends = [about["data_offsets"][1] for key, about in head.items() if key != "__metadata__"]
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return False
    return max(ends, default=0) == size - 8 - length
