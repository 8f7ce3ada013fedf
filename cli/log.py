"""The log of a command: warnings, with --verbose all that is done, as lines on standard error."""

from __future__ import annotations

import contextlib
import logging
import sys
from collections.abc import Iterator

from . import output, signals
from .shell_words import NO_NEWS

_HEARD = "Ctrl+C was heard"


class _Lines(logging.Handler):
    """Writes each record as a line, above a progress bar where there is one.

    Who has pressed Ctrl+C is answered once; what follows of it is no news.
    """

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        if text.startswith(_HEARD):
            text = signals.answer(text)
            _silence_asyncio()
        elif signals.is_answered() or text.startswith(NO_NEWS):
            return
        bars = sys.modules.get("tqdm")
        if bars is None:
            output.say(text)
            return
        with bars.tqdm.external_write_mode(file=sys.stderr):
            output.say(text)


def _silence_asyncio() -> None:
    """Of tasks that nobody waits for any more nothing need be said."""
    from asyncio.log import logger

    logger.disabled = True


@contextlib.contextmanager
def show_log(is_verbose: bool) -> Iterator[None]:
    """While this block runs, the package's log is on standard error."""
    log = logging.getLogger("discomfort")
    level, propagates = log.level, log.propagate
    handler = _Lines()
    log.addHandler(handler)
    log.setLevel(logging.INFO if is_verbose else logging.WARNING)
    log.propagate = False
    try:
        yield
    finally:
        log.removeHandler(handler)
        log.setLevel(level)
        log.propagate = propagates
