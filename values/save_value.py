"""A value to files, in the format that the ending of the name says: `Results.save`, and whoever
writes what a run gave.

What is written is whole or not there, and nothing is replaced unless asked for.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from ..errors import printable
from ..system.files import write_file
from . import sound, video_file
from .images import FORMATS, as_pictures, numbered, picture_writer
from .video import is_plain_video
from .what_it_is import check_opened, is_array, is_picture, is_tensor, summary

if TYPE_CHECKING:
    from PIL.Image import Image

Writer = Callable[[IO[bytes]], Any]

_TEXTS = (".txt", ".json")
ENDINGS = {
    "a picture": tuple(FORMATS),
    "a sound": sound.ENDINGS,
    "a video": video_file.ENDINGS,
    "text": _TEXTS,
}


def save_value(
    name: str,
    value: Any,
    path: str | Path,
    *,
    overwrite: bool = False,
    frame_rate: float | None = None,
    placed: Callable[[Path, Writer], Path] | None = None,
) -> list[Path]:
    """Write a value; a batch or a list of several as numbered files. The folder is made.

    Args:
        name: of the value, for errors.
        path: its ending says the format.
        overwrite: False: what is there stays, and the new file has a number in its name.
        frame_rate: makes a video of a batch of pictures.
        placed: writes each file, in place of `place`.

    Returns:
        The files that were written.

    Raises:
        ValueError, TypeError: the value can't be written in that format; says which it can be.
        ImportError: the format needs a package that is not there.
    """
    target = Path(path).expanduser()
    writers = writers_of(name, value, target.suffix.lower(), frame_rate)
    target.parent.mkdir(parents=True, exist_ok=True)
    targets = numbered(target, len(writers))
    placed = placed or (lambda path, write: place(path, write, overwrite))
    return [placed(t, write) for t, write in zip(targets, writers, strict=True)]


def kind_of_value(value: Any) -> str:
    """What a value is among `ENDINGS`, by what it holds; a list is what all its items are."""
    check_opened(value)
    if not isinstance(value, (list, tuple)):
        return _kind_of_item(value)
    kinds = {_kind_of_item(item) for item in value}
    return kinds.pop() if len(kinds) == 1 else "text"


def _kind_of_item(value: Any) -> str:
    if sound.is_sound(value):
        return "a sound"
    if is_plain_video(value):
        return "a video"
    return "a picture" if is_picture(value) or _has_pixels(value) else "text"


def pictures_of(name: str, value: Any) -> list[Image]:
    """The PIL images of a picture, a mask, a batch or list of these, or a video.

    Raises:
        ValueError: it has no pictures.
    """
    kind = kind_of_value(value)
    if kind == "a video" and isinstance(value, Mapping) and value.get("images") is not None:
        value, kind = value["images"], "a picture"
    if kind != "a picture":
        raise ValueError(f"{name!r} is {summary(value)}, which is no picture.")
    return _pictures_in(value)


def _pictures_in(value: Any) -> list[Image]:
    items = value if isinstance(value, (list, tuple)) else [value]
    return [picture for item in items for picture in as_pictures(item)]


def default_ending(value: Any) -> str:
    """The ending that fits a value best: .png, .wav, .mp4, .txt for text, .json."""
    kind = kind_of_value(value)
    if kind == "text":
        return ".txt" if isinstance(value, str) else ".json"
    return ENDINGS[kind][0]


def _has_pixels(value: Any) -> bool:
    return (is_tensor(value) or is_array(value)) and len(value.shape) in (2, 3, 4)


def writers_of(name: str, value: Any, ending: str, frame_rate: float | None = None) -> list[Writer]:
    """What writes a value, one for each file. Raises as `save_value`."""
    kind = kind_of_value(value)
    if kind == "a picture" and frame_rate is not None:
        kind = "a video"
    if ending not in ENDINGS[kind]:
        hint = ""
        if kind == "a picture" and ending in video_file.ENDINGS:
            hint = " frame_rate=24 makes a video of a batch of pictures."
        raise ValueError(
            f"{name!r} is {summary(value)}: it can be written to a file that ends in "
            f"{', '.join(ENDINGS[kind])}, not in {ending!r}.{hint}"
        )
    try:
        return _WRITERS[kind](value, ending, frame_rate)
    except (TypeError, ValueError, OverflowError, RecursionError) as e:
        error = TypeError if isinstance(e, TypeError) else ValueError
        raise error(f"{name!r} can't be written as {ending}: {e}") from e


def _of_pictures(value: Any, ending: str, _: float | None) -> list[Writer]:
    return [picture_writer(picture, ending) for picture in _pictures_in(value)]


def _of_sounds(value: Any, ending: str, _: float | None) -> list[Writer]:
    writers: list[Writer] = []
    for item in value if isinstance(value, (list, tuple)) else [value]:
        waveforms, rate = sound.waveforms_of(item)
        writers += [sound.sound_writer(waveform, rate, ending) for waveform in waveforms]
    return writers


def _of_videos(value: Any, ending: str, frame_rate: float | None) -> list[Writer]:
    if is_tensor(value) or is_array(value):
        return [video_file.video_writer(value, frame_rate or 0, None, ending)]
    items = value if isinstance(value, (list, tuple)) else [value]
    return [_of_video(item, ending, frame_rate) for item in items]


def _of_video(video: Any, ending: str, frame_rate: float | None) -> Writer:
    if not isinstance(video, Mapping):
        raise ValueError("The pictures of a video are one tensor [frames, height, width, 3].")
    if video.get("images") is None:
        data = video["file"]
        if not video_file.is_file_of(data, ending):
            raise ValueError("It is the content of a file of another format.")
        return lambda file: file.write(data)
    rate = video["frame_rate"] if frame_rate is None else frame_rate
    return video_file.video_writer(video["images"], rate, video.get("audio"), ending)


def _of_text(value: Any, ending: str, _: float | None) -> list[Writer]:
    if getattr(value, "shape", None) is not None:
        value = _plain(value)
    is_listed = isinstance(value, (dict, list, tuple))
    if ending == ".txt" and not is_listed or ending == ".json" and _holds_json(value):
        text = str(value)
    else:
        text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False, default=_plain)
    data = printable(text).encode("utf-8")
    return [lambda file: file.write(data)]


def _holds_json(value: Any) -> bool:
    """Whether it is a text that is an object or a list in JSON already."""
    if not isinstance(value, str):
        return False
    try:
        return isinstance(json.loads(value), (dict, list))
    except (ValueError, RecursionError):
        return False


def _plain(value: Any) -> Any:
    """What json does not know: numbers of numpy's, and tensors that hold one."""
    if getattr(value, "shape", None) == () and hasattr(value, "item"):
        return value.item()
    raise TypeError(
        f"{summary(value)} is no text, number or list. discomfort.Context().export_data() writes "
        "any value as .pkl."
    )


_WRITERS: dict[str, Callable[[Any, str, float | None], list[Writer]]] = {
    "a picture": _of_pictures,
    "a sound": _of_sounds,
    "a video": _of_videos,
    "text": _of_text,
}


def place(path: Path, write: Writer, overwrite: bool, taken: Collection[str] = ()) -> Path:
    """Write a file, under a name with a number where its own is taken; the file.

    Args:
        overwrite: a file that is there is replaced, unless its name is among `taken`.
        taken: names, with `casefold`, that are not to be used.
    """
    for target in _names_for(path):
        if target.name.casefold() in taken:
            continue
        if overwrite:
            write_file(target, write)
            return target
        if target.exists():
            continue
        try:
            write_file(target, write, overwrite=False)
            return target
        except FileExistsError:  # another one was faster
            continue
    raise AssertionError("there is always another number")


def _names_for(path: Path) -> Iterator[Path]:
    yield path
    for number in itertools.count(1):
        yield path.with_name(f"{path.stem} ({number}){path.suffix}")
