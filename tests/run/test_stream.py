"""The events of a whole run, by `on_event` and by `stream`, and how either ends a run early."""

from __future__ import annotations

import asyncio
import time

import pytest
import torch
from custom_nodes.discomfort.discomfort import Discomfort
from custom_nodes.discomfort.errors import NodeFailed, RunInterrupted
from custom_nodes.discomfort.events import (
    Done,
    Finished,
    NodesCached,
    NodeStarted,
    OutputLanded,
    Preview,
    Progress,
    Queued,
    RunStarted,
    WorkflowStarted,
)
from support.servers import FAKE, one_node, stub, wait_for, write_config

pytestmark = pytest.mark.usefixtures("leaves_nothing")

IDLE = {"queue_running": [], "queue_pending": []}


async def queue_of(discomfort: Discomfort) -> dict:
    client = await discomfort.Worker._ensure_client()
    return (await client.http.get("/queue")).json()


def sleep(seconds: float = 900.0) -> dict:
    return stub("StubSleep", seconds=seconds, nonce=time.monotonic_ns())


async def assert_runs(discomfort: Discomfort, workflows) -> None:
    results = await discomfort.run(workflows / "loop_text.json", {"text": "x"})
    assert results["text"] == "x."


async def test_stream_tells_the_whole_run_and_ends_with_the_results(discomfort, workflows):
    files = [workflows / "loop_ping.json", workflows / "loop_pong.json"]
    seen = [e async for e in discomfort.stream(files, {"text": "go: "}, 2)]
    turns = [e for e in seen if isinstance(e, WorkflowStarted)]
    assert [(e.workflow, e.iteration, e.number) for e in turns] == [
        ("loop_ping.json", 1, 1),
        ("loop_pong.json", 1, 2),
        ("loop_ping.json", 2, 1),
        ("loop_pong.json", 2, 2),
    ]
    assert [type(e) for e in seen if isinstance(e, (WorkflowStarted, Queued, Done, Finished))] == [
        *(WorkflowStarted, Queued, Done) * 4,
        Finished,
    ]
    expected = await discomfort.run(files, {"text": "go: "}, 2)
    assert isinstance(seen[-1], Finished) and seen[-1].results == expected
    # Every prompt begins and ends, and names its nodes.
    assert all(e.title and e.node_type for e in seen if isinstance(e, NodeStarted))


async def test_stream_raises_what_the_run_raises(discomfort, workflows):
    with pytest.raises(NodeFailed, match="ImageBlur"):
        async for _ in discomfort.stream(workflows / "error_node_raises.json"):
            pass
    with pytest.raises(FileNotFoundError):
        async for _ in discomfort.stream("nowhere.json"):
            pass
    with pytest.raises(ValueError, match="iterations"):
        async for _ in discomfort.stream(one_node(), iterations=0):
            pass
    with pytest.raises(TypeError, match="on_event"):
        discomfort.stream(one_node(), on_event=print)
    await assert_runs(discomfort, workflows)


@pytest.mark.parametrize("how", ["break", "exception", "cancel"])
async def test_block_that_is_left_early_ends_with_an_idle_worker(discomfort, workflows, how):
    async def consume() -> None:
        async with discomfort.stream(sleep()) as events:
            async for event in events:
                if not isinstance(event, Progress):
                    continue
                if how == "break":
                    break
                if how == "exception":
                    raise ZeroDivisionError
                task = asyncio.current_task()
                assert task is not None
                task.cancel()

    consuming = asyncio.ensure_future(consume())
    await asyncio.wait({consuming})
    assert await queue_of(discomfort) == IDLE
    assert consuming.cancelled() == (how == "cancel")
    if not consuming.cancelled():
        assert isinstance(consuming.exception(), ZeroDivisionError) == (how == "exception")
    await assert_runs(discomfort, workflows)


async def test_break_without_a_block_interrupts_the_worker_too(discomfort, workflows):
    async for event in discomfort.stream(sleep()):
        if isinstance(event, Progress):
            break
    open_streams = discomfort._engine._streams
    await wait_for(lambda: not open_streams._tasks, "the end of the run that was left")
    assert await queue_of(discomfort) == IDLE
    await assert_runs(discomfort, workflows)


async def test_consumer_cancelled_while_it_waits_leaves_an_idle_worker(discomfort, workflows):
    prompt, seen = stub("StubBlock", seconds=0.5, nonce=time.monotonic_ns()), []

    async def consume() -> None:
        async for event in discomfort.stream(prompt):
            seen.append(event)

    consuming = asyncio.ensure_future(consume())
    await wait_for(lambda: any(isinstance(e, NodeStarted) for e in seen), "the node's start")
    consuming.cancel()
    with pytest.raises(asyncio.CancelledError):
        await consuming
    assert await queue_of(discomfort) == IDLE
    await assert_runs(discomfort, workflows)


async def test_slow_consumer_gets_all_but_outdated_steps_and_keeps_nobody_waiting(discomfort):
    waited_for: list = []
    async with discomfort.stream([sleep(0.5), one_node(time.monotonic_ns())]) as events:
        async for event in events:
            waited_for.append(event)
            if isinstance(event, RunStarted):
                # The run ends while nobody looks.
                await wait_for(lambda: not discomfort._engine._streams._tasks, "the end of the run")
    kinds = [type(e) for e in waited_for]
    assert kinds.count(Done) == 2 and kinds[-1] is Finished
    steps = [e for e in waited_for if isinstance(e, Progress)]
    assert len(steps) == 1 and steps[0].value == steps[0].maximum


