"""What a run gives, on every server: results, events, cache, order, sizes."""

from __future__ import annotations

import asyncio
import time
import uuid
from pathlib import Path

import pytest
from custom_nodes.discomfort.comfy_serverless import ComfyConnector
from custom_nodes.discomfort.worker.client.events import Done, NodeStarted, Preview, Progress
from PIL import Image
from support.servers import one_node, stub, wait_for

pytestmark = pytest.mark.usefixtures("leaves_nothing")


async def test_prompt_with_output_gives_what_it_showed(shared: ComfyConnector):
    result = await shared.execute(one_node(42))
    assert result.outputs == {"2": {"text": ["42"]}}


async def test_same_prompt_again_is_cached_and_shows_the_same(shared: ComfyConnector):
    value = time.monotonic_ns()
    assert (await shared.execute(one_node(value))).cached == ()
    again = await shared.execute(one_node(value))
    assert set(again.cached) == {"1", "2"}
    assert again.outputs == {"2": {"text": [str(value)]}}


async def test_node_ids_do_not_matter_to_the_cache(shared: ComfyConnector):
    name, prompt = uuid.uuid4().hex, {}
    for node_id in ("1", "77", "ref_9_a"):
        prompt = {
            node_id: {"class_type": "StubCount", "inputs": {"name": name, "value": 1}},
            "p": {"class_type": "PreviewAny", "inputs": {"source": [node_id, 0]}},
        }
        await shared.execute(prompt)
    assert (await shared.execute(stub("StubCounts", name=name))).outputs["1"] == {"count": [1]}


async def test_changed_constant_runs_only_what_depends_on_it(shared: ComfyConnector):
    name = uuid.uuid4().hex

    def prompt(tail: int) -> dict:
        return {
            "a": {"class_type": "StubCount", "inputs": {"name": name, "value": 5}},
            "b": {"class_type": "StubCount", "inputs": {"name": f"{name}b", "value": tail}},
            "p": {"class_type": "PreviewAny", "inputs": {"source": ["a", 0]}},
            "q": {"class_type": "PreviewAny", "inputs": {"source": ["b", 0]}},
        }

    await shared.execute(prompt(1))
    second = await shared.execute(prompt(2))
    assert set(second.cached) == {"a", "p"}
    assert second.outputs == {"p": {"text": ["5"]}, "q": {"text": ["2"]}}


async def test_events_come_typed_and_in_order(shared: ComfyConnector):
    seen: list = []
    prompt = one_node(time.monotonic_ns())
    prompt["1"]["_meta"] = {"title": "the number"}
    await shared.execute(prompt, on_event=seen.append)
    kinds = [type(event).__name__ for event in seen]
    node = ["NodeStarted", "NodeStarted", "OutputLanded", "Done"]
    assert kinds == ["Queued", "RunStarted", "NodesCached", *node]
    started = [event for event in seen if isinstance(event, NodeStarted)]
    assert [(e.node_id, e.node_type, e.title, e.step, e.total) for e in started] == [
        ("1", "PrimitiveInt", "the number", 1, 2),
        ("2", "PreviewAny", "PreviewAny", 2, 2),
    ]
    assert seen[-1].status == "success"


async def test_progress_within_a_node_arrives(shared: ComfyConnector):
    seen: list = []
    await shared.execute(
        stub("StubSleep", seconds=0.3, nonce=time.monotonic_ns()), on_event=seen.append
    )
    steps = [event for event in seen if isinstance(event, Progress)]
    assert steps and steps[-1].value == steps[-1].maximum
    assert all(a.value <= b.value for a, b in zip(steps, steps[1:], strict=False))


async def test_preview_arrives_as_a_picture(shared: ComfyConnector):
    seen: list = []
    side = 8 + time.monotonic_ns() % 300
    await shared.execute(stub("StubPreview", side=side), on_event=seen.append)
    previews = [event for event in seen if isinstance(event, Preview)]
    # Of several that wait for a slow script only the newest is kept.
    assert previews and {p.image.size for p in previews} == {(side, side)}
    assert previews[-1].node_id == "1"


