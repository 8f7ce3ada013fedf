"""Every type of ComfyUI's core has a rule, and what the rule promises holds."""

from __future__ import annotations

import pickletools

import numpy as np
import pytest
import torch
from custom_nodes.discomfort.discomfort import Discomfort
from custom_nodes.discomfort.errors import NodeFailed, UnopenedValueError
from custom_nodes.discomfort.store.encoding.layout import HEADER_BYTES, pack, read_header
from custom_nodes.discomfort.store.encoding.unopened import UnopenedValue
from support.prompts import port

from .makers import MAKERS, NEEDS_WEIGHTS_OR_FILES, maker_of

# Placeholders for another type, in V3's schemas and in the editor.
WILDCARDS = {
    "*",
    "COMFY_MATCHTYPE_V3",
    "COMFY_AUTOGROW_V3",
    "COMFY_DYNAMICCOMBO_V3",
    "COMFY_DYNAMICSLOT_V3",
}
# Tensors and dicts, but each is made of a CLIP in no time, and says nothing without its model.
DATA_BY_REFERENCE = {"CONDITIONING"}

ROW_BYTES = 32  # of the table before the stream

COPY = {"1": port("it"), "2": port("copy", ["1", 0])}
SHOW = {"1": port("it"), "2": {"class_type": "PreviewAny", "inputs": {"source": ["1", 0]}}}


def made_types(info: dict) -> set[str]:
    """The types that nodes of the core give; inputs without one are widgets."""
    outputs = [kind for node in info.values() if is_core(node) for kind in node["output"] or []]
    names = {"COMBO" if isinstance(kind, list) else kind for kind in outputs}
    return {part.strip() for name in names for part in name.split(",")} - WILDCARDS


def types_of(info: dict) -> set[str]:
    kinds: list = []
    for node in info.values():
        for section in ("required", "optional"):
            kinds += [spec[0] for spec in (node["input"].get(section) or {}).values() if spec]
    names = {"COMBO" if isinstance(kind, list) else kind for kind in kinds}
    return {part.strip() for name in names for part in name.split(",")} | made_types(info)


def is_core(node: dict) -> bool:
    module = node.get("python_module", "")
    return module == "nodes" or module.startswith(("comfy_extras.", "comfy_api_nodes."))


async def test_every_type_of_the_core_has_a_rule(discomfort, server):
    info = await discomfort.Worker.object_info()
    core = {name: node for name, node in info.items() if is_core(node)}
    assert server.is_fake or len(core) > 300
    without = types_of(core) - set(discomfort.Tools.pass_by_rules) - WILDCARDS
    assert sorted(without) == []


def equal(a, b) -> bool:
    if isinstance(a, torch.Tensor):
        return torch.equal(a, b) and a.dtype == b.dtype
    if isinstance(a, np.ndarray):
        return np.array_equal(a, b) and a.dtype == b.dtype
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(equal(a[k], b[k]) for k in a)
    if isinstance(a, (list, tuple)):
        pairs = zip(a, b, strict=True)
        return type(a) is type(b) and all(equal(x, y) for x, y in pairs)
    return type(a) is type(b) and a == b


async def makers(discomfort) -> dict[str, dict]:
    """Type -> prompt, of the types that the core of this server makes."""
    info = await discomfort.Worker.object_info()
    found = {kind: maker_of(kind, info) for kind in made_types(info)}
    return {kind: prompt for kind, prompt in found.items() if prompt is not None}


def with_rule(discomfort: Discomfort, kind: str, rule: str) -> Discomfort:
    made = Discomfort(discomfort.Worker)
    made.Tools.pass_by_rules = {**discomfort.Tools.pass_by_rules, kind: rule}
    return made


async def test_every_type_that_the_core_makes_is_tried(discomfort, server):
    """A type that a new version brings is to be looked at: which rule, and what makes one."""
    if server.is_fake:
        return  # it makes few
    made = made_types(await discomfort.Worker.object_info())
    without = made - set(await makers(discomfort)) - NEEDS_WEIGHTS_OR_FILES
    assert sorted(without) == []
    assert not NEEDS_WEIGHTS_OR_FILES & set(MAKERS)
    rules = discomfort.Tools.pass_by_rules
    assert {kind for kind in NEEDS_WEIGHTS_OR_FILES if rules[kind] == "val"} == set()


async def test_values_go_round_exactly(discomfort, server):
    """Out of one run, into the next from its context, and into another as an input."""
    rules = discomfort.Tools.pass_by_rules
    found = {k: v for k, v in (await makers(discomfort)).items() if rules[k] == "val"}
    assert len(found) >= (4 if server.is_fake else 15)
    for kind, maker in found.items():
        with discomfort.Context() as context:
            made = await discomfort.run(maker, context=context)
            assert context.get_storage_info("it")["pass_by"] == "val", kind
            assert context.internal.get_receipt("it").is_safe, f"{kind} needs code to be read"
            copied = await discomfort.run(COPY, context=context)
            assert equal(made["it"], copied["copy"]), kind
        given = await discomfort.run(COPY, {"it": made["it"]})
        assert equal(made["it"], given["copy"]), kind


