"""The values in a prompt that the server does not list: models, input files, other choices.

Every combo is looked at, whatever pack it is of: what it lists is in /object_info.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from ..node_classes.core_nodes import CUSTOM_COMBO
from ..node_classes.input_specs import DYNAMIC_COMBO, dicts_of
from ..node_classes.object_info import ObjectInfo
from ..plan.api_nodes import api_nodes
from ..prompt import Prompt, PromptNode, upstream
from ..workflow.model import PORT_TYPE
from .folders import folder_name, folder_of, kind_of_value
from .model_sources import model_sources, source_of
from .nearest import is_same_file, nearest_name
from .packs import UnknownNode
from .values import Kind, MissingFile, ModelSource, Named, OddChoice, Place

# The list is what the page fills in, or a beginning only: the class has a check of its own.
_OWN_CHECKS = frozenset({(CUSTOM_COMBO, "choice")})
_CORE_MODULES = ("comfy_extras.", "comfy_api_nodes.")


def find_unlisted(
    prompt: Prompt, info: ObjectInfo, where: str = "", is_whole: bool = True
) -> list[Named]:
    """Every value of a combo that the server does not list.

    Args:
        where: the name of the workflow, for the places.
        is_whole: False: nodes of classes that the server lacks were left out, which may need any.
    """
    needed = _needed(prompt, info) if is_whole else set(prompt)
    found = []
    for node_id, node in prompt.items():
        for name, value, options in _combo_values(node, info):
            choices = _choices(options)
            if choices is None or value in choices:
                continue
            text, kind = str(value), kind_of_value(str(value), options)
            if kind is Kind.CHOICE and not choices:
                continue  # nothing is known of what it takes
            place = _place(node_id, node, name, where, node_id not in needed)
            listed = tuple(c for c in choices if isinstance(c, str))
            is_sure = kind is not Kind.CHOICE or _is_core(node, info)
            found.append(Named(kind, text, place, listed, is_sure))
    return found


def carried_models(
    nodes: Collection[UnknownNode], lists: Mapping[str, Sequence[str]]
) -> list[Named]:
    """The models that nodes of unknown classes say they need, and the server lacks: which of their
    values names one can't be told.

    Args:
        lists: kind of model -> the names of the server's files.
    """
    return [
        Named(Kind.MODEL, source.name, place)
        for place, meta in nodes
        for source in model_sources({"nodes": [{"properties": meta}]})
        if source.name not in lists.get(folder_name(source.folder), ())
    ]


def missing_models(
    found: Collection[Named], sources: list[ModelSource], lists: Mapping[str, Sequence[str]]
) -> list[MissingFile]:
    """The models among them, one entry for each, with the nearest name and what is said of it.

    Args:
        sources: what the workflows say of models.
        lists: kind of model -> the names of the server's files.
    """
    groups: dict[tuple[str, str | None], list[Named]] = {}
    for named in found:
        if named.kind is Kind.MODEL:
            groups.setdefault((named.name, _folder(named, sources, lists)), []).append(named)
    return [_model(name, folder, all_, sources, lists) for (name, folder), all_ in groups.items()]


def missing_inputs(found: Collection[Named], there: Collection[str]) -> list[MissingFile]:
    """The input files among them, but for those that are `there` all the same: in a subfolder,
    or in another folder than the one that the input lists.
    """
    groups: dict[str, list[Named]] = {}
    for named in found:
        if named.kind is Kind.INPUT and named.name not in there:
            groups.setdefault(named.name, []).append(named)
    return [
        MissingFile(
            name,
            None,
            tuple(n.place for n in all_),
            nearest_name(name, (c for n in all_ for c in n.choices)),
        )
        for name, all_ in groups.items()
    ]


def odd_choices(found: Collection[Named]) -> list[OddChoice]:
    """The values among them that name no file."""
    return [
        OddChoice(n.name, n.place, nearest_name(n.name, n.choices), n.is_sure)
        for n in found
        if n.kind is Kind.CHOICE
    ]


def find_api_nodes(prompt: Prompt, info: ObjectInfo, where: str = "") -> list[Place]:
    """The nodes that work for credits of the user's Comfy account, with its key."""
    needed = _needed(prompt, info)
    return [
        _place(n.node_id, prompt[n.node_id], "", where, n.node_id not in needed)
        for n in api_nodes(prompt, info)
        if n.is_own
    ]