async def test_lists_are_mapped_and_collected(shared: ComfyConnector):
    prompt = {
        "1": {"class_type": "StubNumbers", "inputs": {"count": 5}},
        "2": {"class_type": "StubSum", "inputs": {"numbers": ["1", 0]}},
        "3": {"class_type": "PreviewAny", "inputs": {"source": ["1", 0]}},
    }
    result = await shared.execute(prompt)
    assert result.outputs["2"] == {"sum": [10]}
    assert result.outputs["3"] == {"text": ["0", "1", "2", "3", "4"]}


async def test_message_of_twenty_megabytes_arrives_whole(shared: ComfyConnector):
    size = 20_000_000 + time.monotonic_ns() % 1000
    result = await shared.execute(stub("StubBig", size=size))
    assert len(result.outputs["1"]["text"][0]) == size


async def test_thirty_runs_at_once_get_each_its_own_result(shared: ComfyConnector):
    base = time.monotonic_ns()
    results = await asyncio.gather(*(shared.execute(one_node(base + i)) for i in range(30)))
    assert [r.outputs["2"]["text"][0] for r in results] == [str(base + i) for i in range(30)]


async def test_blocked_event_loop_loses_nothing_and_stalls_no_one(shared: ComfyConnector):
    seen: list = []
    run = asyncio.ensure_future(
        shared.execute(
            stub("StubSleep", seconds=0.2, nonce=time.monotonic_ns()), on_event=seen.append
        )
    )
    await wait_for(lambda: seen, "the first event")
    time.sleep(1.0)  # what a script does that works with pictures in its loop  # noqa: ASYNC251
    await run
    assert isinstance(seen[-1], Done)


def test_connector_works_in_one_event_loop_after_the_other(shared: ComfyConnector):
    for _ in range(3):
        value = time.monotonic_ns()
        result = asyncio.run(shared.execute(one_node(value)))
        assert result.outputs["2"]["text"] == [str(value)]


async def test_run_workflow_with_a_prompt_gives_the_history_of_comfyui(shared: ComfyConnector):
    value = time.monotonic_ns()
    history = await shared.run_workflow(one_node(value), use_workflow_json=False)
    assert history["outputs"]["2"]["text"] == [str(value)]
    assert history["status"]["status_str"] == "success"
    assert history["prompt"][2]["1"]["class_type"] == "PrimitiveInt"


async def test_upload_is_read_by_a_load_node_and_ephemeral(shared: ComfyConnector, tmp_path: Path):
    source = tmp_path / f"{uuid.uuid4().hex}.png"
    Image.new("RGB", (7, 5), (255, 0, 0)).save(source)
    path = shared.upload_data(source, subfolder="discomfort_test", is_ephemeral=True)
    prompt = {
        "1": {"class_type": "LoadImage", "inputs": {"image": path}},
        "2": {"class_type": "ImageInvert", "inputs": {"image": ["1", 0]}},
        "3": {"class_type": "SaveImage", "inputs": {"images": ["2", 0], "filename_prefix": "t"}},
    }
    result = await shared.execute(prompt)
    saved = result.outputs["3"]["images"][0]
    assert saved["type"] == "output"
    folder = Path(shared._server.hello["folders"]["output"])  # type: ignore[union-attr]
    with Image.open(folder / saved["subfolder"] / saved["filename"]) as picture:
        assert picture.size == (7, 5)
        assert picture.convert("RGB").getpixel((0, 0)) == (0, 255, 255)
    shared._uploads.remove_ephemeral()
    assert not Path(path).exists() and not Path(path).parent.exists()  # noqa: ASYNC240


async def test_history_is_not_piled_up(shared: ComfyConnector):
    client = await shared._ensure_client()
    await client.http.post("/history", {"clear": True})  # that of other tests: megabytes
    for i in range(150):
        await shared.execute(one_node(time.monotonic_ns() + i))
    kept = (await client.http.get("/history")).json()
    assert len(kept) < 300
    ends = time.monotonic() + 120

    async def length() -> int:
        await shared.execute(one_node(time.monotonic_ns()))
        return len((await client.http.get("/history")).json())

    while await length() > 60:
        assert time.monotonic() < ends, "the history is never trimmed"


async def test_object_info_is_asked_once(shared: ComfyConnector):
    info = await shared.object_info()
    assert info is await shared.object_info()
    assert {"LoadImage", "PrimitiveInt", "StubCount", "DiscomfortPort"} <= set(info)
