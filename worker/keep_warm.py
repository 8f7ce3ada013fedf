"""For how long a worker is to wait, idle, for the next script: as asked for, or by default."""

from __future__ import annotations

import logging
import math
import numbers
import os
from collections.abc import Mapping
from typing import Any

from ..errors import ConfigError
from ..system.notebook import is_notebook

log = logging.getLogger("discomfort.worker")

VARIABLE = "DISCOMFORT_KEEP_WARM"
DEFAULT_S = 300.0  # in notebooks and on the command line; elsewhere 0
_LONGEST_S = 30 * 24 * 3600.0
# Sets, so that they are one object for all who import them.
_by_default: set[float] = set()  # what nobody asked for
_said: set[float] = set()


def check_keep_warm(seconds: Any) -> None:
    """Raises TypeError or ValueError for a `keep_warm` that is no number of seconds."""
    if seconds is None:
        return
    if not isinstance(seconds, numbers.Real) or isinstance(seconds, bool):
        raise TypeError(f"keep_warm must be a number of seconds or None, not {seconds!r}.")
    if not _is_good(float(seconds)):
        raise ValueError(f"keep_warm must be from 0 to {_LONGEST_S:.0f} seconds, not {seconds!r}.")


def keep_warm_s(
    argument: float | None,
    configured: float | None,
    environment: Mapping[str, str] | None = None,
    default_s: float | None = None,
) -> float | None:
    """Seconds that a worker waits for the next script; 0: it ends with this one. None: this script
    asks for nothing, and takes one that waits already.

    The argument wins over the configuration file, and that over the environment.

    Args:
        default_s: where none of them says anything. None: 300 in a notebook, nothing elsewhere.
            What `say_kept` says.

    Raises:
        ConfigError: no number, or one that can't be meant.
    """
    given = argument if argument is not None else configured
    if given is None:
        given = _from_environment(os.environ if environment is None else environment)
    if given is not None:
        if not _is_good(float(given)):
            raise ConfigError(
                f"KEEP_WARM_S (keep_warm=, {VARIABLE}) is {given!r}: it must be from 0 to "
                f"{_LONGEST_S:.0f} seconds."
            )
        return float(given)
    seconds = DEFAULT_S if default_s is None and is_notebook() else default_s
    if seconds:
        _by_default.add(seconds)
    return seconds


def say_kept(seconds: float | None) -> None:
    """Say, once in this process, that a worker is kept though nobody asked for it. Called when one
    is there: a start that failed keeps nothing.

    Args:
        seconds: for how long it is.
    """
    if seconds and seconds in _by_default and not _said:
        _said.add(seconds)
        log.warning("ComfyUI stays warm for %g s; `discomfort workers stop` ends it.", seconds)


def _from_environment(environment: Mapping[str, str]) -> float | None:
    text = environment.get(VARIABLE, "").strip()
    if not text:
        return None
    try:
        return float(text)
    except ValueError as e:
        raise ConfigError(f"{VARIABLE} is {text!r}: it must be a number of seconds.") from e


def _is_good(seconds: float) -> bool:
    return math.isfinite(seconds) and 0 <= seconds <= _LONGEST_S
