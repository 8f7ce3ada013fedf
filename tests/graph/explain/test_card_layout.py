"""How large cards are, and where they stand."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import pytest
from custom_nodes.discomfort.graph.explain.card_layout import (
    arrange,
    card_size,
    head_height,
    is_port,
    shorten,
    slot_dy,
    text_width,
)
from custom_nodes.discomfort.graph.explain.diagram import Card, CardLink, Diagram, Slot, State
from hypothesis import given
from hypothesis import strategies as st


def card(
    card_id: str = "a",
    title: str = "Title",
    subtitle: str = "",
    look: str = "node",
    state: State = State.RUNS,
    slots: tuple[int, int] = (1, 1),
) -> Card:
    inputs = tuple(Slot(f"in {i}", "") for i in range(slots[0]))
    outputs = tuple(Slot("", "IMAGE") for _ in range(slots[1]))
    return Card(card_id, title, subtitle, look, state, inputs, outputs, "")


def test_wide_letters_take_more_room_than_narrow_ones():
    widths = [text_width(letter, 10) for letter in "ianM\u6f22"]
    assert widths[0] < widths[1] == widths[2] < widths[3] < widths[4] == 10
    assert text_width("", 10) == 0 and text_width("ab", 20) == 2 * text_width("ba", 10)


@pytest.mark.parametrize(
    ("text", "width", "shown"),
    [
        ("short", 100, "short"),
        ("a long text", 40, "a long\u2026"),
        ("abc", 1, "\u2026"),
        ("", 1, ""),
    ],
)
def test_a_text_is_cut_to_a_width(text, width, shown):
    assert shorten(text, 10, width) == shown


@given(st.text(), st.floats(12, 300))
def test_a_cut_text_is_no_wider_than_asked_for(text, width):
    assert text_width(shorten(text, 12, width), 12) <= width


def test_a_card_grows_with_what_stands_on_it():
    plain = card_size(card())
    assert card_size(card(slots=(3, 1))).height == plain.height + 2 * 15
    assert card_size(card(slots=(1, 3))).height == plain.height + 2 * 15
    assert card_size(card(subtitle="Class")).height > plain.height
    assert card_size(card(title="A much longer title")).width > plain.width
    assert card_size(card(title="x" * 100)) == card_size(card(title="x" * 200))  # cut
    assert (
        card_size(replace(card(title="x" * 20), badge="cached")).width
        > card_size(card(title="x" * 20)).width
    )
    assert card_size(card(slots=(0, 0))).height < plain.height


def test_a_port_is_a_pill_whose_slots_are_in_the_middle():
    port = card(look="input")
    assert is_port(port) and not is_port(card())
    assert slot_dy(port, 0) == slot_dy(port, 5) == card_size(port).height / 2
    assert slot_dy(card(), 1) - slot_dy(card(), 0) == 15
    assert head_height(card()) < slot_dy(card(), 0) < card_size(card()).height


def boxes_of(panel) -> dict[str, tuple[float, float, float, float]]:
    found = {}
    for item in panel.diagram.cards:
        corner, size = panel.corners[item.id], card_size(item)
        found[item.id] = (corner.x, corner.y, corner.x + size.width, corner.y + size.height)
    return found


def holds(outer, inner) -> bool:
    return (
        outer[0] <= inner[0]
        and outer[1] <= inner[1]
        and outer[2] >= inner[2]
        and outer[3] >= inner[3]
    )


def test_cards_of_a_group_stand_in_its_frame_and_no_others_do():
    cards = tuple(card(i) for i in "abcd")
    links = (
        CardLink("a", 0, "b", 0, "IMAGE"),
        CardLink("b", 0, "c", 0, "IMAGE"),
        CardLink("c", 0, "d", 0, "IMAGE"),
        CardLink("a", 0, "d", 0, "IMAGE"),
    )
    panel = arrange(Diagram("title", "summary", cards, links, {"a group": ("a", "b")}))
    boxes = boxes_of(panel)
    corner, size = panel.frames["a group"]
    frame = (corner.x, corner.y, corner.x + size.width, corner.y + size.height)
    assert [holds(frame, boxes[i]) for i in "abcd"] == [True, True, False, False]
    for one, other in combinations(boxes.values(), 2):
        assert one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]
    assert boxes["a"][0] < boxes["b"][0] < boxes["c"][0] < boxes["d"][0]
    whole = (0, 0, panel.size.width, panel.size.height)
    assert all(holds(whole, box) for box in (*boxes.values(), frame))
    assert len(panel.bends) == 4 and panel.bends[0] == ()
    # The long wire goes round "c", inside the panel.
    (bend, *_) = panel.bends[3]
    assert holds(whole, (bend.x, bend.y, bend.x, bend.y))
    assert not holds(boxes["c"], (bend.x, bend.y, bend.x, bend.y))


def test_a_panel_is_as_wide_as_its_title_or_its_cards():
    narrow = arrange(Diagram("t", "s", (card(),), (), {}))
    wide = arrange(Diagram("t" * 200, "s", (card(),), (), {}))
    assert wide.size.width > narrow.size.width and wide.size.height == narrow.size.height
