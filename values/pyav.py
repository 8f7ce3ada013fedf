"""PyAV, which reads and writes sound and video: ComfyUI has it, a script's Python may lack it."""

from __future__ import annotations

from typing import Any

# Of FFmpeg, those that read the one file only: others are lists of files (concat, HLS), whatever
# its name ends with.
READ_ONE_FILE = {
    "format_whitelist": "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,flac,mp3,ogg,wav,aac,aiff",
    "protocol_whitelist": "file",
}


def import_av(what: str) -> Any:
    """The module.

    Args:
        what: that is to be done with it, for the error: "Writing .flac".

    Raises:
        ImportError: it is not installed; says how to.
    """
    try:
        import av  # type: ignore[import-not-found]
    except ImportError as e:
        raise ImportError(f"{what} needs PyAV, which comes with ComfyUI: pip install av") from e
    return av
