"""The report of runs that this process made: from memory, and from their record if there is one."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .archive import Archive, RecordNotFound
from .history import History
from .report import make_report, write_report
from .table import build_view, pictures_of
from .thumbnails import make_thumbnail

log = logging.getLogger("discomfort.records")


def report_history(history: History, find_value: Callable[[str], Any], path: str | Path) -> Path:
    """Write the report of a history.

    Args:
        find_value: the stored value of a version; LookupError where there is none any more.
    """
    history.settle()
    pictures: dict[str, bytes] = {}
    view = build_view(history.entries(), is_alive=True)
    if history.record_id is not None and history.folder is not None:
        archive = Archive(history.folder.parent)
        with contextlib.suppress(RecordNotFound, ValueError):
            view = archive.view(history.record_id)
            pictures = archive.pictures(history.record_id)
    for version in pictures_of(view):
        if version in pictures:
            continue
        try:
            thumbnail = make_thumbnail(find_value(version))
        except LookupError:
            continue
        except Exception as e:  # a value that can't be read: its type and size are shown
            log.debug("no picture in the report: %r", e)
            continue
        if thumbnail is not None:
            pictures[version] = thumbnail.data
            view["pictures"][version] = thumbnail.about()
    return write_report(path, make_report(view, pictures, history.workflows()))