async def test_listener_that_raises_ends_the_run_and_its_error_is_raised(discomfort, workflows):
    def stop(event: object) -> None:
        if isinstance(event, Progress) and event.value >= 3:
            raise RunInterrupted("the preview is bad")

    with pytest.raises(RunInterrupted, match="the preview is bad"):
        await discomfort.run(sleep(), on_event=stop)
    assert await queue_of(discomfort) == IDLE
    with pytest.raises(asyncio.CancelledError):
        await discomfort.run(sleep(), on_event=lambda _: raise_(asyncio.CancelledError()))
    assert await queue_of(discomfort) == IDLE
    await assert_runs(discomfort, workflows)


def raise_(error: BaseException) -> None:
    raise error


async def test_cached_nodes_and_shown_outputs_are_told(discomfort):
    value = time.monotonic_ns()
    prompt = one_node(value)
    prompt["1"]["_meta"] = {"title": "the number"}
    await discomfort.run(prompt)
    seen = [e async for e in discomfort.stream(prompt)]
    (cached,) = [e for e in seen if isinstance(e, NodesCached)]
    assert dict(zip(cached.node_ids, cached.titles, strict=True)) == {
        "1": "the number",
        "2": "PreviewAny",
    }
    assert [e.output for e in seen if isinstance(e, OutputLanded)] == [{"text": [str(value)]}]


@pytest.mark.parametrize(
    ("workflow", "expected"),
    [
        (
            "subgraph_two_instances",
            {
                "3": ("DiscomfortContextLoader", "input port 'picture'"),
                "4:2": ("ImageBlur", None),
                "5:2": ("ImageBlur", None),
                "6": ("DiscomfortContextSaver", "output port 'once'"),
                "7": ("DiscomfortContextSaver", "output port 'twice'"),
            },
        ),
        (
            "reroute",
            {
                "1": ("DiscomfortContextLoader", "input port 'picture'"),
                "4": ("ImageInvert", None),
                "6": ("DiscomfortContextSaver", "output port 'inverted'"),
            },
        ),
    ],
)
async def test_nodes_of_ports_and_subgraphs_are_told_by_title(
    discomfort, workflows, workflow, expected
):
    inputs = {"picture": torch.rand(1, 8, 8, 3), "radius": 2}
    if workflow == "reroute":
        del inputs["radius"]
    seen = [e async for e in discomfort.stream(workflows / f"{workflow}.json", inputs)]
    nodes = [e for e in seen if isinstance(e, NodeStarted)]
    info = await discomfort.Worker.object_info()
    assert {e.node_id: (e.node_type, e.title) for e in nodes} == {
        node_id: (kind, title or info[kind]["display_name"] or kind)
        for node_id, (kind, title) in expected.items()
    }
    assert [e.step for e in nodes] == list(range(1, len(nodes) + 1))
    assert {e.total for e in nodes} == {len(nodes)}


async def test_steps_count_what_is_needed_not_what_keeps_references_warm(
    discomfort, workflows, server
):
    if server.is_fake:
        pytest.skip("it has no nodes that make references")
    with discomfort.Context() as context:
        await discomfort.run(workflows / "ref_operation.json", {"strength": 1.5}, context=context)
        use = workflows / "ref_operation_use.json"
        inputs = {"latent": {"samples": torch.rand(1, 4, 8, 8)}}
        nodes = [
            e
            async for e in discomfort.stream(use, inputs, context=context)
            if isinstance(e, NodeStarted)
        ]
        assert any("in the reference 'operation'" in e.title for e in nodes)
        prompt = one_node(time.monotonic_ns())
        events = discomfort.stream(prompt, outputs=[])
        seen = [e async for e in events if isinstance(e, (Queued, NodeStarted))]
        assert [e.total for e in seen] == [2, 2, 2]
        assert isinstance(seen[-1], NodeStarted) and seen[-1].step == 2


async def test_steps_and_previews_of_comfyuis_own_progress_bar_arrive(discomfort):
    side = 8 + time.monotonic_ns() % 300
    seen = [e async for e in discomfort.stream(stub("StubPreview", side=side))]
    previews = [e for e in seen if isinstance(e, Preview)]
    assert previews and {e.image.size for e in previews} == {(side, side)}
    assert previews[-1].image.convert("RGB").getpixel((3, 3))[0] > 200
    steps = [(e.node_id, e.value, e.maximum) for e in seen if isinstance(e, Progress)]
    assert steps == [("1", 1, 2)] and previews[-1].node_id == "1"


async def test_a_stream_that_is_over_says_so(discomfort):
    stream = discomfort.stream(one_node(time.monotonic_ns()))
    assert [event async for event in stream]
    with pytest.raises(RuntimeError, match="Call stream"):
        _ = [event async for event in stream]


async def test_shutdown_ends_streams_that_go_on(tmp_path, workflows):
    discomfort = await Discomfort.create(write_config(tmp_path, FAKE))
    text = workflows / "loop_text.json"
    with pytest.raises(RunInterrupted, match="shutdown"):
        async for event in discomfort.stream(text, {"text": ""}, None, until=lambda c: False):
            if isinstance(event, WorkflowStarted) and event.iteration == 3:
                await discomfort.shutdown()
