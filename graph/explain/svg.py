"""A plan as one SVG file that needs nothing else: no script, no font, no style sheet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape

from .card_layout import (
    BOLD,
    GROUP_PAD,
    HEADER,
    MAX_TEXT,
    PAD,
    SMALL,
    TITLE_SIZE,
    Panel,
    arrange,
    card_size,
    head_height,
    is_port,
    shorten,
    slot_dy,
    text_width,
)
from .diagram import Card, CardLink, State, make_diagram
from .layered_layout import Point, Size
from .workflow_plan import WorkflowPlan

_FONT = "system-ui, 'Segoe UI', Helvetica, Arial, sans-serif"

_BACK, _PANEL, _CARD, _BAR = "#15171b", "#1c1f24", "#2a2e35", "#363b44"
_TEXT, _DIM, _EDGE = "#eceff4", "#a3abb8", "#454b56"
_LOOKS = {
    "input": ("#1f6b4f", "#35a47c"),
    "output": ("#2c5490", "#4f8bd9"),
    "passthru": ("#7a5a1e", "#c4953f"),
    "missing": ("#8f2d2d", "#e06060"),
}
_LOOK_NAMES = {
    "input": "INPUT port",
    "output": "OUTPUT port",
    "passthru": "PASSTHRU port",
    "missing": "no value",
}
_STATE_NAMES = {
    State.CACHED: "expected from the cache",
    State.REFERENCE: "part of a reference, not run now",
    State.UNUSED: "not needed",
}
_OPACITY = {State.RUNS: 1.0, State.CACHED: 0.5, State.REFERENCE: 0.9, State.UNUSED: 0.3}
_LEGEND_WIDTH = 900.0
_GROUP = ("#262238", "#7d6cc4")
# A colour for each common type, near to what the editor draws; the others get one by name.
_TYPE_COLORS = {
    "MODEL": "#a990e0",
    "CLIP": "#e6c229",
    "VAE": "#f0716d",
    "CONDITIONING": "#f2a03d",
    "LATENT": "#f087d2",
    "IMAGE": "#5cabf2",
    "MASK": "#6fc276",
    "INT": "#6fd0c8",
    "FLOAT": "#9fd06f",
    "STRING": "#d6d27a",
    "BOOLEAN": "#d08f6f",
    "ANY": "#8d95a3",
}
_OTHER_COLORS = ("#8fb8de", "#c99ac0", "#a8c686", "#dca77c", "#86c5b4", "#b5a6e0")


def draw_plan(plans: Sequence[WorkflowPlan]) -> str:
    """The drawing of a plan: the workflows below each other, with a legend."""
    panels = [arrange(make_diagram(plan, i)) for i, plan in enumerate(plans, 1)]
    legend, legend_size = _legend(panels)
    width = max([legend_size.width, *(p.size.width for p in panels)]) + 2 * PAD
    parts, y = [], PAD
    for panel in panels:
        parts.append(_paint_panel(panel, y, width))
        y += panel.size.height + PAD
    parts.append(f'<g transform="translate({PAD} {_n(y)})">{legend}</g>')
    height = y + legend_size.height + PAD
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_n(width)} {_n(height)}" '
        f'width="{_n(width)}" height="{_n(height)}" font-family="{_FONT}" '
        f'style="max-width:100%;height:auto">'
        f'<rect width="100%" height="100%" fill="{_BACK}"/>{"".join(parts)}</svg>\n'
    )


def clean(text: str) -> str:
    """Text for XML: escaped, without what no XML may hold (control characters, half pairs)."""
    kept = (
        c if c in "\t\n" or (ord(c) >= 32 and not 0xD800 <= ord(c) <= 0xDFFF) else "\ufffd"
        for c in text
    )
    return escape("".join("\ufffd" if ord(c) in (0xFFFE, 0xFFFF) else c for c in kept))


def _n(number: float) -> str:
    return f"{number:.1f}".rstrip("0").rstrip(".")


def _color_of(kind: str) -> str:
    first = kind.split(",")[0]
    return _TYPE_COLORS.get(first) or _OTHER_COLORS[sum(map(ord, first)) % len(_OTHER_COLORS)]


def _text(x: float, y: float, text: str, size: float, color: str, more: str = "") -> str:
    return (
        f'<text x="{_n(x)}" y="{_n(y)}" font-size="{_n(size)}" fill="{color}"{more}>'
        f"{clean(text)}</text>"
    )


def _paint_panel(panel: Panel, y: float, width: float) -> str:
    diagram = panel.diagram
    cards = {card.id: card for card in diagram.cards}
    title_width = text_width(diagram.title, 15) * BOLD
    color = _LOOKS["missing"][1] if diagram.summary.startswith("missing") else _DIM
    out = [
        f'<g transform="translate(0 {_n(y)})">',
        f'<rect x="{_n(PAD / 2)}" width="{_n(width - PAD)}" height="{_n(panel.size.height)}" '
        f'rx="10" fill="{_PANEL}"/>',
        _text(PAD, 27, diagram.title, 15, _TEXT, ' font-weight="600"'),
        _text(PAD + title_width + 16, 27, diagram.summary, 11, color),
    ]
    for title, (corner, size) in panel.frames.items():
        out.append(
            f'<rect x="{_n(corner.x)}" y="{_n(corner.y)}" width="{_n(size.width)}" '
            f'height="{_n(size.height)}" rx="10" fill="{_GROUP[0]}" stroke="{_GROUP[1]}" '
            'stroke-dasharray="5 4"/>'
            + _text(corner.x + GROUP_PAD, corner.y + 19, title, 11, "#b9acec")
        )
    for link, bends in zip(diagram.links, panel.bends, strict=True):
        out.append(_paint_link(link, bends, panel.corners, cards))
    out += [_paint_card(card, panel.corners[card.id]) for card in diagram.cards]
    return "".join(out) + "</g>"


def _paint_link(
    link: CardLink,
    bends: Sequence[Point],
    corners: Mapping[str, Point],
    cards: Mapping[str, Card],
) -> str:
    origin, target = cards[link.origin], cards[link.target]
    corner = corners[origin.id]
    start = Point(corner.x + card_size(origin).width, corner.y + slot_dy(origin, link.output))
    end = Point(corners[target.id].x, corners[target.id].y + slot_dy(target, link.input))
    path = [f"M{_n(start.x)} {_n(start.y)}"]
    last = start
    for point in (*bends, end):
        if abs(point.y - last.y) < 0.5:
            path.append(f"L{_n(point.x)} {_n(point.y)}")
        else:
            half = max((point.x - last.x) / 2, 20)
            path.append(
                f"C{_n(last.x + half)} {_n(last.y)} {_n(point.x - half)} {_n(point.y)} "
                f"{_n(point.x)} {_n(point.y)}"
            )
        last = point
    opacity = min(_OPACITY[origin.state], _OPACITY[target.state])
    return (
        f'<path d="{"".join(path)}" fill="none" stroke="{_color_of(link.type)}" '
        f'stroke-width="1.8" opacity="{_n(opacity * 0.9)}"/>'
    )


def _paint_card(card: Card, corner: Point) -> str:
    size = card_size(card)
    head = head_height(card)
    fill, stroke = _LOOKS.get(card.look, (_CARD, _EDGE))
    dash = ' stroke-dasharray="4 3"' if card.state is State.REFERENCE else ""
    radius = size.height / 2 if is_port(card) else 6
    out = [
        f'<g transform="translate({_n(corner.x)} {_n(corner.y)})" '
        f'opacity="{_n(_OPACITY[card.state])}"><title>{clean(card.tip)}</title>',
        f'<rect width="{_n(size.width)}" height="{_n(size.height)}" rx="{_n(radius)}" '
        f'fill="{fill}" stroke="{stroke}"{dash}/>',
    ]
    left = 17.0 if is_port(card) else 12.0
    if not is_port(card):
        out.append(
            f'<path d="M0.5 {_n(head)}V6.5a6 6 0 0 1 6 -6H{_n(size.width - 6.5)}'
            f'a6 6 0 0 1 6 6V{_n(head)}Z" fill="{_BAR}"/>'
        )
    title = shorten(card.title, TITLE_SIZE, MAX_TEXT)
    subtitle = shorten(card.subtitle, SMALL, MAX_TEXT)
    out.append(_text(left, 16, title, TITLE_SIZE, _TEXT, ' font-weight="600"'))
    if subtitle:
        color = "#dfe6f0" if is_port(card) else _DIM
        out.append(_text(left, HEADER + 8, subtitle, SMALL, color))
    if card.badge:
        more = ' text-anchor="end" font-style="italic"'
        out.append(_text(size.width - 9, 15, card.badge, SMALL, _TEXT, more))
    return "".join([*out, *_paint_slots(card, size)]) + "</g>"


def _paint_slots(card: Card, size: Size) -> Iterable[str]:
    for i, slot in enumerate(card.inputs):
        y = slot_dy(card, i)
        yield f'<circle cy="{_n(y)}" r="3.2" fill="{_PANEL}" stroke="{_DIM}"/>'
        if slot.name:
            yield _text(10, y + 3.5, slot.name, SMALL, _DIM)
    for i, slot in enumerate(card.outputs):
        y, color = slot_dy(card, i), _color_of(slot.type)
        yield f'<circle cx="{_n(size.width)}" cy="{_n(y)}" r="3.2" fill="{color}"/>'
        if not is_port(card):
            more = ' text-anchor="end"'
            yield _text(size.width - 9, y + 3.5, slot.type, SMALL, color, more)


def _legend(panels: Sequence[Panel]) -> tuple[str, Size]:
    """What the colours mean, of those that are used."""
    out, x, y, widest = [], 0.0, 12.0, 0.0
    for swatch, name in _legend_entries(panels):
        step = 26 + text_width(name, 11) + 22
        if x and x + step > _LEGEND_WIDTH:
            x, y = 0.0, y + 20
        label = _text(26, 0, name, 11, _DIM)
        out.append(f'<g transform="translate({_n(x)} {_n(y)})">{swatch}{label}</g>')
        x += step
        widest = max(widest, x)
    return "".join(out), Size(widest, y + 4)


def _legend_entries(panels: Sequence[Panel]) -> Iterator[tuple[str, str]]:
    """A sample and its name: of the ports, of what a run does with nodes, and of types."""
    cards = [card for panel in panels for card in panel.diagram.cards]
    for look, name in _LOOK_NAMES.items():
        if any(card.look == look for card in cards):
            fill, stroke = _LOOKS[look]
            yield (
                f'<rect y="-9" width="18" height="11" rx="5.5" fill="{fill}" stroke="{stroke}"/>',
                name,
            )
    for state, name in _STATE_NAMES.items():
        if any(card.state is state for card in cards):
            dash = ' stroke-dasharray="4 3"' if state is State.REFERENCE else ""
            yield (
                f'<rect y="-9" width="18" height="11" rx="2.5" fill="{_CARD}" stroke="{_DIM}"'
                f'{dash} opacity="{_n(_OPACITY[state])}"/>',
                name,
            )
    kinds = dict.fromkeys(link.type for panel in panels for link in panel.diagram.links)
    for kind in kinds:
        yield f'<path d="M0 -4h18" stroke="{_color_of(kind)}" stroke-width="2.5"/>', kind