def _folder(
    named: Named, sources: list[ModelSource], lists: Mapping[str, Sequence[str]]
) -> str | None:
    source = source_of(named.name, None, sources)
    place = named.place
    return folder_of(place.node_type, place.input_name, source, named.choices, lists)


def _model(
    name: str,
    folder: str | None,
    found: list[Named],
    sources: list[ModelSource],
    lists: Mapping[str, Sequence[str]],
) -> MissingFile:
    nearest = nearest_name(name, dict.fromkeys(c for n in found for c in n.choices))
    elsewhere = None
    if not is_same_file(name, nearest):
        for kind, names in lists.items():
            same = next((other for other in names if is_same_file(name, other)), None)
            if same is not None and kind != folder:
                nearest, elsewhere = same, kind
                break
    places = tuple(n.place for n in found)
    return MissingFile(name, folder, places, nearest, elsewhere, source_of(name, folder, sources))


def _needed(prompt: Prompt, info: ObjectInfo) -> set[str]:
    """The nodes that a run has ComfyUI look at: those that something shown or asked for needs.

    A class that the server lacks may be an output node.
    """
    ends = [
        node_id
        for node_id, node in prompt.items()
        if node["class_type"] == PORT_TYPE
        or node["class_type"] not in info
        or info.is_output_node(node["class_type"])
    ]
    return upstream(prompt, ends) if ends else set(prompt)


def _combo_values(
    node: PromptNode, info: ObjectInfo
) -> Iterator[tuple[str, Any, Mapping[str, Any]]]:
    """`(input name, value, options)` of each value that a combo of the node has."""
    kind = node["class_type"]
    for name, value in node["inputs"].items():
        if (kind, name) in _OWN_CHECKS:
            continue
        spec = info.input_spec(kind, name)
        if spec is None:
            found = _row_value(value)  # an input that the node's page has added
            if found is not None:
                yield f"{name}.lora", found, {"options": _choices_of(info, "lora_name")}
        elif spec[0] in ("COMBO", DYNAMIC_COMBO):
            for item in _plain_items(value):
                yield name, item, spec[1]


def _row_value(value: Any) -> Any:
    """The file that a row of a loader of many names, if it is switched on."""
    is_row = isinstance(value, Mapping) and isinstance(value.get("lora"), str)
    return value["lora"] if is_row and value.get("on", True) is not False else None


def _choices_of(info: ObjectInfo, input_name: str) -> Any:
    """What core's loader lists under that name."""
    spec = info.input_spec("LoraLoader", input_name)
    return spec[1].get("options") if spec is not None else None


def _plain_items(value: Any) -> Iterator[Any]:
    """A value, or each of a list of values; links are none."""
    wrapped = value.get("__value__") if isinstance(value, Mapping) else None
    for item in wrapped if isinstance(wrapped, list) else (value,):
        if isinstance(item, (str, int, float)):
            yield item


def _choices(options: Mapping[str, Any]) -> list[Any] | None:
    """What a combo lists. None: nothing, since the page asks for it elsewhere."""
    listed = options.get("options")
    if not isinstance(listed, (list, tuple)) or options.get("remote"):
        return None
    keys = [o.get("key") for o in dicts_of(listed)]
    return keys if keys else list(listed)


def _place(node_id: str, node: PromptNode, name: str, where: str, is_idle: bool) -> Place:
    meta = node.get("_meta")
    title = meta.get("title") if isinstance(meta, Mapping) else None
    kind = node["class_type"]
    return Place(node_id, kind, title if isinstance(title, str) else kind, name, where, is_idle)


def _is_core(node: PromptNode, info: ObjectInfo) -> bool:
    module = _definition(node, info).get("python_module")
    return isinstance(module, str) and (module == "nodes" or module.startswith(_CORE_MODULES))


def _definition(node: PromptNode, info: ObjectInfo) -> Mapping[str, Any]:
    found = info.raw.get(node["class_type"])
    return found if isinstance(found, Mapping) else {}
