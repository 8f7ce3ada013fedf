"""`/object_info`, indexed: what is asked of it by class and input name.

Classes are compiled when they are first asked for, and kept. Used by `widgets.py`, which re-exports
`ObjectInfo` and `index_object_info`, and by everything in this package that asks for a type.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeAlias

from ..packs.known_packs import KNOWN
from ..packs.rules import ClassRules, PackRules, RuleBook
from . import core_nodes
from .input_specs import AUTOGROW, DYNAMIC_COMBO, DYNAMIC_GROUP, dicts_of, items_of, normal_spec
from .node_class import ClassSpec, compile_class

InputSpec: TypeAlias = "tuple[str, dict[str, Any]]"  # type and options


class ObjectInfo:
    """An indexed `/object_info`, with the rules of node packs. Once per server."""

    __slots__ = ("book", "raw", "_specs")

    def __init__(self, raw: Mapping[str, Any], book: RuleBook = KNOWN):
        self.raw = raw
        self.book = book
        self._specs: dict[str, ClassSpec] = {}

    def __contains__(self, class_type: object) -> bool:
        return class_type in self.raw or class_type in core_nodes.BUILT_IN_CLASSES

    def __iter__(self) -> Iterator[str]:
        return iter(self.raw)

    def spec(self, class_type: str) -> ClassSpec | None:
        """The compiled class, or None for an unknown one."""
        found = self._specs.get(class_type)
        if found is None:
            definition = self.raw.get(class_type)
            if definition is None:
                definition = core_nodes.BUILT_IN_CLASSES.get(class_type)
            if not isinstance(definition, Mapping):
                return None
            found = self._specs[class_type] = compile_class(
                class_type, definition, self.rules(class_type)
            )
        return found

    def rules(self, class_type: str) -> ClassRules | None:
        """What is known of the JavaScript of a class; None for most."""
        definition = self.raw.get(class_type)
        module = definition.get("python_module") if isinstance(definition, Mapping) else None
        return self.book.of(class_type, module if isinstance(module, str) else None)

    def output_types(self, class_type: str) -> tuple[str, ...]:
        """The types of the class's outputs; none for an unknown class."""
        spec = self.spec(class_type)
        return spec.outputs if spec else ()

    def is_output_node(self, class_type: str) -> bool:
        spec = self.spec(class_type)
        return spec is not None and spec.is_output_node

    def input_spec(self, class_type: str, input_name: str) -> InputSpec | None:
        """Type and options of an input, also of one that a dynamic input brings ("format.codec").

        A combo has the type "COMBO" and its values in `options["options"]`, in either form of
        /object_info.
        """
        spec = self.spec(class_type)
        if spec is None:
            return None
        found = spec.inputs.get(input_name)
        return found if found is not None else _nested_input(spec, input_name)


def index_object_info(
    object_info: Mapping[str, Any] | ObjectInfo,
    packs: Iterable[PackRules] = (),
    users: Iterable[PackRules] = (),
) -> ObjectInfo:
    """Index a server's `/object_info`. An `ObjectInfo` comes back as it is.

    Args:
        packs: rules that packs brought (`graph/packs/read_rules.py`), which win over ours.
        users: rules of the user's own, which win over these.
    """
    if isinstance(object_info, ObjectInfo):
        return object_info
    return ObjectInfo(object_info, KNOWN.with_packs(packs, users))


def _nested_input(spec: ClassSpec, input_name: str) -> InputSpec | None:
    """An input of a dynamic input: "format.codec", "images.image3"."""
    for name, (kind, options) in spec.inputs.items():
        found = _input_inside(name, kind, options, input_name)
        if found is not None:
            return found
    return None


def _input_inside(
    name: str, kind: str, options: dict[str, Any], input_name: str
) -> InputSpec | None:
    """The input `input_name`, if it is one that the dynamic input `name` brings."""
    if not input_name.startswith(name + "."):
        return None
    if kind == AUTOGROW:
        return _row_input(options)
    if kind == DYNAMIC_GROUP:
        row, _, field = input_name[len(name) + 1 :].partition(".")
        inside = dict(_section_items(options.get("template")))
        return normal_spec(inside[field]) if row.isdecimal() and field in inside else None
    if kind == DYNAMIC_COMBO:
        for inner, inner_kind, inner_options in _option_inputs(name, options):
            if inner == input_name:
                return inner_kind, inner_options
            found = _input_inside(inner, inner_kind, inner_options, input_name)
            if found is not None:
                return found
    return None


def _option_inputs(name: str, options: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Full name, type and options of the inputs that any option of a dynamic combo brings."""
    for option in dicts_of(options.get("options")):
        for inner, spec in _section_items(option.get("inputs")):
            yield f"{name}.{inner}", *normal_spec(spec)


def _row_input(options: dict[str, Any]) -> InputSpec | None:
    """The input that each row of an autogrow group has; the first where a row has several."""
    template = options.get("template")
    sections = template.get("input") if isinstance(template, Mapping) else None
    return next((normal_spec(spec) for _, spec in _section_items(sections)), None)


def _section_items(sections: Any) -> Iterator[tuple[str, Any]]:
    """The inputs of both sections, required ones first."""
    if isinstance(sections, Mapping):
        for section in ("required", "optional"):
            yield from items_of(sections.get(section))
