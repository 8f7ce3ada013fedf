"""The last /object_info of each ComfyUI, kept in the user's cache folder.

Written when a connector has asked for it, read by whoever needs node classes and has no server.
What can't be read, or is no such file, is as if it were not there.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import gzip
import hashlib
import json
import logging
import os
import re
import threading
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..errors import WorkerStartError
from ..system.config import PACKAGE_DIR, WorkerConfig
from ..system.files import write_file
from ..system.plain_files import read_plain
from ..system.user_folders import make_private
from .launch.find_comfyui import find_comfyui, user_cache_dir
from .launch.settings import WorkerOptions

log = logging.getLogger("discomfort.worker")

_FORMAT = 1
_MOST_FILES = 8
_MOST_BYTES = 32 << 20  # of a file
_MOST_UNPACKED = 256 << 20
_WAIT_S = 10.0
_LATEST = 1e11  # seconds since 1970: the year 5138
_to_keep: list[Callable[[], None]] = []
_being_kept: list[threading.Thread] = []
_VERSION = re.compile(r"__version__\s*=\s*[\"']([^\"']{1,40})[\"']")
# Of a pack: what an update of it changes, and its import does not.
_SIGNS = ("__init__.py", "pyproject.toml", ".git/HEAD", ".git/logs/HEAD")


@dataclass(frozen=True, slots=True)
class Identity:
    """Which ComfyUI: its folder or address, its version, and the state of its node packs."""

    place: str
    version: str = ""
    packs: str = ""


@dataclass(frozen=True, slots=True)
class KeptClasses:
    """What was kept.

    Attributes:
        saved_at: seconds since 1970.
        pack_rules: what node packs brought; None: nothing is known of that.
    """

    identity: Identity
    saved_at: float
    object_info: Mapping[str, Any]
    pack_rules: Any = None


def identity_of(config: WorkerConfig, options: WorkerOptions | None = None) -> Identity:
    """The ComfyUI that this configuration stands for, as it is on the disk now.

    Raises:
        WorkerStartError: there is none.
    """
    if config.ATTACH_URL:
        return Identity(config.ATTACH_URL.strip().rstrip("/"))
    try:
        comfyui = find_comfyui(config.COMFYUI_PATH, PACKAGE_DIR)
    except FileNotFoundError as e:
        raise WorkerStartError(str(e)) from e
    if comfyui is None:
        raise WorkerStartError("ComfyUI was not found. Set COMFYUI_PATH to its folder.")
    extra = options.extra_custom_nodes if options is not None else ()
    folders = [comfyui / "custom_nodes", *map(Path, extra)]
    return Identity(str(comfyui.resolve()), _version_of(comfyui), packs_digest(folders))


def packs_digest(folders: Iterable[Path]) -> str:
    """A digest of the node packs in some folders: their names, and dates and sizes of few files."""
    signs = [list(_signs_of(folder)) for folder in folders]
    return hashlib.sha256(json.dumps(signs).encode()).hexdigest()[:32]


def _signs_of(folder: Path) -> Iterator[list[Any]]:
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return
    for name in names:
        path = folder / name
        if name.startswith((".", "__")) or name.endswith(".disabled"):
            continue
        if path.is_dir():
            yield [name, *(_sign_of(path / sign) for sign in _SIGNS)]
        elif name.endswith(".py"):
            yield [name, _sign_of(path)]


def _sign_of(path: Path) -> list[int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return [found.st_mtime_ns, found.st_size]


def _version_of(comfyui: Path) -> str:
    try:
        with open(comfyui / "comfyui_version.py", encoding="utf-8", errors="replace") as file:
            found = _VERSION.search(file.read(4096))
    except OSError:
        return ""
    return found[1] if found else ""


def kept_folder() -> Path:
    """Where they are kept. It need not exist."""
    return user_cache_dir() / "object_info"


def keep_later(
    identity: Callable[[], Identity], object_info: Mapping[str, Any], pack_rules: Any = None
) -> None:
    """`keep` at the next `keep_now`, or when this process ends. A failure is logged only.

    To pack them takes 0.03 s, which a script that joins a worker has better use for at first.
    """
    _to_keep.append(functools.partial(_keep_quietly, identity, object_info, pack_rules))


def keep_now() -> None:
    """Keep what is to be kept, in threads, which `find_kept` waits for. Costs nothing otherwise."""
    with contextlib.suppress(IndexError):  # another thread was quicker
        while _to_keep:
            thread = threading.Thread(target=_to_keep.pop())
            _being_kept.append(thread)
            thread.start()


@atexit.register
def _keep_rest() -> None:
    """No thread can be started any more."""
    while _to_keep:
        _to_keep.pop()()


def _keep_quietly(
    identity: Callable[[], Identity], object_info: Mapping[str, Any], pack_rules: Any
) -> None:
    try:
        keep(identity(), object_info, pack_rules=pack_rules)
    except (OSError, ValueError, TypeError, WorkerStartError) as e:
        log.debug("The node classes of a server were not kept: %s", e)


def keep(
    identity: Identity,
    object_info: Mapping[str, Any],
    folder: Path | None = None,
    pack_rules: Any = None,
) -> Path | None:
    """Keep what a server answered, in place of what was kept of that ComfyUI; None: too large.

    Raises:
        OSError: it can't be written.
    """
    folder = folder or kept_folder()
    make_private(folder, "XDG_CACHE_HOME")
    data = {
        "format": _FORMAT,
        **asdict(identity),
        "saved_at": time.time(),
        "object_info": object_info,
        "pack_rules": pack_rules,
    }
    packed = gzip.compress(json.dumps(data).encode(), 5, mtime=0)
    if len(packed) > _MOST_BYTES:
        return None
    name = hashlib.sha256(identity.place.encode("utf-8", "surrogatepass")).hexdigest()[:32]
    path = folder / f"{name}.json.gz"
    write_file(path, lambda file: file.write(packed), is_private=True)
    for old in _newest_first(folder)[_MOST_FILES:]:
        old.unlink(missing_ok=True)
    return path


def find_kept(identity: Identity | None, folder: Path | None = None) -> KeptClasses | None:
    """What was kept of a ComfyUI; of another one, the newest, if there is nothing of it."""
    keep_now()
    while _being_kept:
        _being_kept.pop().join(_WAIT_S)
    files = _newest_first(folder or kept_folder())
    if identity is not None:
        name = hashlib.sha256(identity.place.encode("utf-8", "surrogatepass")).hexdigest()[:32]
        files.sort(key=lambda path: path.name != f"{name}.json.gz")
    return next((kept for path in files if (kept := _read(path)) is not None), None)


def _newest_first(folder: Path) -> list[Path]:
    dated = []
    try:
        for path in folder.glob("*.json.gz"):
            dated.append((path.lstat().st_mtime_ns, path))
    except OSError:
        return []
    return [path for _, path in sorted(dated, reverse=True)]


def _read(path: Path) -> KeptClasses | None:
    try:
        packed = read_plain(path, most_bytes=_MOST_BYTES + 1)
        unpacker = zlib.decompressobj(zlib.MAX_WBITS | 16)
        text = unpacker.decompress(packed, _MOST_UNPACKED)
        data = json.loads(text) if unpacker.eof else None
    except (OSError, ValueError, zlib.error, RecursionError):
        return None
    if not isinstance(data, dict) or data.get("format") != _FORMAT:
        return None
    info, saved_at = data.get("object_info"), data.get("saved_at")
    texts = [v for key in ("place", "version", "packs") if isinstance(v := data.get(key), str)]
    if len(texts) < 3 or not isinstance(info, dict) or not isinstance(saved_at, (int, float)):
        return None
    if not 0 <= saved_at < _LATEST:
        return None
    classes = {k: v for k, v in info.items() if isinstance(v, dict)}
    return KeptClasses(Identity(*texts), float(saved_at), classes, data.get("pack_rules"))
