"""A video as a value that every Python can open: a dict of pictures, sound, rate and its file.

ComfyUI's own objects are turned into it where they leave a ComfyUI, and made of it again where it
enters one; both by `nodes_internal.py`, which hands in ComfyUI's classes.

    {"images": [frames, height, width, 3] float32 in 0..1, "audio": ComfyUI's dict or None,
     "frame_rate": float, "file": the bytes of the file that it was read from, or None}

"alpha" [frames, height, width] and "bit_depth" are there where the video has them.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

from .pyav import READ_ONE_FILE
from .what_it_is import is_array, is_picture, is_tensor

_MAX_DENOMINATOR = 1_001_000  # 30000/1001 comes back from a float as itself
_READ_ONE_VIDEO = {
    **READ_ONE_FILE,
    "format_whitelist": f"{READ_ONE_FILE['format_whitelist']},avi,flv,mpegts,mpeg,asf,gif",
}
_COPIES = 3  # the frames, them as one tensor, and that in the store


class VideoClasses(NamedTuple):
    """ComfyUI's: `comfy_api.latest`."""

    from_file: Callable[[Any], Any]
    from_components: Callable[..., Any]
    components: Callable[..., Any]


def is_video(value: Any) -> bool:
    """Whether it is an object of ComfyUI's (comfy_api.latest, VideoInput; 0.3.64 and 0.33)."""
    if isinstance(value, (dict, list, tuple, str, bytes, int, float, type(None))):
        return False
    return callable(getattr(value, "get_components", None)) and callable(
        getattr(value, "get_stream_source", None)
    )


def is_plain_video(value: Any) -> bool:
    """Whether it is the dict, or one with the file alone."""
    if not isinstance(value, Mapping):
        return False
    has_pictures = value.get("images") is not None and value.get("frame_rate") is not None
    return has_pictures or isinstance(value.get("file"), bytes)


def is_frames_and_rate(value: Any) -> bool:
    """Whether it is `(pictures, frame_rate)`: a batch, or a list of pictures."""
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        return False
    pictures = value[0]
    if isinstance(pictures, (list, tuple)):
        return bool(pictures) and all(is_picture(p) or _has_pixels(p) for p in pictures)
    return _has_pixels(pictures) and len(pictures.shape) == 4


def _has_pixels(value: Any) -> bool:
    return is_tensor(value) or is_array(value)


def to_plain(name: str, video: Any) -> dict[str, Any]:
    """The dict of an object of ComfyUI's.

    Args:
        name: of the value, for errors.

    Raises:
        MemoryError: its pictures would not fit into the memory that is free.
    """
    source = _source_of(video)
    _check_room(name, video, source)
    made = video.get_components()
    plain: dict[str, Any] = {
        "images": made.images,
        "audio": dict(made.audio) if made.audio is not None else None,
        "frame_rate": float(made.frame_rate),
        "file": None if source is None else _read(source),
    }
    if getattr(made, "alpha", None) is not None:
        plain["alpha"] = made.alpha
    depth = video.get_bit_depth() if hasattr(video, "get_bit_depth") else 8
    if depth != 8:
        plain["bit_depth"] = depth
    return plain


def from_plain(video: Mapping[str, Any], classes: VideoClasses) -> Any:
    """ComfyUI's object for the dict.

    It is the file's, if that has just these pictures and this sound: they may have been changed.

    Raises:
        ValueError: there is a file only, and it is none.
    """
    data, images = video.get("file"), video.get("images")
    if isinstance(data, bytes) and _is_one_file(data):
        of_file = classes.from_file(io.BytesIO(data))
        if images is None or _is_same(of_file.get_components(), video):
            return of_file
    if images is None:
        raise ValueError(
            'The "file" of a video is not the content of one that can be read (MP4, MOV, MKV, '
            'WEBM, AVI). Give "images" and "frame_rate" instead.'
        )
    rate = Fraction(video["frame_rate"]).limit_denominator(_MAX_DENOMINATOR)
    parts = {"images": images, "audio": video.get("audio"), "frame_rate": rate}
    if video.get("alpha") is not None:
        parts["alpha"] = video["alpha"]
    depth = video.get("bit_depth", 8)
    more = {} if depth == 8 else {"bit_depth": depth}
    return classes.from_components(classes.components(**parts), **more)


def _source_of(video: Any) -> Any:
    """The path or buffer that it reads, where the whole of that is the video; else None."""
    for kind in type(video).__mro__:
        if kind.__name__ == "VideoInput":  # encodes its pictures first
            return None
        if "get_stream_source" in vars(kind):
            break
    if hasattr(video, "get_active_trim_window") and any(video.get_active_trim_window()):
        return None
    return video.get_stream_source()


def _is_one_file(data: bytes) -> bool:
    """Whether it is a video that names no other files: ComfyUI would follow them."""
    import av  # type: ignore[import-not-found]
    from av.error import FFmpegError  # type: ignore[import-not-found]

    try:
        with av.open(io.BytesIO(data), options=dict(_READ_ONE_VIDEO)) as container:
            return bool(container.streams.video)
    except (FFmpegError, OSError, ValueError):
        return False


def _read(source: Any) -> bytes | None:
    if isinstance(source, (str, Path)):
        return Path(source).read_bytes()
    return source.getvalue() if isinstance(source, io.BytesIO) else None


def _check_room(name: str, video: Any, source: Any) -> None:
    if source is None:  # its pictures are there already, or will be cut
        return
    import av  # type: ignore[import-not-found]
    import psutil

    with av.open(source) as container:
        stream = container.streams.video[0]
        frames = stream.frames
        if not frames and stream.average_rate:
            frames = int(video.get_duration() * stream.average_rate)
        size_bytes = frames * stream.width * stream.height * 3 * 4
    if isinstance(source, io.BytesIO):
        source.seek(0)
    free_bytes = psutil.virtual_memory().available
    if size_bytes * _COPIES > free_bytes:
        raise MemoryError(
            f"The video {name!r} has {frames} pictures, {size_bytes / 2**30:.1f} GiB, and "
            f"{free_bytes / 2**30:.1f} GiB of memory are free. Take its file (results.files), or "
            'set "VIDEO" to "ref" in pass_by_rules.json.'
        )


def _is_same(made: Any, video: Mapping[str, Any]) -> bool:
    import torch

    def same(one: Any, other: Any) -> bool:
        if one is None or other is None:
            return one is other
        return torch.is_tensor(other) and one.shape == other.shape and bool(torch.equal(one, other))

    one, other = made.audio or {}, video.get("audio") or {}
    return (
        same(made.images, video["images"])
        and float(made.frame_rate) == float(video["frame_rate"])
        and one.get("sample_rate") == other.get("sample_rate")
        and same(one.get("waveform"), other.get("waveform"))
        and same(getattr(made, "alpha", None), video.get("alpha"))
    )
