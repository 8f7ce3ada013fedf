"""Values by name as a table in HTML, with small pictures: what a notebook shows of results and of
contexts.

What stands in it may be a stranger's: it is text, and nothing else. It needs no style sheet and no
script, and has bounds: rows, letters, pictures.
"""

from __future__ import annotations

import base64
import functools
import html
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from ..errors import printable
from ..store.receipt import Receipt
from ..values.sound import is_sound
from ..values.video import is_plain_video
from ..values.what_it_is import summary
from .thumbnails import Thumbnail, make_thumbnail

MAX_ROWS = 40
MAX_PICTURES = 12
_MAX_CHARS = 200
_SHOWN_SIDE = 128  # pixels of the page
# What ends or turns a line, or is not seen: a text could look like another one.
_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]+")
_PLACES = {"ram": "in memory", "disk": "on disk"}
_CELL = 'style="text-align:left;vertical-align:top;overflow-wrap:anywhere;max-width:60em"'


@dataclass(frozen=True, slots=True)
class Row:
    """One value.

    value: gives it; None: it is not looked at.
    about: what is said of it in place of its content, or beside it.
    """

    name: str
    value: Callable[[], Any] | None = None
    about: str = ""


def show_values(title: str, rows: Sequence[Row], notes: Iterable[str] = ()) -> str:
    """The HTML. It shows what it can: a value that fails to be looked at is named only."""
    pictures_left = MAX_PICTURES
    body = []
    for row in rows[:MAX_ROWS]:
        text, picture = _look(row, pictures_left > 0)
        pictures_left -= picture is not None
        shown = f"{_image(picture)}<br>" if picture else ""
        about = f"{shown}{as_text(text)}"
        body.append(f"<tr><td {_CELL}><b>{as_text(row.name)}</b></td><td {_CELL}>{about}</td></tr>")
    if len(rows) > MAX_ROWS:
        body.append(f"<tr><td></td><td {_CELL}>and {len(rows) - MAX_ROWS} more</td></tr>")
    table = f"<table>{''.join(body)}</table>" if body else ""
    lines = "".join(f"<div>{as_text(note)}</div>" for note in islice(notes, MAX_ROWS))
    return f"<div><div>{as_text(title)}</div>{table}{lines}</div>"


def show_stored(title: str, receipts: Iterable[Receipt], read: Callable[[Receipt], Any]) -> str:
    """The same of stored values. What needs code to be read is not read, nor are references.

    Args:
        read: gives the value that a receipt names.
    """
    rows = []
    for receipt in receipts:
        size = f"{_in_bytes(receipt.size_bytes)} {_PLACES.get(receipt.storage, '')}".strip()
        value = None
        if receipt.pass_by == "ref":
            size = f"the workflow that makes it, {size}"
        elif receipt.is_safe:
            value = functools.partial(read, receipt)
        rows.append(Row(receipt.unique_id, value, size))
    return show_values(title, rows)


def _in_bytes(size: int) -> str:
    """A size as people say it."""
    for unit, scale in (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
        if size >= scale:
            return f"{size / scale:.1f} {unit}"
    return f"{size} bytes"


def plain_line(text: Any) -> str:
    """Any text as one line that says just this, cut where it is long."""
    line = _UNSEEN.sub(" ", str(text)[: _MAX_CHARS + 1])
    return printable(line if len(line) <= _MAX_CHARS else f"{line[:_MAX_CHARS]}...")


def as_text(text: Any) -> str:
    """The same for HTML."""
    return html.escape(plain_line(text), quote=True)


def picture_uri(jpeg: bytes) -> str:
    """A picture as an address that holds it."""
    return f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode('ascii')}"


def _look(row: Row, with_picture: bool) -> tuple[str, Thumbnail | None]:
    if row.value is None:
        return row.about, None
    try:
        value = row.value()
        text = _describe(value)
    except Exception as e:  # its own class raises, or nobody can read it
        return f"{row.about} {type(e).__name__}".strip(), None
    picture = None
    if with_picture:
        try:
            is_video = isinstance(value, Mapping) and is_plain_video(value)
            picture = make_thumbnail(value["images"] if is_video else value)
        except Exception:  # no pixels that can be read: of another device, of odd numbers
            picture = None
    return " · ".join(filter(None, (text, row.about))), picture


def _describe(value: Any) -> str:
    if isinstance(value, str):
        return value[: _MAX_CHARS + 1]
    if is_sound(value):
        shape, rate = list(value["waveform"].shape), int(value["sample_rate"])
        return f"sound, {shape[-1] / rate:.1f} s, {rate} Hz, {shape[-2]} channels"
    if is_plain_video(value) and value.get("images") is not None:
        frames, height, width = list(value["images"].shape)[:3]
        return f"video, {frames} pictures of {width} x {height}, {value['frame_rate']:g} a second"
    return summary(value)


def _image(picture: Thumbnail) -> str:
    """Never larger than it is, and never larger than a thumb."""
    side = f"max-width:{_SHOWN_SIDE}px;max-height:{_SHOWN_SIDE}px"
    about = f"{picture.width} x {picture.height}"
    return f'<img alt="{about}" title="{about}" style="{side}" src="{picture_uri(picture.data)}">'