async def test_references_are_rebuilt(discomfort, server):
    """Equal to what the same nodes give by value."""
    rules = discomfort.Tools.pass_by_rules
    found = {k: v for k, v in (await makers(discomfort)).items() if rules[k] == "ref"}
    assert server.is_fake or len(found) >= 15
    for kind, maker in found.items():
        by_value = await with_rule(discomfort, kind, "val").run(maker)
        with discomfort.Context() as context:
            await discomfort.run(maker, context=context)
            info = context.get_storage_info("it")
            assert info["pass_by"] == "ref" and info["recipe"], kind
            copied = await discomfort.run(COPY, context=context)
            await discomfort.run(SHOW, context=context)
        assert same(by_value["it"], copied["copy"]), kind


async def test_what_needs_no_code_goes_by_value_and_the_rest_by_reference(discomfort, server):
    """And what the script can't open goes on to the next run as it is."""
    rules = discomfort.Tools.pass_by_rules
    unopened = set()
    for kind, maker in (await makers(discomfort)).items():
        by_value = with_rule(discomfort, kind, "val")
        with discomfort.Context() as context:
            made = (await by_value.run(maker, context=context))["it"]
            is_data = context.internal.get_receipt("it").is_safe
            assert is_data == (rules[kind] == "val") or kind in DATA_BY_REFERENCE, kind
            copied = await by_value.run(COPY, context=context)
        given = await by_value.run(COPY, {"it": made})
        assert same(made, copied["copy"]) and same(made, given["copy"]), kind
        if isinstance(made, UnopenedValue):
            unopened.add(kind)
            with pytest.raises(UnopenedValueError, match=r"pass_by_rules\.json"):
                made.anything()
    assert server.is_fake or {"SAMPLER", "NOISE", "MESH", "SVG"} <= unopened
    assert "VIDEO" not in unopened


def same(a, b) -> bool:
    """Equal, as far as this process can tell: of what it can't open, names, numbers and bytes."""
    if isinstance(a, UnopenedValue):
        return parts_of(a) == parts_of(b)
    return equal(a, b) or callable(a)


def parts_of(value: UnopenedValue) -> tuple[set[str], bytes]:
    """What is in the stream, and the raw buffers. In no order, since a set has none, and once:
    equal texts may be one object, or two."""
    block, head = pack(value._block), read_header(value._block)
    start = HEADER_BYTES + head.rows * ROW_BYTES
    end = start + head.stream_bytes
    words = {
        repr(arg)
        for op, arg, _ in pickletools.genops(block[start:end])
        if arg is not None and not op.name.endswith(("GET", "FRAME"))
    }
    return words, block[end:].lstrip(b"\0")  # what fills up to the first buffer


async def test_a_value_type_that_is_set_to_ref_is_rebuilt(discomfort, server):
    if server.is_fake:
        return  # it has few of these nodes
    rules = discomfort.Tools.pass_by_rules
    for kind, maker in (await makers(discomfort)).items():
        if rules[kind] != "val":
            continue
        referring = with_rule(discomfort, kind, "ref")
        straight = await discomfort.run(maker)
        with discomfort.Context() as context:
            await referring.run(maker, context=context)
            assert context.get_storage_info("it")["pass_by"] == "ref", kind
            copied = await referring.run(COPY, context=context)
            assert equal(straight["it"], copied["copy"]), kind


async def test_a_reference_type_that_is_set_to_val_works_or_says_what_to_do(discomfort):
    by_value = with_rule(discomfort, "MODEL", "val")
    model = {
        "1": {"class_type": "StubLoadModel", "inputs": {"name": "by value"}},
        "2": port("it", ["1", 0]),
    }
    with pytest.raises(NodeFailed, match=r"(?s)StubModel.*pass_by_rules\.json"):
        await by_value.run(model)
    assert await discomfort.run(MAKERS["INT"][0]) == {"it": 41}


async def test_a_sampler_by_value_goes_on_in_the_worker(discomfort, server):
    """A result that the script can't open is saved by it, and shown by the next run."""
    if server.is_fake:
        return
    made = await with_rule(discomfort, "SAMPLER", "val").run(MAKERS["SAMPLER"][0])
    with discomfort.Context() as context:
        context.save("it", made["it"])
        with pytest.raises(ImportError, match=r"comfy\.samplers.*pass_by_rules\.json"):
            context.load("it")
        shown = await discomfort.run(SHOW, context=context)
        assert isinstance(shown["PreviewAny"], UnopenedValue)
