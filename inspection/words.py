"""An `Inspection` as text and as HTML: short, the most important first."""

from __future__ import annotations

import html
import json
import math
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..errors import visible
from .model import KINDS, AddressedInput, InspectedPort, Limits

if TYPE_CHECKING:
    from .inspection import Inspection

_ROWS = 40  # of a table
_CHARS = 60  # of a value
_BREAKS = re.compile(r"[\n\r\t]+")

Table = tuple[str, tuple[str, ...], list[tuple[str, ...]]]


def describe(found: Inspection) -> str:
    """The text."""
    lines = [_plain(found.name)]
    lines += [f"  note: {_plain(note, 2000)}" for note in found.notes]
    lines += [f"  problem: {_plain(problem, 500)}" for problem in found.problems]
    for title, _, rows in _tables(found):
        lines += ["", f"{title}:"]
        widths = [min(52, max(len(row[i]) for row in rows)) for i in range(len(rows[0]))]
        for row in rows[:_ROWS]:
            cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
            lines.append(visible(_BREAKS.sub(" ", f"  {'  '.join(cells)}")).rstrip())
        if len(rows) > _ROWS:
            lines.append(f"  and {len(rows) - _ROWS} more")
    return "\n".join(lines)


def describe_html(found: Inspection) -> str:
    """The same for a notebook; whatever stands in a workflow is text, and nothing else."""
    parts = [f"<h4>{_html(_plain(found.name))}</h4>"]
    for label, texts in (("note", found.notes), ("problem", found.problems)):
        parts += [f"<p><b>{label}:</b> {_html(_plain(text, 2000))}</p>" for text in texts]
    for title, heads, rows in _tables(found):
        head = "".join(f"<th>{_html(h)}</th>" for h in heads)
        body = "".join(
            f"<tr>{''.join(f'<td>{_html(cell)}</td>' for cell in row)}</tr>" for row in rows[:200]
        )
        more = f"<p>and {len(rows) - 200} more</p>" if len(rows) > 200 else ""
        parts.append(f"<p><b>{_html(title)}</b></p><table><tr>{head}</tr>{body}</table>{more}")
    return f"<div>{''.join(parts)}</div>"


def _tables(found: Inspection) -> list[Table]:
    tables: list[Table] = []
    for title, mode in (("Inputs (ports)", "input"), ("Outputs (ports)", "output")):
        rows = [_port_row(p) for p in found.ports if p.mode == mode]
        tables.append((title, ("name", "type", "value", "range", "from"), rows))
    tables.append(
        (
            "No ports",
            ("name", "mode", "from", "why"),
            [
                (
                    _plain(n.name),
                    n.mode,
                    _where(n.source, n.node_id, n.title),
                    _plain(n.reason, 200),
                )
                for n in found.no_ports
            ],
        )
    )
    heads = ("address", "type", "value", "range")
    for kind in KINDS:
        rows = [_input_row(i) for i in found.of_kind(kind)]
        tables.append((f"{kind.capitalize()} (addresses)", heads, rows))
    others = [i for i in found.inputs if not i.kind and i.is_widget and not i.is_linked]
    tables.append(("Other values (addresses)", heads, [_input_row(i) for i in others]))
    shown = [(_plain(s.name), s.type, f"node {s.node_id}") for s in found.shown]
    tables.append(("What output nodes show", ("name", "type", "from"), shown))
    asked = [(_plain(o.address), o.type) for o in found.outputs]
    tables.append(("What outputs= can ask for", ("address", "type"), asked))
    return [table for table in tables if table[2]]


def _port_row(port: InspectedPort) -> tuple[str, ...]:
    if port.mode != "input":
        value = ""
    elif port.needs_value:
        value = "needs a value"
    else:
        value = "as in the file" if port.default is None else _value(port.default)
    where = _where(port.source, ", ".join(port.node_ids), port.titles[0] if port.titles else "")
    tags = f" [{', '.join(map(_plain, port.tags))}]" if port.tags else ""
    kind = f" ({port.kind})" if port.kind else ""
    return _plain(port.name), f"{port.type}{kind}", value, _range(port.limits), where + tags


def _input_row(item: AddressedInput) -> tuple[str, ...]:
    value = "" if item.value is None and not item.is_widget else _value(item.value)
    return _plain(item.address), item.type, value, _range(item.limits)


def _where(source: str, node_id: str, title: str) -> str:
    node = f", node {node_id}" if node_id else ""
    return _plain(f"{source}{node}{f' {title!r}' if title else ''}", 80)


def _range(limits: Limits) -> str:
    if limits.choices is not None:
        return _listed(limits.choices)
    least, most = _shown_number(limits.minimum), _shown_number(limits.maximum)
    if least is None and most is None:
        return ""
    return f"{least or ''}..{most or ''}"


def _listed(choices: Sequence[Any]) -> str:
    shown = ", ".join(_plain(str(choice), 30) for choice in choices[:4])
    return shown + (f", ... ({len(choices)})" if len(choices) > 4 else "") if choices else "none"


def _shown_number(value: Any) -> str | None:
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return None
    return f"{value:g}" if isinstance(value, float) else str(value)


def _value(value: Any) -> str:
    try:
        text = json.dumps(value, ensure_ascii=False, default=str)
    except (ValueError, RecursionError):
        text = str(type(value).__name__)
    return _plain(text)


def _plain(text: Any, most: int = _CHARS) -> str:
    """A text on one line, shortened; nothing in it that a terminal would obey."""
    line = visible(_BREAKS.sub(" ", str(text)))
    return line if len(line) <= most else line[: most - 3] + "..."


def _html(text: str) -> str:
    return html.escape(visible(_BREAKS.sub(" ", text)), quote=True)
