"""Every type of ComfyUI's core has a rule, and what the rule promises holds."""

from __future__ import annotations

import pytest
import torch
from custom_nodes.discomfort.discomfort import Discomfort
from custom_nodes.discomfort.errors import NodeFailed

# Placeholders for another type, in V3's schemas and in the editor.
WILDCARDS = {
    "*",
    "COMFY_MATCHTYPE_V3",
    "COMFY_AUTOGROW_V3",
    "COMFY_DYNAMICCOMBO_V3",
    "COMFY_DYNAMICSLOT_V3",
}


def types_of(info: dict) -> set[str]:
    kinds: list = []
    for node in info.values():
        kinds += node.get("output") or []
        for section in ("required", "optional"):
            kinds += [spec[0] for spec in (node["input"].get(section) or {}).values() if spec]
    names = {"COMBO" if isinstance(kind, list) else kind for kind in kinds}
    return {part.strip() for name in names for part in name.split(",")}


def is_core(node: dict) -> bool:
    module = node.get("python_module", "")
    return module == "nodes" or module.startswith(("comfy_extras.", "comfy_api_nodes."))


async def test_every_type_of_the_core_has_a_rule(discomfort, server):
    info = await discomfort.Worker.object_info()
    core = {name: node for name, node in info.items() if is_core(node)}
    assert server.is_fake or len(core) > 300
    without = types_of(core) - set(discomfort.Tools.pass_by_rules) - WILDCARDS
    assert sorted(without) == []


def port(unique_id: str, source: list | None = None) -> dict:
    inputs = {"unique_id": unique_id, **({"input_data": source} if source else {})}
    return {"class_type": "DiscomfortPort", "inputs": inputs}


def node(kind: str, slot: int = 0, **inputs) -> dict:
    """A prompt that gives one output of a node as "it"."""
    return {"1": {"class_type": kind, "inputs": inputs}, "2": port("it", ["1", slot])}


# One node for each type that can be made without weights or a service.
MAKERS = {
    "IMAGE": node("EmptyImage", width=8, height=16, batch_size=2, color=255),
    "MASK": node("SolidMask", value=0.25, width=8, height=16),
    "LATENT": node("EmptyLatentImage", width=64, height=64, batch_size=2),
    "SIGMAS": node("KarrasScheduler", steps=4, sigma_max=14.6, sigma_min=0.03, rho=7.0),
    "STRING": node("PrimitiveString", value="text"),
    "INT": node("PrimitiveInt", value=41),
    "FLOAT": node("PrimitiveFloat", value=0.25),
    "BOOLEAN": node("PrimitiveBoolean", value=True),
    "AUDIO": node("EmptyAudio", duration=0.1, sample_rate=8000, channels=2),
    "WAN_CAMERA_EMBEDDING": node(
        "WanCameraEmbedding", camera_pose="Pan Up", width=64, height=64, length=5
    ),
    "TRACKS": node(
        "GenerateTracks", width=64, height=64, start_x=0.0, start_y=0.0, end_x=1.0, end_y=1.0,
        num_frames=5, num_tracks=2, track_spread=0.1, bezier=False, mid_x=0.5, mid_y=0.5,
        interpolation="linear",
    ),
    "TIMESTEPS_RANGE": node("ConditioningTimestepsRange", start_percent=0.1, end_percent=0.75),
    "SAMPLER": node("KSamplerSelect", sampler_name="euler"),
    "NOISE": node("RandomNoise", noise_seed=7),
    "HOOK_KEYFRAMES": node("CreateHookKeyframe", strength_mult=0.5, start_percent=0.25),
    "LATENT_OPERATION": node("LatentOperationTonemapReinhard", multiplier=1.5),
}  # fmt: skip
COPY = {"1": port("it"), "2": port("copy", ["1", 0])}

SHOW = {"1": port("it"), "2": {"class_type": "PreviewAny", "inputs": {"source": ["1", 0]}}}


def equal(a, b) -> bool:
    if isinstance(a, torch.Tensor):
        return torch.equal(a, b) and a.dtype == b.dtype
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(equal(a[k], b[k]) for k in a)
    if isinstance(a, (list, tuple)):
        pairs = zip(a, b, strict=True)
        return type(a) is type(b) and all(equal(x, y) for x, y in pairs)
    return type(a) is type(b) and a == b


def makers(discomfort, info: dict, rule: str) -> dict[str, dict]:
    rules = discomfort.Tools.pass_by_rules
    return {
        kind: maker
        for kind, maker in MAKERS.items()
        if rules[kind] == rule and maker["1"]["class_type"] in info
    }


async def test_values_go_round_exactly(discomfort, server):
    found = makers(discomfort, await discomfort.Worker.object_info(), "val")
    assert server.is_fake or len(found) >= 10
    for kind, maker in found.items():
        with discomfort.Context() as context:
            made = await discomfort.run(maker, context=context)
            assert context.get_storage_info("it")["pass_by"] == "val", kind
            copied = await discomfort.run(COPY, context=context)
            assert equal(made["it"], copied["copy"]), kind


async def test_references_are_rebuilt(discomfort, server):
    found = makers(discomfort, await discomfort.Worker.object_info(), "ref")
    assert server.is_fake or len(found) >= 3
    for kind, maker in found.items():
        with discomfort.Context() as context:
            made = await discomfort.run(maker, context=context)
            assert isinstance(made["it"], dict), kind
            assert context.get_storage_info("it")["recipe"], kind
            show = {
                "1": port("it"),
                "2": {"class_type": "PreviewAny", "inputs": {"source": ["1", 0]}},
            }
            await discomfort.run(show, context=context)


def with_rule(discomfort: Discomfort, kind: str, rule: str) -> Discomfort:
    made = Discomfort(discomfort.Worker)
    made.Tools.pass_by_rules = {**discomfort.Tools.pass_by_rules, kind: rule}
    return made


async def test_a_value_type_that_is_set_to_ref_is_rebuilt(discomfort, server):
    if server.is_fake:
        return  # it has few of these nodes
    for kind in makers(discomfort, await discomfort.Worker.object_info(), "val"):
        referring = with_rule(discomfort, kind, "ref")
        straight = await discomfort.run(MAKERS[kind])
        with discomfort.Context() as context:
            made = await referring.run(MAKERS[kind], context=context)
            assert isinstance(made["it"], dict) and "1" not in made["it"], kind
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
    assert await discomfort.run(MAKERS["INT"]) == {"it": 41}


async def test_a_sampler_by_value_goes_on_in_the_worker(discomfort, server):
    if server.is_fake:
        return
    by_value = with_rule(discomfort, "SAMPLER", "val")
    with discomfort.Context() as context:
        with pytest.raises(ImportError, match=r"pass_by_rules\.json"):
            await by_value.run(MAKERS["SAMPLER"], context=context)
        assert await by_value.run(SHOW, context=context) == {}
