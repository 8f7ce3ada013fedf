"""A video to a file: MP4 (H.264, AAC) or WEBM (VP9, Opus), which browsers and players take."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import IO, Any, NamedTuple

from .images import as_batch
from .pyav import import_av
from .sound import waveforms_of

_MAX_DENOMINATOR = 1001
_MAX_RATE = 1000
_SOUND_RATE = 48_000  # every encoder here has it


class _Format(NamedTuple):
    """What FFmpeg calls the parts of a file."""

    container: str
    pictures: str
    sound: str
    options: dict[str, str]


_FORMATS = {
    ".mp4": _Format("mp4", "libx264", "aac", {"crf": "17", "preset": "medium"}),
    ".webm": _Format("webm", "libvpx-vp9", "libopus", {"crf": "24", "b": "0"}),
}
ENDINGS = tuple(_FORMATS)
_BEGINNINGS = {".mp4": (4, b"ftyp"), ".webm": (0, b"\x1a\x45\xdf\xa3")}


def is_file_of(data: bytes, ending: str) -> bool:
    """Whether the bytes of a file begin as one of that ending does."""
    at, mark = _BEGINNINGS[ending]
    return data[at : at + len(mark)] == mark


def video_writer(
    images: Any, frame_rate: float, sound: Mapping[str, Any] | None, ending: str
) -> Callable[[IO[bytes]], None]:
    """What writes a video.

    Args:
        images: `[frames, height, width, channels]`, as `save_comfy_image_to_disk` takes them. Of a
            width or height that is odd, which players don't take, the last pixels come twice.
        sound: of a batch the first.

    Raises:
        ImportError: there is no PyAV.
        ValueError: pictures, a sound or a rate that are none.
    """
    av = import_av(f"Writing {ending}")
    frames = as_batch(images)
    rate = Fraction(frame_rate).limit_denominator(_MAX_DENOMINATOR)
    if not 0 < rate <= _MAX_RATE:
        raise ValueError(f"A video has up to {_MAX_RATE} pictures a second, not {frame_rate}.")
    track = None if sound is None else waveforms_of(sound)
    return lambda file: _write(av, file, _FORMATS[ending], frames, rate, track)


def _write(
    av: Any, file: IO[bytes], form: _Format, frames: list[Any], rate: Fraction, track: Any
) -> None:
    with av.open(file, "w", format=form.container) as container:
        pictures = container.add_stream(form.pictures, rate=rate, options=dict(form.options))
        height, width = frames[0].shape[:2]
        pictures.width, pictures.height = width + width % 2, height + height % 2
        pictures.pix_fmt = "yuv420p"
        sound = container.add_stream(form.sound, rate=_SOUND_RATE) if track else None
        for frame in frames:
            even = av.VideoFrame.from_ndarray(_even_rgb(frame), format="rgb24")
            container.mux(pictures.encode(even))
        container.mux(pictures.encode(None))
        if track is not None:
            _encode_sound(av, container, sound, *track)


def _even_rgb(frame: Any) -> Any:
    """RGB with an even width and height; transparency is dropped."""
    import numpy

    rgb = numpy.repeat(frame, 3, axis=2) if frame.shape[2] == 1 else frame[..., :3]
    odd = [(0, side % 2) for side in rgb.shape[:2]]
    return numpy.ascontiguousarray(numpy.pad(rgb, (*odd, (0, 0)), mode="edge"))


def _encode_sound(av: Any, container: Any, stream: Any, waveforms: list[Any], rate: int) -> None:
    """As mono or stereo: of more channels the first two."""
    import numpy

    planes = numpy.ascontiguousarray(waveforms[0][:2])
    layout = "mono" if len(planes) == 1 else "stereo"
    frame = av.AudioFrame.from_ndarray(planes, format="fltp", layout=layout)
    frame.sample_rate, frame.pts, frame.time_base = rate, 0, Fraction(1, rate)
    resampler = av.AudioResampler(
        format=stream.codec_context.format.name,
        layout="stereo",
        rate=_SOUND_RATE,
        frame_size=stream.codec_context.frame_size or 0,
    )
    for given in (frame, None):
        for piece in resampler.resample(given):
            container.mux(stream.encode(piece))
    container.mux(stream.encode(None))
