"""Whether a value can be a sound or a video, by shapes and types; see `checks.py`."""

from __future__ import annotations

import math
import numbers
from collections.abc import Mapping
from os import PathLike
from typing import Any

from ..graph.ports.plain_values import plain_value
from .check_pixels import check_image, hint_for_path, is_integer, is_numeric, refuse
from .sound import is_sound, is_sound_file
from .video import is_frames_and_rate, is_plain_video
from .what_it_is import describe, dtype_of, is_array, is_picture, is_tensor

# More channels than any recording has: the array is samples first.
_MAX_CHANNELS = 64
_SAMPLES = ("int16", "int32")


def check_audio(unique_id: str, value: Any) -> None:
    expected = (
        'AUDIO: {"waveform": tensor [batch, channels, samples], "sample_rate": 44100}, or '
        "(waveform, sample_rate)"
    )
    if is_sound_file(value):
        return  # what is in it shows where it is opened
    if isinstance(value, Mapping):
        if type(value) is not dict and is_sound(value):
            return  # one that decodes when it is asked for
        waveform, rate = value.get("waveform"), value.get("sample_rate")
    elif isinstance(value, (tuple, list)) and len(value) == 2:
        waveform, rate = value
    else:
        refuse(unique_id, value, expected, hint_for_path(value))
    has_samples = is_tensor(waveform) or is_array(waveform)
    if not has_samples and (is_tensor(rate) or is_array(rate)):
        refuse(unique_id, value, expected, "The rate comes first here.")
    if not has_samples or not is_numeric(waveform):
        refuse(unique_id, value, expected)
    _check_waveform(unique_id, waveform, expected)
    plain = plain_value(rate, "INT")
    if type(plain) not in (int, float) or not (0 < plain < math.inf) or plain != int(plain):
        raise ValueError(
            f"The sample rate of {unique_id!r} is {describe(rate)}; expected {expected}."
        )


def _check_waveform(unique_id: str, waveform: Any, expected: str) -> None:
    shape = tuple(waveform.shape)
    if len(shape) not in (1, 2, 3) or (is_integer(waveform) and dtype_of(waveform) not in _SAMPLES):
        raise ValueError(
            f"The waveform of {unique_id!r} is {describe(waveform)}; expected {expected}. Integers "
            "must be int16 or int32."
        )
    if len(shape) > 1 and shape[-2] > _MAX_CHANNELS:
        raise ValueError(
            f"The waveform of {unique_id!r} is {describe(waveform)}; expected {expected}. The "
            "samples come before the channels here: use waveform.T."
        )


def check_video(unique_id: str, value: Any) -> None:
    plain = (str, bytes, numbers.Number, list, tuple, dict, PathLike, type(None))
    if is_frames_and_rate(value):
        value = dict(zip(("images", "frame_rate"), value, strict=True))
    if is_plain_video(value):
        return _check_plain_video(unique_id, value)
    if is_tensor(value) or is_array(value) or is_picture(value):
        hint = (
            "Give (pictures, frame_rate), or the pictures alone to an INPUT port of a CreateVideo "
            "node, which has their rate."
        )
    elif isinstance(value, plain):
        hint = hint_for_path(value)
    else:
        return None
    expected = (
        "VIDEO: pathlib.Path(...) of one, (pictures, frame_rate), a dict of images and frame_rate, "
        "or an object of ComfyUI's"
    )
    return refuse(unique_id, value, expected, hint)


def _check_plain_video(unique_id: str, video: Any) -> None:
    if video.get("audio") is not None:
        check_audio(unique_id, video["audio"])
    if video.get("images") is None:
        return
    pictures = video["images"]
    for picture in pictures if isinstance(pictures, (list, tuple)) else [pictures]:
        check_image(unique_id, picture)
    rate = plain_value(video["frame_rate"], "FLOAT")
    if type(rate) not in (int, float) or not (0 < rate < math.inf):
        raise ValueError(
            f"The frame rate of {unique_id!r} is {describe(video['frame_rate'])}; expected a "
            "number of pictures a second."
        )
