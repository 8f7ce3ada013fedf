"""The files that a script names by a `Path`, opened as the type of the port asks for.

Pictures become pixels here. Of sound and video the bytes are taken: PyAV, which reads them, is
where ComfyUI is.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .picture_files import open_drawn_mask, open_frames

# How files begin of what `sound.py` and ComfyUI's video take: what else is there is told at once.
_SOUNDS = re.compile(
    rb"RIFF.{4}WAVE|fLaC|ID3|FORM.{4}AIF|\xff[\xe0-\xff]|\.snd|caff|riff.{12}wave", re.DOTALL
)
_VIDEOS = re.compile(
    rb".{4}(ftyp|moov|mdat|wide|free|skip)|\x1aE\xdf\xa3|RIFF.{4}AVI |OggS|FLV|\x47.{3}"
    rb"|\x00\x00\x01[\xb3\xba]|\x30\x26\xb2\x75",
    re.DOTALL,
)
_HEAD_BYTES = 32


def names_files(value: Any) -> bool:
    """Whether a value is a path, or a list of them. Text never is: it may be a stranger's."""
    items = value if isinstance(value, list) else [value]
    return bool(items) and all(map(_is_path, items))


def _is_path(item: Any) -> bool:
    """A `Path`, or what stands for one to `open` too: an entry of os.scandir, for instance."""
    return isinstance(item, Path) or (
        isinstance(item, os.PathLike) and isinstance(os.fspath(item), str)
    )


def is_pixels(kind: str) -> bool:
    """Whether a file for a port of that type becomes a tensor."""
    return kind in ("IMAGE", "MASK")


def open_files(value: Any, kind: str) -> Any:
    """What a path stands for at a port of a type in `OPENED`; a list of paths, each of them.

    Returns:
        Of a picture a float32 array, of a sound or a video a dict of the file's bytes.

    Raises:
        FileNotFoundError, ValueError: there is no such file, or it is nothing of that kind.
    """
    if isinstance(value, list) and is_pixels(kind):
        return [OPENED[kind](Path(path)) for path in value]
    if isinstance(value, list):
        raise ValueError(
            f"A port of type {kind} takes one file, not a list of {len(value)} ({value[0]} ...). "
            "Call run for each."
        )
    return OPENED[kind](Path(value))


def _open_sound(path: Path) -> dict[str, bytes]:
    data = _read(path, "sound")
    if not (_SOUNDS.match(data[:_HEAD_BYTES]) or _VIDEOS.match(data[:_HEAD_BYTES])):
        raise ValueError(f"{path} is not a sound, or a video with sound, that can be read.")
    return {"file": data}


def _open_video(path: Path) -> dict[str, bytes]:
    data = _read(path, "video")
    if not (_VIDEOS.match(data[:_HEAD_BYTES]) or data.startswith(b"GIF8")):
        raise ValueError(f"{path} is not a video that can be read.")
    return {"file": data}


def _read(path: Path, what: str) -> bytes:
    if not path.is_file():
        raise FileNotFoundError(f"There is no {what} {path}. Check the path.")
    return path.read_bytes()


OPENED: dict[str, Callable[[Path], Any]] = {
    "IMAGE": open_frames,
    "MASK": open_drawn_mask,
    "AUDIO": _open_sound,
    "VIDEO": _open_video,
}
