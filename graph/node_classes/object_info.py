"""`/object_info`, indexed: what is asked of it by class and input name.

Classes are compiled when they are first asked for, and kept. Used by `widgets.py`, which re-exports
`ObjectInfo` and `index_object_info`, and by everything in this package that asks for a type.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from . import core_nodes
from .input_specs import AUTOGROW, DYNAMIC_COMBO, dicts_of, items_of, normal_spec
from .node_class import ClassSpec, compile_class


class ObjectInfo:
    """An indexed `/object_info`. Build it once per server: `index_object_info`."""

    __slots__ = ("raw", "_specs")

    def __init__(self, raw: Mapping[str, Any]):
        self.raw = raw
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
            found = self._specs[class_type] = compile_class(class_type, definition)
        return found

    def output_types(self, class_type: str) -> tuple[str, ...]:
        """The types of the class's outputs; none for an unknown class."""
        spec = self.spec(class_type)
        return spec.outputs if spec else ()

    def is_output_node(self, class_type: str) -> bool:
        spec = self.spec(class_type)
        return spec is not None and spec.is_output_node

    def input_spec(self, class_type: str, input_name: str) -> tuple[str, dict[str, Any]] | None:
        """Type and options of an input, also of one that a dynamic input brings ("format.codec").

        A combo has the type "COMBO" and its values in `options["options"]`, in either form of
        /object_info.
        """
        spec = self.spec(class_type)
        if spec is None:
            return None
        found = spec.inputs.get(input_name)
        return found if found is not None else _nested_input(spec, input_name)


def index_object_info(object_info: Mapping[str, Any] | ObjectInfo) -> ObjectInfo:
    """Index a server's `/object_info`. An `ObjectInfo` comes back as it is."""
    return object_info if isinstance(object_info, ObjectInfo) else ObjectInfo(object_info)


def _nested_input(spec: ClassSpec, input_name: str) -> tuple[str, dict[str, Any]] | None:
    """An input of a dynamic input: "format.codec", "images.image3"."""
    for name, (kind, options) in spec.inputs.items():
        if not input_name.startswith(name + "."):
            continue
        if kind == AUTOGROW:
            return _row_input(options)
        if kind == DYNAMIC_COMBO:
            found = _nested_option(name, options, input_name)
            if found is not None:
                return found
    return None


def _nested_option(
    name: str, options: dict[str, Any], input_name: str
) -> tuple[str, dict[str, Any]] | None:
    for option in dicts_of(options.get("options")):
        sections = option.get("inputs")
        if not isinstance(sections, Mapping):
            continue
        for section in ("required", "optional"):
            for inner, spec in items_of(sections.get(section)):
                kind, inner_options = normal_spec(spec)
                full = f"{name}.{inner}"
                if full == input_name:
                    return kind, inner_options
                if kind == DYNAMIC_COMBO and input_name.startswith(full + "."):
                    found = _nested_option(full, inner_options, input_name)
                    if found is not None:
                        return found
                if kind == AUTOGROW and input_name.startswith(full + "."):
                    return _row_input(inner_options)
    return None


def _row_input(options: dict[str, Any]) -> tuple[str, dict[str, Any]] | None:
    """The input that each row of an autogrow group has; the first where a row has several."""
    template = options.get("template")
    sections = template.get("input") if isinstance(template, Mapping) else None
    if isinstance(sections, Mapping):
        for section in ("required", "optional"):
            for _, inner in items_of(sections.get(section)):
                return normal_spec(inner)
    return None
