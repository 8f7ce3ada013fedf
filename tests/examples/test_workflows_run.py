"""Every workflow of test_workflows/ does what its line in the README says, on every server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
from custom_nodes.discomfort.discomfort import Discomfort
from custom_nodes.discomfort.errors import (
    DiscomfortError,
    MissingInputError,
    NodeFailed,
    ValidationFailed,
    WorkflowError,
)
from custom_nodes.discomfort.store.encoding.unopened import UnopenedValue
from support.servers import Server

FOLDER = Path(__file__).resolve().parents[2] / "test_workflows"
VIRTUAL = {"Reroute", "MarkdownNote"}


def picture(height: int, width: int, *colour: float, batch: int = 1) -> torch.Tensor:
    pixel = torch.tensor(colour or (0, 0, 0), dtype=torch.float32)
    return pixel.expand(batch, height, width, 3).contiguous()


def grey(value: float, batch: int = 1) -> torch.Tensor:
    return picture(16, 24, value, value, value, batch=batch)


LATENT = {"samples": torch.arange(8.0).reshape(1, 1, 2, 4)}
TWICE = torch.cat([LATENT["samples"], LATENT["samples"]])
REFERENCE = object()  # a stored workflow
UNOPENED = object()  # of a class that only ComfyUI has
DARK, LIGHT = grey(0.25), grey(0.75)


class Case(NamedTuple):
    """Workflows that are run in order, and what comes out."""

    names: str
    inputs: dict[str, Any]
    results: dict[str, Any]
    iterations: int = 1


CASES = [
    Case("mode_input", {"picture": DARK}, {"Preview Image": LIGHT}),
    Case("mode_output", {}, {"picture": picture(48, 64, 1, 0, 0)}),
    Case("mode_passthru", {}, {"picture": picture(48, 64, 0, 1, 1)}),
    Case("mode_unconnected", {"spare": 1}, {"picture": picture(48, 64, 0, 1, 0)}),
    Case("mode_fan_out", {"picture": DARK}, {"mixed": grey(0.5)}),
    Case("mode_port_to_port", {"text": "hello"}, {"same_text": "hello"}),
    Case("mode_port_chain", {}, {"picture": picture(32, 32, 0, 0, 1)}),
    Case("mode_tags", {"picture": DARK}, {"inverted": LIGHT}),
    Case("type_image", {"picture": DARK}, {"inverted": LIGHT}),
    Case("type_mask", {"mask": DARK[..., 0]}, {"inverted_mask": LIGHT[..., 0]}),
    Case(
        "type_latent",
        {"latent": LATENT},
        {"flipped_latent": {"samples": LATENT["samples"].flip(-1)}},
    ),
    Case("type_string", {"first": "one", "second": "two"}, {"text": "one two"}),
    Case("type_int", {"number": -3}, {"same_number": -3}),
    Case("type_float", {"number": 0.125}, {"same_number": 0.125}),
    Case("type_boolean", {"flag": True}, {"same_flag": True}),
    Case("type_combo", {"text": "one two", "mode": "Title Case"}, {"changed_text": "One Two"}),
    Case("type_list_out", {"pictures": grey(0.25, batch=2)}, {"picture_list": [DARK, DARK]}),
    Case("type_list_in", {"picture_list": [DARK, LIGHT]}, {"inverted_list": [LIGHT, DARK]}),
    Case("type_any", {"anything": {"a": [1, 2]}}, {"Anything": {"a": [1, 2]}}),
    Case("type_mixed", {"number": 3}, {"as_int": 3, "as_float": 3.0}),
    Case(
        "type_all_scalars",
        {"text": "one", "width": 8, "strength": 2.0, "whole": True, "mode": "UPPERCASE"},
        {"changed_text": "ONE", "picture": picture(32, 16), "same_whole": True},
    ),
    Case(
        "batch",
        {"pictures": torch.cat([DARK, LIGHT, DARK])},
        {
            "first_two": torch.cat([DARK, LIGHT]),
            "doubled": torch.cat([DARK, LIGHT, DARK, DARK, LIGHT, DARK]),
        },
    ),
    Case("batch_join", {"first": DARK, "second": LIGHT}, {"pictures": torch.cat([DARK, LIGHT])}),
    Case("range_int", {"picture": DARK, "radius": 3}, {"blurred": DARK}),
    Case("range_float", {"picture": DARK, "amount": 1}, {"mixed": LIGHT}),
    Case("save_image", {"picture": DARK, "prefix": "test"}, {"Save Image": DARK}),
    Case(
        "pair_make pair_use pair_finish",
        {},
        {
            "picture": picture(64, 64, 0, 0, 1),
            "amount": 0.25,
            "mixed": picture(64, 64, 0.25, 0.25, 0.75),
            "small": picture(32, 32, 0.25, 0.25, 0.75),
        },
    ),
    Case("loop_text", {"text": ""}, {"text": "...", "length": 3}, 3),
    Case("loop_image", {"picture": DARK}, {"picture": DARK[:, :4, :6]}, 2),
    Case("loop_latent", {"latent": LATENT}, {"latent": {"samples": TWICE}}),
    Case("loop_ping loop_pong", {"text": ""}, {"text": "ping pong ping pong "}, 2),
    Case("load_model", {}, {"model": REFERENCE, "clip": REFERENCE, "vae": REFERENCE}),
    Case(
        "ref_sampler ref_sampler_use",
        {},
        {"sampler": REFERENCE, "noise": REFERENCE, "Sampler": UNOPENED, "Noise": UNOPENED},
    ),
    Case(
        "type_video type_video_use",
        {"pictures": grey(0.25, batch=2)},
        {
            "video": {"images": grey(0.25, batch=2), "audio": None, "frame_rate": 12.0},
            "frames": grey(0.25, batch=2),
            "fps": 12.0,
        },
    ),
    Case("ref_nested_start ref_nested", {"strength": 0.5}, {"keyframes": REFERENCE}),
    Case(
        "subgraph_ports_inside",
        {"picture": DARK, "radius": 2},
        {"inverted": LIGHT, "blurred": DARK},
    ),
    Case(
        "subgraph_across_edge",
        {},
        {
            "inner_result": torch.full((1, 24, 32), 0.5),
            "picture": picture(24, 32, *(3 * [127 / 255])),
        },
    ),
    Case("subgraph_promoted", {"picture": DARK, "sigma": 0.5}, {"blurred": DARK}),
    Case("subgraph_two_instances", {"picture": DARK, "radius": 2}, {"once": DARK, "twice": DARK}),
    Case(
        "subgraph_nested",
        {"picture": DARK, "amount": 1.0},
        {"inner_picture": LIGHT, "mixed": LIGHT},
    ),
    Case("subgraph_reroute_inside", {"picture": DARK}, {"inverted": LIGHT}),
    Case("reroute", {"picture": DARK}, {"inverted": LIGHT}),
    Case("reroute_dangling", {"extra": None}, {"picture": picture(16, 16, 1, 1, 1)}),
    Case("muted_source", {"picture": DARK}, {"inverted": LIGHT}),
    Case("muted_port", {}, {"picture": picture(16, 16, 0, 1, 0)}),
    Case("bypassed_source", {"picture": DARK}, {"blurred": DARK}),
    Case("bypassed_port", {}, {"picture": picture(16, 16, 1, 1, 0)}),
    Case("api_prompt", {"picture": DARK}, {"inverted": LIGHT}),
]

ERRORS: list[tuple[str, type[DiscomfortError], list[str]]] = [
    ("error_broken_link", WorkflowError, ["Cut off"]),
    ("error_doubled_output", WorkflowError, ["'picture'", "3", "4"]),
    ("error_doubled_in_instances", WorkflowError, ["'inverted'", "4:2", "5:2"]),
    ("error_empty_id", WorkflowError, ["A port without an id"]),
    ("error_unknown_node", WorkflowError, ["NodeThatNobodyHas", "Not installed"]),
    ("error_missing_input", ValidationFailed, ["Blur me", "Required input is missing"]),
    ("error_value_out_of_range", ValidationFailed, ["Too much", "99", "31"]),
    ("error_value_not_in_list", ValidationFailed, ["Scale", "by magic"]),
    ("error_file_not_found", ValidationFailed, ["Gone", "no_such_picture.png"]),
    ("error_wrong_type", ValidationFailed, ["Wants a picture", "MASK"]),
    ("error_node_raises", NodeFailed, ["Blur of a tiny picture", "RuntimeError"]),
    ("error_cycle_a", MissingInputError, ["'from_b'", "IMAGE"]),
    ("pair_use", MissingInputError, ["'picture'", "IMAGE"]),
]


def paths(names: str) -> list[Path]:
    return [FOLDER / f"{name}.json" for name in names.split()]


async def need_nodes(discomfort: Discomfort, server: Server, names: str) -> None:
    """The fake server has few node classes; a real one that lacks a core node is a failure."""
    wanted: set[str] = set()
    for path in paths(names):
        data = json.loads(path.read_text(encoding="utf-8"))
        subgraphs = data.get("definitions", {}).get("subgraphs", [])
        for graph in [data, *subgraphs]:
            wanted |= {node["type"] for node in graph.get("nodes", [])}
        wanted -= {subgraph["id"] for subgraph in subgraphs}
    missing = wanted - VIRTUAL - set(await discomfort.Worker.object_info())
    if missing and server.is_fake:
        pytest.skip(f"the fake server has no {', '.join(sorted(missing))}")
    assert not missing


def assert_same(found: Any, expected: Any, where: str) -> None:
    if expected is UNOPENED:
        assert isinstance(found, UnopenedValue), where
    elif expected is REFERENCE:
        assert isinstance(found, dict) and found["nodes"], where
    elif isinstance(expected, torch.Tensor):
        torch.testing.assert_close(found, expected, atol=1e-5, rtol=0, msg=f"{where} differs")
    elif isinstance(expected, list):
        assert len(found) == len(expected), where
        for one, other in zip(found, expected, strict=True):
            assert_same(one, other, where)
    elif isinstance(expected, dict):
        for key, value in expected.items():
            assert_same(found[key], value, f"{where}[{key!r}]")
    else:
        assert found == expected and type(found) is type(expected), where


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.names.replace(" ", "-"))
async def test_a_workflow_gives_what_the_readme_says(
    discomfort: Discomfort, server: Server, case: Case
):
    await need_nodes(discomfort, server, case.names)
    results = await discomfort.run(paths(case.names), case.inputs, iterations=case.iterations)
    assert set(results) == set(case.results)
    for unique_id, expected in case.results.items():
        assert_same(results[unique_id], expected, unique_id)


async def test_a_reference_reads_the_value_that_was_frozen_into_it(
    discomfort: Discomfort, server: Server
):
    await need_nodes(discomfort, server, "ref_operation ref_operation_use")
    make, use = paths("ref_operation ref_operation_use")
    latent = {"samples": torch.rand(1, 4, 16, 16)}
    with discomfort.Context() as context:
        await discomfort.run(make, {"strength": 0.0}, context=context)
        results = await discomfort.run(use, {"latent": latent, "strength": 5.0}, context=context)
        assert_same(results["changed_latent"]["samples"], latent["samples"], "changed_latent")
        await discomfort.run(make, context=context)
        results = await discomfort.run(use, context=context)
        assert not torch.allclose(results["changed_latent"]["samples"], latent["samples"])


@pytest.mark.parametrize(("name", "error", "words"), ERRORS, ids=[e[0] for e in ERRORS])
async def test_a_wrong_workflow_fails_with_its_own_words_and_the_next_one_runs(
    discomfort: Discomfort, server: Server, name: str, error: type[Exception], words: list[str]
):
    if name != "error_unknown_node":
        await need_nodes(discomfort, server, name)
    known = {} if error is MissingInputError else {"picture": DARK}
    with pytest.raises(error) as caught:
        await discomfort.run(paths(name), known)
    for word in words:
        assert word in str(caught.value)
    assert await discomfort.run(paths("mode_port_to_port"), {"text": "x"}) == {"same_text": "x"}
