"""How large the cards of a diagram are, and where everything stands.

The width of texts is an estimate: no font is read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .diagram import Card, CardLink, Diagram
from .layered_layout import Placed, Point, Size, Wire, place_in_layers

PAD = 28.0
TITLE_SIZE, SMALL = 12.0, 10.0  # of letters
MAX_TEXT = 230.0
GROUP_PAD, GROUP_TITLE = 14.0, 20.0
PANEL_TITLE = 44.0
HEADER = 22.0  # a card's title line
_SUBTITLE = 15.0
_ROW = 15.0
BOLD = 1.13
_NARROW, _WIDE = set("ijl.,:;'|!()[]ft I"), set("mwMW@%")
_FIRST_FULL_WIDTH = 0x2E80  # Chinese, Japanese and Korean letters


@dataclass(frozen=True, slots=True)
class Panel:
    """A diagram with the place of everything, from the panel's own corner."""

    diagram: Diagram
    corners: Mapping[str, Point]
    bends: Sequence[tuple[Point, ...]]
    frames: Mapping[str, tuple[Point, Size]]
    size: Size


def text_width(text: str, size: float) -> float:
    """About how wide a text is drawn."""
    return size * sum(map(_letter_width, text))


def _letter_width(letter: str) -> float:
    if letter in _NARROW:
        return 0.34
    if letter in _WIDE:
        return 0.88
    if ord(letter) > _FIRST_FULL_WIDTH:
        return 1.0
    return 0.68 if letter.isupper() else 0.57


def shorten(text: str, size: float, width: float) -> str:
    """The text, cut to a width."""
    if text_width(text, size) <= width:
        return text
    while text and text_width(text + "\u2026", size) > width:
        text = text[:-1]
    return text.rstrip() + "\u2026"


def is_port(card: Card) -> bool:
    return card.look != "node"


def head_height(card: Card) -> float:
    return HEADER + (_SUBTITLE if card.subtitle else 0.0)


def _rows(card: Card) -> int:
    return max(len(card.inputs), len(card.outputs))


def card_size(card: Card) -> Size:
    badge = text_width(card.badge, SMALL) + 10 if card.badge else 0.0
    title = text_width(shorten(card.title, TITLE_SIZE, MAX_TEXT), TITLE_SIZE) * BOLD + badge
    subtitle = text_width(shorten(card.subtitle, SMALL, MAX_TEXT), SMALL)
    if is_port(card):
        return Size(max(title, subtitle, 60) + 34, head_height(card) + 5)
    labels = 0.0
    for i in range(_rows(card)):
        left = text_width(card.inputs[i].name, SMALL) if i < len(card.inputs) else 0.0
        right = text_width(card.outputs[i].type, SMALL) if i < len(card.outputs) else 0.0
        labels = max(labels, left + right + 18)
    return Size(
        max(title, subtitle, labels, 70) + 24,
        head_height(card) + _rows(card) * _ROW + (8 if _rows(card) else 3),
    )


def slot_dy(card: Card, index: int) -> float:
    if is_port(card):
        return card_size(card).height / 2
    return head_height(card) + 4 + _ROW * (index + 0.5)


def arrange(diagram: Diagram) -> Panel:
    """Place the cards; those of a group are placed first, and then stand as one box."""
    cards = {card.id: card for card in diagram.cards}
    sizes = {card.id: card_size(card) for card in diagram.cards}
    group_of = {i: title for title, ids in diagram.groups.items() for i in ids}
    inner: dict[str, Placed] = {}
    boxes = {i: size for i, size in sizes.items() if i not in group_of}
    for title, ids in diagram.groups.items():
        wires = [_wire(c, cards) for c in diagram.links if {c.origin, c.target} <= set(ids)]
        inner[title] = place_in_layers({i: sizes[i] for i in ids}, wires)
        width = max(inner[title].size.width, text_width(title, SMALL))
        height = inner[title].size.height + 2 * GROUP_PAD + GROUP_TITLE
        boxes[_box_of(title)] = Size(width + 2 * GROUP_PAD, height)
    outer, numbers = [], []
    for number, link in enumerate(diagram.links):
        wire = _wire(link, cards)
        title = group_of.get(link.origin)
        if title is not None and group_of.get(link.target) == title:
            continue
        if title is not None:  # a reference is closed: wires only leave it
            dy = inner[title].corners[link.origin].y + GROUP_PAD + GROUP_TITLE
            wire = wire._replace(origin=_box_of(title), origin_dy=wire.origin_dy + dy)
        outer.append(wire)
        numbers.append(number)
    placed = place_in_layers(boxes, outer)
    return _panel(diagram, placed, inner, dict(zip(numbers, placed.bends, strict=True)))


def _panel(
    diagram: Diagram,
    placed: Placed,
    inner: Mapping[str, Placed],
    bends: Mapping[int, tuple[Point, ...]],
) -> Panel:
    corners = {
        i: Point(c.x + PAD, c.y + PANEL_TITLE)
        for i, c in placed.corners.items()
        if i not in {_box_of(title) for title in inner}
    }
    frames, shift, group_of = {}, {}, {}
    for title, part in inner.items():
        corner = placed.corners[_box_of(title)]
        frame = Point(corner.x + PAD, corner.y + PANEL_TITLE)
        width = max(part.size.width, text_width(title, SMALL)) + 2 * GROUP_PAD
        height = part.size.height + 2 * GROUP_PAD + GROUP_TITLE
        frames[title] = (frame, Size(width, height))
        shift[title] = Point(frame.x + GROUP_PAD, frame.y + GROUP_PAD + GROUP_TITLE)
        for i, c in part.corners.items():
            corners[i] = Point(c.x + shift[title].x, c.y + shift[title].y)
            group_of[i] = title
    inside = {title: iter(part.bends) for title, part in inner.items()}
    moved = []
    for number, link in enumerate(diagram.links):
        if number in bends:
            found, by = bends[number], Point(PAD, PANEL_TITLE)
        else:
            title = group_of[link.origin]
            found, by = next(inside[title]), shift[title]
        moved.append(tuple(Point(p.x + by.x, p.y + by.y) for p in found))
    head = max(
        text_width(diagram.title, 15) * BOLD + text_width(diagram.summary, 11) + 40,
        placed.size.width,
    )
    size = Size(head + 2 * PAD, placed.size.height + PANEL_TITLE + PAD)
    return Panel(diagram, corners, moved, frames, size)


def _box_of(title: str) -> str:
    return f"group:{title}"


def _wire(link: CardLink, cards: Mapping[str, Card]) -> Wire:
    return Wire(
        link.origin,
        slot_dy(cards[link.origin], link.output),
        link.target,
        slot_dy(cards[link.target], link.input),
    )
