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
        pack: the folder of the pack that the rule is of; "" for the tables of this package.
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
    """The rules of one pack. A class name that ends in `*` stands for all that begin so."""

    pack: str
    seen_with: str
    classes: Mapping[str, ClassRules]


class RuleBook:
    """The rules of all packs, by class. Whole names win over beginnings.

    A later table of the same pack wins; a class that another pack's table has stays that pack's.
    """

    __slots__ = ("_by_name", "_by_prefix", "packs", "senders", "virtual")

    def __init__(self, packs: Iterable[PackRules]):
        self.packs = tuple(packs)
        self._by_name: dict[str, ClassRules] = {}
        self._by_prefix: dict[str, ClassRules] = {}
        owners: dict[tuple[str, bool], str] = {}
        for pack in self.packs:
            for name, rules in pack.classes.items():
                is_prefix = name.endswith("*")
                key, known = name.removesuffix("*"), self._by_prefix if is_prefix else self._by_name
                if owners.setdefault((key, is_prefix), pack.pack.lower()) == pack.pack.lower():
                    known[key] = rules
        # Nodes whose links are not in the file, by their whole names.
        self.senders = frozenset(n for n, rules in self._by_name.items() if rules.broadcast)
        self.virtual = self.senders | {
            name for name, rules in self._by_name.items() if rules.set_name or rules.get_name
        }

    def of(self, class_type: str, module: str | None = None) -> ClassRules | None:
        """The rules of a class; None for most.

        Args:
            module: the `python_module` of a class that the server has. A pack's own file speaks
                of that pack's classes only, so its rules are passed over for others.
        """
        found = self._by_name.get(class_type)
        if found is None:
            starts = [p for p in self._by_prefix if class_type.startswith(p)]
            found = self._by_prefix[max(starts, key=len)] if starts else None
        if found is None or not found.pack or module is None or is_of_pack(module, found.pack):
            return found
        return None

    def with_packs(self, packs: Iterable[PackRules]) -> RuleBook:
        """A book with further packs."""
        return RuleBook([*self.packs, *packs])


def is_of_pack(module: str, pack: str) -> bool:
    """Whether a class's `python_module` is that of the pack in this folder of custom_nodes."""
    return module.lower() == f"custom_nodes.{pack}".lower()
