"""`discomfort doctor`: what keeps workflows from running on this machine."""

from __future__ import annotations

from ..failures import DONE, FAILED, NO_COMFYUI
from ..options import ConfigOption, JsonOption
from ..output import answer


def doctor(config: ConfigOption = None, json: JsonOption = False) -> int:
    """Look at this machine for what keeps workflows from running, and say what to do.

    Versions, ComfyUI and its Python, missing packages, GPU, memory, disk, what killed processes
    left. Nothing is started or changed. The exit code is 3 without a ComfyUI, 1 with another
    error, else 0.

    Example: discomfort doctor
    """
    from dataclasses import asdict

    from ..findings import comfyui
    from ..findings.finding import ERROR, describe, worst
    from ..findings.look import look_at_everything

    found = look_at_everything(config)
    state = worst(found)
    fields = {"state": state, "findings": [asdict(one) for one in found]}
    answer(json, "doctor", describe(found), fields)
    if any(one.name == comfyui.NO_COMFYUI and one.state == ERROR for one in found):
        return NO_COMFYUI
    return FAILED if state == ERROR else DONE
