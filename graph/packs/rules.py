"""The form of a rule: what a pack's JavaScript does to a class, and `/object_info` does not show.

`known_packs.py` holds the tables that come with this package, `read_rules.py` reads those of
others; `ObjectInfo` hands the merged `RuleBook` to everything that converts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Rows:
    """Objects in widgets_values that become numbered inputs: `{prefix}1`, `{prefix}2`, ...

    An object is a row if it has `key`. Fields in `dropped` are not sent; where a row has one, and
    the node's property has the value in `unsure_with`, what is sent is not known.
    """

    key: str
    prefix: str
    dropped: tuple[str, ...] = ()
    unsure_with: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ClassRules:
    """What is known of one node class.

    Attributes:
        page_only: the node exists in the browser and has no effect on a prompt.
        set_name, get_name: a value goes from the one to the other, by the name in their first
            widget.
        named_only: values are saved by name, and those that the class has no widget for are of
            the page only.
        size_text: the widget of old files that holds a size as text, and the two numbers that
            took its place.
        old_names: widget -> the name that values saved by name once had for it.
        old_places: the names of the values in a list of old files; "" for one that is not read.
        instead: input -> old value -> the value that took its place.
        widgets: input -> value at first: the page makes a widget of it, though its type is one of
            the pack's own.
        sockets: inputs whose widget the page takes away.
        ignores_surplus: values behind the last widget are of the page only, objects too.
        rows: objects in widgets_values that become inputs.
        from_properties: input -> the property that wins over its widget.
        fixed: input -> text that is always sent, where `{id}` is the node's id.
        first_choice: combos that always send their first option.
        patterns: inputs in whose text %date:...% and %Node.widget% are filled in.
        drawn: seeds that are drawn when they are -1.
        broadcast: what a node of Use Everywhere sends: its "inputs", "prompts" or a "seed".
        refusal: why the class can't be converted; of a node of the page, why it is needed.
        pack: the folder of the pack whose classes the rule speaks of; "" for the tables of this
            package, and for a user's, which speak of any.
    """

    page_only: bool = False
    set_name: bool = False
    get_name: bool = False
    named_only: bool = False
    size_text: tuple[str, str, str] | None = None
    old_names: Mapping[str, str] = field(default_factory=dict)
    old_places: tuple[str, ...] = ()
    instead: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    widgets: Mapping[str, str] = field(default_factory=dict)
    sockets: tuple[str, ...] = ()
    ignores_surplus: bool = False
    rows: Rows | None = None
    from_properties: Mapping[str, str] = field(default_factory=dict)
    fixed: Mapping[str, str] = field(default_factory=dict)
    first_choice: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()
    drawn: tuple[str, ...] = ()
    broadcast: str = ""
    refusal: str = ""
    pack: str = ""

    def decides(self, name: str) -> bool:
        """Whether what is sent as this input is not the widget's own value."""
        return name in self.from_properties or name in self.fixed or name in self.first_choice

    @property
    def is_refused(self) -> bool:
        """Whether a class that the server has can't be converted all the same."""
        return bool(self.refusal) and not self.page_only


@dataclass(frozen=True, slots=True)
class PackRules:
    """The rules of one pack. A class name that ends in `*` stands for all that begin so.

    `source`: the file that they are from; "" for the tables of this package.
    """

    pack: str
    seen_with: str
    classes: Mapping[str, ClassRules]
    source: str = ""


class _Group:
    """Tables of equal rank. A later one of the same pack wins; a class that another pack's table
    has stays that pack's.
    """

    __slots__ = ("names", "owners", "prefixes")

    def __init__(self, packs: Iterable[PackRules]):
        self.names: dict[str, ClassRules] = {}
        self.prefixes: dict[str, ClassRules] = {}
        self.owners: dict[tuple[str, bool], str] = {}
        for pack in packs:
            owner = pack.pack.lower()
            for name, rules in pack.classes.items():
                is_prefix = name.endswith("*")
                key, known = name.removesuffix("*"), self.prefixes if is_prefix else self.names
                if self.owners.setdefault((key, is_prefix), owner) == owner:
                    known[key] = rules

    def find(self, class_type: str) -> tuple[ClassRules, str] | None:
        """What it says of a class, and of which pack that is. Whole names win over beginnings."""
        found = self.names.get(class_type)
        if found is not None:
            return found, self.owners[class_type, False]
        starts = [p for p in self.prefixes if class_type.startswith(p)]
        if not starts:
            return None
        longest = max(starts, key=len)
        return self.prefixes[longest], self.owners[longest, True]


class RuleBook:
    """The rules of all packs, by class.

    Args:
        groups: those of a later one win. The first is this package's own, which says of each class
            what pack has it.
    """

    __slots__ = ("_groups", "_own", "packs", "senders", "virtual")

    def __init__(self, *groups: Iterable[PackRules]):
        tables = [tuple(group) for group in groups]
        self.packs = tuple(pack for group in tables for pack in group)
        self._own, *others = (_Group(group) for group in tables)
        self._groups = [group for group in reversed(others) if group.owners]
        named = {name for group in (self._own, *others) for name in group.names}
        known = {name: rules for name in named if (rules := self.of(name)) is not None}
        # Nodes whose links are not in the file, by their whole names.
        self.senders = frozenset(n for n, rules in known.items() if rules.broadcast)
        self.virtual = self.senders | {
            name for name, rules in known.items() if rules.set_name or rules.get_name
        }

    def of(self, class_type: str, module: str | None = None) -> ClassRules | None:
        """The rules of a class; None for most.

        Args:
            module: the `python_module` of a class that the server has. The rules of one pack speak
                of that pack's classes only, so they are passed over for others. Of a class that the
                server lacks, the pack is the one that our own tables say.
        """
        own = self._own.find(class_type)
        for group in self._groups:
            found = group.find(class_type)
            if found is not None and self._may_say(found[0], own, module):
                return found[0]
        return own[0] if own is not None else None

    @staticmethod
    def _may_say(rules: ClassRules, own: tuple[ClassRules, str] | None, module: str | None) -> bool:
        if not rules.pack:
            return True
        if module is not None:
            return is_of_pack(module, rules.pack)
        return own is None or own[1] == rules.pack.lower()

    def owner(self, class_type: str) -> str | None:
        """The folder of the pack that has a class, as far as our own tables say it."""
        found = self._own.find(class_type)
        return found[1] if found is not None else None

    def with_packs(self, *groups: Iterable[PackRules]) -> RuleBook:
        """A book of this one's tables, and with further groups, whose rules win over them."""
        return RuleBook(self.packs, *groups)


def is_of_pack(module: str, pack: str) -> bool:
    """Whether a class's `python_module` is that of the pack in this folder of custom_nodes."""
    return module.lower() == f"custom_nodes.{pack}".lower()
