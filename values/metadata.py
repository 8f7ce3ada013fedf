"""The workflow that ComfyUI wrote into a file: pictures, videos and sounds.

Texts by key, as JSON. Pillow reads pictures; PyAV, which comes with ComfyUI, reads the rest.
"""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from .picture_files import picture_formats, unreadable
from .pyav import READ_ONE_FILE

PICTURES = {".png", ".apng", ".webp", ".jpg", ".jpeg", ".gif", ".avif"}
MEDIA = {".mp4", ".m4v", ".mov", ".webm", ".mkv", ".flac", ".mp3", ".ogg", ".opus", ".m4a", ".wav"}

_NAMES = ("workflow", "prompt")
_EXIF_IFD = 0x8769
_PNG = b"\x89PNG\r\n\x1a\n"
_CHECKSUM_BYTES = 4


def read_workflow_metadata(path: str | Path) -> dict[str, Any]:
    """The workflow that ComfyUI wrote into a picture, a video or a sound; the prompt, if only that
    is there.

    Source: ComfyUI 0.33 nodes.py `SaveImage` (PNG texts), comfy_extras/nodes_images.py
    `SaveAnimatedPNG` (chunk `comf`) and `SaveAnimatedWEBP` (EXIF texts of the form `name:json`),
    nodes_video.py and nodes_audio.py (metadata of the container).

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it can't be read, or holds no workflow.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"There is no file {path}. Check the path.")
    texts = _texts_of_media(path) if path.suffix.lower() in MEDIA else _texts_of_picture(path)
    found = dict(_workflows_in(texts, path))
    for name in _NAMES:
        if name in found:
            return found[name]
    raise ValueError(
        f"{path} holds no workflow. Only files that ComfyUI saved have one, and many sites and "
        "programs strip it."
    )


def _workflows_in(texts: Mapping[str, str], path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, text in texts.items():
        if name in _NAMES:
            parsed = _parse(text, f"{path}: its {name}")
            if isinstance(parsed, dict):
                yield name, parsed
    if not texts.keys() & set(_NAMES) and "comment" in texts:  # as VideoHelperSuite writes them
        try:
            parsed = _parse(texts["comment"], f"{path}: its comment")
        except ValueError:
            return
        for name in _NAMES if isinstance(parsed, dict) else ():
            inner = parsed.get(name)
            inner = _parse(inner, f"{path}: its {name}") if isinstance(inner, str) else inner
            if isinstance(inner, dict):
                yield name, inner


def _parse(text: str, where: str) -> Any:
    try:
        return json.loads(text.rstrip("\0"))
    except json.JSONDecodeError as e:
        raise ValueError(f"{where} is not valid JSON: {e}") from e
    except RecursionError as e:
        raise ValueError(f"{where} can't be read: it is nested too deeply.") from e


def _texts_of_picture(path: Path) -> dict[str, str]:
    from PIL import Image

    try:
        with Image.open(path, formats=picture_formats()) as image:
            image.load()  # PNG text may stand behind the pixels
            texts = {k: v for k, v in getattr(image, "text", {}).items() if isinstance(v, str)}
            comment = image.info.get("comment")
            exif = image.getexif()
            notes = [*exif.values(), *exif.get_ifd(_EXIF_IFD).values()]
    except unreadable() as e:
        raise ValueError(f"{path} is not a picture that can be read: {e}") from e
    for chunk in _chunks_of_png(path):
        name, _, text = chunk.partition(b"\0")
        texts.setdefault(name.decode("latin-1").lower(), text.decode("utf-8", "replace"))
    for note in notes:
        if isinstance(note, bytes):
            note = note.removeprefix(b"ASCII\0\0\0").decode("utf-8", "replace")
        name, colon, text = str(note).partition(":")
        if colon and name.lower() in _NAMES:
            texts.setdefault(name.lower(), text)
    if comment:
        text = comment.decode("utf-8", "replace") if isinstance(comment, bytes) else str(comment)
        texts.setdefault("comment", text)
    return texts


def _chunks_of_png(path: Path) -> Iterator[bytes]:
    """The chunks `comf`. Pillow reads what stands behind the pixels of all frames only when it has
    decoded them all.
    """
    with path.open("rb") as file:
        if file.read(len(_PNG)) != _PNG:
            return
        while len(head := file.read(8)) == 8:
            length, kind = struct.unpack(">I4s", head)
            if kind == b"comf":
                yield file.read(length)
                file.seek(_CHECKSUM_BYTES, os.SEEK_CUR)
            else:
                file.seek(length + _CHECKSUM_BYTES, os.SEEK_CUR)


def _texts_of_media(path: Path) -> dict[str, str]:
    """The texts of a container and its streams, by lower-case key."""
    try:
        import av  # type: ignore[import-not-found]
        from av.error import FFmpegError  # type: ignore[import-not-found]
    except ImportError as e:
        raise ValueError(
            f"Reading the workflow in {path} needs PyAV, which comes with ComfyUI: pip install av"
        ) from e
    try:
        name = os.path.abspath(path)  # a name like "concat:a|b" is a file's, too
        with av.open(name, metadata_errors="replace", options=dict(READ_ONE_FILE)) as container:
            found = [container.metadata, *(stream.metadata for stream in container.streams)]
    except (FFmpegError, OSError, ValueError) as e:
        raise ValueError(f"{path} is not a video or sound that can be read: {e}") from e
    return {key.lower(): text for texts in reversed(found) for key, text in texts.items()}
