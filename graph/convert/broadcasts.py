"""One broadcast of Use Everywhere, and which inputs it may go to: decisions on plain values.

`use_everywhere.py` finds the broadcasts and draws the links.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from ..workflow.model import Node, NodeId
from .restrictions import Reach

# A stranger's expression may repeat what repeats, and then search for hours.
_MOST_REPEATS, _LONGEST_NAME = 2, 1000
_LEAST, _NAMED, _KIND, _GROUP, _COLOUR = 10, 20, 10, 3, 6


@dataclass(frozen=True, slots=True)
class Target:
    """An unlinked input that may get a broadcast. `shown` is what the editor writes beside it."""

    node: Node
    name: str
    shown: str
    type: str
    # Whether only the pack's old form decides that this widget takes a link.
    is_old_widget: bool = False
    # Whether the class gives it its type only in the page.
    is_typed_later: bool = False


@dataclass(frozen=True, slots=True)
class Broadcast:
    """A value that one node sends. `sender` is the node that broadcasts.

    `name`: what the target must be called, as the sender has its type twice; `is_repeated`: it has
    some type twice; `is_special`: its class goes first. `doubt`: why it can't be known where
    it goes. `reach`: the nodes that its groups and colours leave.
    """

    sender: Node
    origin_id: NodeId
    origin_slot: int
    type: str
    name: str | None = None
    pattern: re.Pattern[str] | None = None
    doubt: str = ""
    settings: Any = field(default_factory=dict)
    reach: Reach = field(default_factory=Reach)
    is_repeated: bool = False
    is_special: bool = False

    def reaches(self, target: Target) -> bool:
        """Whether it goes to this target, or may."""
        if not self._takes_type(target.type):
            return False
        if target.node.id in (self.sender.id, self.origin_id):
            return False
        if self.reach.of(target.node.id) is False:
            return False
        if self.name is not None and self.name != target.shown:
            return False
        if self.pattern is not None and not self.pattern.search(target.shown):
            return False
        return _fits(self.settings, "title", target.node.title) and _fits(
            self.settings, "input", target.shown
        )

    def _takes_type(self, kind: str) -> bool:
        """Also others, where its settings say so."""
        if kind == self.type:
            return True
        if kind == "*":
            return bool(self.settings.get("send_to_any"))
        is_text = self.type == "STRING" and kind == "COMBO"
        return is_text and bool(self.settings.get("string_to_combo"))

    def doubt_at(self, target: Target) -> str:
        """Why it can't be known whether it goes to a target that it may reach; "" if it can."""
        if self.doubt:
            return self.doubt
        if self.reach.of(target.node.id) is None:
            return "whether this node is in the groups that it sends to is not known"
        if target.type != self.type and target.is_typed_later:
            return "which type this input has in the browser is not known"
        if target.type == "COMBO" and self.type != "COMBO":
            return "whether a text reaches a list of choices is not known"
        return ""

    @property
    def priority(self) -> float:
        given = self.settings.get("priority")
        if isinstance(given, (int, float)) and not isinstance(given, bool) and given:
            return given
        is_named = self.is_repeated or any(
            expression(self.settings, side) for side in ("title", "input", "group")
        )
        return (
            _LEAST
            + _KIND * self.is_special
            + _NAMED * is_named
            + _GROUP * bool(self.settings.get("group_restricted"))
            + _COLOUR * bool(self.settings.get("color_restricted"))
        )


def expression(settings: Any, side: str) -> str:
    """The regular expression for titles, inputs or groups; "" for none."""
    found = settings.get(f"{side}_regex")
    return found if isinstance(found, str) else ""


def _is_quick(pattern: str) -> bool:
    """Whether a regular expression of a file can be read, and can't take for ever."""
    if re.search(r"\)[*+{]", pattern) or len(re.findall(r"[*+{]", pattern)) > _MOST_REPEATS:
        return False
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError):
        return False
    return True


def _fits(settings: Any, side: str, text: str) -> bool:
    found = expression(settings, side)
    if not _is_quick(found):  # `doubt_of` says so
        return True
    is_found = bool(re.search(found, text[:_LONGEST_NAME]))
    return not found or is_found != bool(settings.get(f"{side}_regex_invert"))


def choose(broadcasts: Iterable[Broadcast], target: Target) -> Broadcast | None:
    """The broadcast that an input gets: the one of the highest priority; none where two have it."""
    found = sorted(
        (b for b in broadcasts if b.reaches(target)), key=lambda b: b.priority, reverse=True
    )
    if len(found) > 1 and found[0].priority == found[1].priority:
        best = [b for b in found if b.priority == found[0].priority]
        doubtful = [b for b in best if b.doubt_at(target)]
        return doubtful[0] if doubtful else None
    return found[0] if found else None


def doubt_of(node: Node, settings: dict[str, Any]) -> str:
    """Why it can't be known where a node's broadcasts go; "" if it can."""
    for side in ("title", "input", "group"):
        if not _is_quick(expression(settings, side)):
            return f"its regular expression {expression(settings, side)!r} can't be read here"
    return ""


def settings_of(node: Node) -> dict[str, Any]:
    """The pack's settings of a node; older ones stood beside the others."""
    old = {
        k: v
        for k, v in node.properties.items()
        if k.endswith(("_regex", "_regex_invert", "_restricted", "ue_connectable"))
        or k in ("priority", "rejects_ue_links", "send_to_any")
    }
    return {**old, **as_dict(node.properties.get("ue_properties"))}


def sender_settings(node: Node, role: str) -> dict[str, Any]:
    """What narrows a broadcast. Before version 7 the widgets of "Anything Everywhere?" did.

    Args:
        role: what the node is to the pack; "" for one of another.
    """
    settings = settings_of(node)
    values = node.widgets_values
    if role and "version" not in settings and node.type.endswith("?"):
        values = values if isinstance(values, list) else []
        sides = ("title_regex", "input_regex", "group_regex")
        for side, value in zip(sides, values, strict=False):
            settings = {**settings, side: None if value in ("", ".*") else value}
    return settings


def as_dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def shown_name(slot: dict[str, Any]) -> str:
    label = slot.get("label")
    return label if isinstance(label, str) and label else slot.get("name") or ""
