"""Sound: ComfyUI's AUDIO to a file, and the bytes of a file to AUDIO.

{"waveform": [batch, channels, samples] float32 in -1..1, "sample_rate": 44100}
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import IO, Any

from .images import as_array
from .pyav import READ_ONE_FILE, import_av

ENDINGS = (".wav", ".flac")
_FULL_SCALE = 32768  # as LoadAudio reads it: what was 16 bits comes back as it was
# As Ogg and FLAC have them; a WAV takes any number.
_LAYOUTS = {1: "mono", 2: "stereo", 3: "2.1", 4: "quad", 5: "5.0", 6: "5.1", 7: "6.1", 8: "7.1"}
_READ_ONE_SOUND = {
    **READ_ONE_FILE,
    "format_whitelist": f"{READ_ONE_FILE['format_whitelist']},avi,flv,mpegts,mpeg,asf,caf,w64,au",
}


def is_sound(value: Any) -> bool:
    """Whether it is ComfyUI's dict, or one that decodes when it is asked for."""
    return isinstance(value, Mapping) and {"waveform", "sample_rate"} <= set(value)


def is_sound_file(value: Any) -> bool:
    """Whether it is a dict of a file's bytes alone, which the worker opens."""
    has_file = isinstance(value, Mapping) and isinstance(value.get("file"), bytes)
    return has_file and value.get("waveform") is None


def waveforms_of(sound: Mapping[str, Any]) -> tuple[list[Any], int]:
    """The float32 arrays `[channels, samples]` of a batch, and their sample rate.

    Raises:
        ValueError: a shape or a type that is no sound.
    """
    import numpy

    samples = numpy.asarray(as_array(sound["waveform"]))
    if samples.dtype.kind == "i":
        samples = samples / (numpy.iinfo(samples.dtype).max + 1)
    if samples.ndim not in (1, 2, 3) or samples.dtype.kind != "f" or 0 in samples.shape:
        raise ValueError(
            "A sound has a waveform [batch, channels, samples] of floats in -1..1 with samples, "
            f"not {list(samples.shape)} {samples.dtype}."
        )
    rate = int(sound["sample_rate"])
    if rate <= 0:
        raise ValueError(f"A sound has some samples a second, not {rate}.")
    batch = samples.reshape((1,) * (3 - samples.ndim) + samples.shape).astype(numpy.float32)
    return list(batch), rate


def sound_writer(waveform: Any, rate: int, ending: str) -> Callable[[IO[bytes]], None]:
    """What writes a sound, 16 bits a sample.

    Args:
        waveform: float32 `[channels, samples]`; what is beyond -1..1 is clipped.

    Raises:
        ImportError: for FLAC, which PyAV writes.
        ValueError: more channels than FLAC has.
    """
    if ending == ".wav":
        return lambda file: _write_wav(file, waveform, rate)
    av = import_av(f"Writing {ending}")
    if len(waveform) not in _LAYOUTS:
        raise ValueError(f"FLAC has up to 8 channels, and this sound has {len(waveform)}: use .wav")
    return lambda file: _write_flac(av, file, waveform, rate)


def _as_integers(waveform: Any) -> Any:
    import numpy

    scaled = (numpy.nan_to_num(waveform) * _FULL_SCALE).round()
    return numpy.clip(scaled, -_FULL_SCALE, _FULL_SCALE - 1).astype("<i2")


def _write_wav(file: IO[bytes], waveform: Any, rate: int) -> None:
    import wave

    with wave.open(file, "wb") as out:
        out.setnchannels(len(waveform))
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes(_as_integers(waveform).T.tobytes())


def _write_flac(av: Any, file: IO[bytes], waveform: Any, rate: int) -> None:
    layout = _LAYOUTS[len(waveform)]
    with av.open(file, "w", format="flac") as container:
        stream = container.add_stream("flac", rate=rate, layout=layout)
        interleaved = _as_integers(waveform).T.reshape(1, -1).astype("int16")
        frame = av.AudioFrame.from_ndarray(interleaved, format="s16", layout=layout)
        frame.sample_rate, frame.pts, frame.time_base = rate, 0, Fraction(1, rate)
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def open_sound(data: bytes) -> dict[str, Any]:
    """ComfyUI's AUDIO, of the bytes of a sound, or of a video with sound.

    Source: LoadAudio in comfy_extras/nodes_audio.py: the first stream, as it is.

    Raises:
        ValueError: none that can be read.
    """
    import numpy
    import torch

    av = import_av("Reading a sound")
    try:
        with av.open(io.BytesIO(data), options=dict(_READ_ONE_SOUND)) as container:
            if not container.streams.audio:
                raise ValueError("there is no sound in it")
            stream = container.streams.audio[0]
            resampler = av.AudioResampler(format="fltp")
            pieces = [
                piece.to_ndarray()
                for frame in (*container.decode(stream), None)
                for piece in resampler.resample(frame)
            ]
            rate = stream.codec_context.sample_rate
    except (av.FFmpegError, OSError, ValueError) as e:
        raise ValueError(f"This is no sound that can be read: {e}") from e
    if not pieces:
        raise ValueError("This is no sound that can be read: there are no samples in it")
    waveform = torch.from_numpy(numpy.concatenate(pieces, axis=1))
    return {"waveform": waveform[None], "sample_rate": rate}
