"""run(): an output that is a ComfyUI list is a Python list, also with one item, or none."""

from __future__ import annotations

from typing import Any

import pytest
import torch


def port(unique_id: str, source: list[Any] | None = None) -> dict[str, Any]:
    inputs = {"unique_id": unique_id, **({"input_data": source} if source else {})}
    return {"class_type": "DiscomfortPort", "inputs": inputs}


def numbers(count: int) -> dict[str, Any]:
    return {
        "1": {"class_type": "StubNumbers", "inputs": {"count": count}},
        "2": {"class_type": "StubAdd", "inputs": {"a": ["1", 0], "b": 10}},
        "3": port("numbers", ["1", 0]),
        "4": port("sums", ["2", 0]),
        "5": {"class_type": "StubAdd", "inputs": {"a": 1, "b": 2}},
        "6": port("one", ["5", 0]),
    }


@pytest.mark.parametrize("count", [1, 2, 3])
async def test_a_list_stays_one_whatever_its_length(discomfort: Any, count: int) -> None:
    results = await discomfort.run(numbers(count))
    items = list(range(count))
    assert results == {"numbers": items, "sums": [i + 10 for i in items], "one": 3}


async def test_an_empty_list_is_an_empty_list(discomfort: Any) -> None:
    prompt = {"1": numbers(0)["1"], "3": port("numbers", ["1", 0])}
    assert await discomfort.run(prompt) == {"numbers": []}


@pytest.mark.parametrize("count", [1, 3])
async def test_a_list_that_is_loaded_is_carried_on(discomfort: Any, count: int) -> None:
    adds = {
        "1": port("numbers"),
        "2": {"class_type": "StubAdd", "inputs": {"a": ["1", 0], "b": 100}},
        "3": port("hundreds", ["2", 0]),
    }
    with discomfort.Context() as context:
        await discomfort.run(numbers(count), context=context)
        for _ in range(2):  # the second time the loader is cached
            results = await discomfort.run(adds, context=context)
            assert results["hundreds"] == [100 + i for i in range(count)]


@pytest.mark.parametrize("count", [1, 2])
async def test_pictures_that_are_given_as_a_list_come_out_as_one(
    discomfort: Any, count: int
) -> None:
    prompt = {
        "1": port("pictures"),
        "2": {"class_type": "ImageInvert", "inputs": {"image": ["1", 0]}},
        "3": port("inverted", ["2", 0]),
    }
    pictures = [torch.zeros(1, 4, 4, 3)] * count
    results = await discomfort.run(prompt, {"pictures": pictures})
    assert isinstance(results["inverted"], list) and len(results["inverted"]) == count
    results = await discomfort.run(prompt, {"pictures": pictures[0]})
    assert isinstance(results["inverted"], torch.Tensor)


async def test_a_node_that_takes_the_list_whole_ends_it(discomfort: Any, server: Any) -> None:
    """RebatchImages takes the list whole, and gives one again."""
    prompt = {
        "1": port("pictures"),
        "2": {"class_type": "RebatchImages", "inputs": {"images": ["1", 0], "batch_size": 9}},
        "3": port("batches", ["2", 0]),
    }
    results = await discomfort.run(prompt, {"pictures": [torch.zeros(1, 4, 4, 3)] * 3})
    assert [tuple(b.shape) for b in results["batches"]] == [(3, 4, 4, 3)]
