"""Holds Python's garbage collector back while much is made that stays: modules, a large JSON.

It looks through all objects of the process again and again meanwhile, torch's too, and finds
nothing to free.
"""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator


@contextlib.contextmanager
def paused_collector() -> Iterator[None]:
    """For parts of a second, in all threads; then it is as it was, also after an error."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
