"""Whether progress is shown: to people who watch, on terminals that can move their cursor."""

from __future__ import annotations

import os

from ..system.terminal import is_watched


def is_bar_shown() -> bool:
    """Whether standard error is a terminal that takes a line back."""
    return is_watched() and os.environ.get("TERM") != "dumb"
