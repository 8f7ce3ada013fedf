"""One queued prompt between the thread that reads the socket and the loop that waits."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Iterator

import pytest
from custom_nodes.discomfort.errors import WorkerDied
from custom_nodes.discomfort.worker.client.events import (
    Done,
    Event,
    HistoryWritten,
    NodeStarted,
    OutputLanded,
    Queued,
    RunStarted,
)
from custom_nodes.discomfort.worker.client.prompt_run import CallbackFailed, PromptRun

PROMPT = {"1": {"class_type": "PreviewAny", "inputs": {}}}
SUCCESS = {"status": {"status_str": "success"}, "outputs": {"1": {"text": ["kept"]}}}
DEADLINE_S = 20


@pytest.fixture
def switches_often() -> Iterator[None]:
    """Threads take turns as often as they can: what a lock does not hold together comes apart."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def feed_in_thread(run: PromptRun, events: list[Event]) -> threading.Thread:
    thread = threading.Thread(target=lambda: [run.feed(event) for event in events])
    thread.start()
    return thread


async def test_no_end_and_no_event_of_another_thread_is_lost(switches_often: None):
    for _ in range(200):
        seen: list[Event] = []
        run = PromptRun(PROMPT, seen.append)
        outputs: list[Event] = [OutputLanded(run.prompt_id, str(i), {"n": i}) for i in range(20)]
        events = [RunStarted(run.prompt_id), *outputs, Done(run.prompt_id)]
        thread = feed_in_thread(run, events)
        run.note_queued(7)
        done = await asyncio.wait_for(asyncio.shield(run.done), DEADLINE_S)
        thread.join()
        assert done.status == "success"
        assert isinstance(seen[0], Queued) and seen[1:] == events
        assert list(run.state.outputs) == [str(i) for i in range(20)]


async def test_events_of_two_threads_are_all_in_the_state(switches_often: None):
    for _ in range(50):
        run = PromptRun(PROMPT)
        threads = [
            feed_in_thread(
                run, [OutputLanded(run.prompt_id, f"{who}{i}", {"n": i}) for i in range(50)]
            )
            for who in "ab"
        ]
        for thread in threads:
            thread.join()
        assert len(run.state.outputs) == 100


async def test_end_on_the_socket_while_history_reports_it_is_emitted_once(switches_often: None):
    for _ in range(200):
        seen: list[Event] = []
        run = PromptRun(PROMPT, seen.append)
        thread = feed_in_thread(run, [RunStarted(run.prompt_id), Done(run.prompt_id)])
        run.take_history(SUCCESS)
        await asyncio.wait_for(asyncio.shield(run.done), DEADLINE_S)
        thread.join()
        await asyncio.sleep(0)  # what the thread still had to deliver
        assert [type(e) for e in seen if isinstance(e, Done)] == [Done]
        assert seen[-1] == run.state.end


async def test_first_end_wins_and_a_later_one_changes_nothing():
    run = PromptRun(PROMPT)
    run.fail(WorkerDied("first"))
    run.feed(Done(run.prompt_id))
    with pytest.raises(WorkerDied, match="first"):
        await run.done
    run.take_history(SUCCESS)
    assert run.state.is_history_written and run.state.history is None


async def test_state_goes_on_after_a_failure_since_the_server_does():
    run = PromptRun(PROMPT)
    run.fail(WorkerDied("gone"))
    run.feed(NodeStarted(run.prompt_id, "1"))
    run.feed(HistoryWritten(run.prompt_id))
    assert run.state.current_node == "1" and run.state.is_history_written


@pytest.mark.parametrize("by", ["socket", "history"])
async def test_callback_that_raises_ends_the_run_and_gets_no_more(by: str):
    seen: list[Event] = []

    def refuse(event: Event) -> None:
        seen.append(event)
        raise KeyError("enough")

    run = PromptRun(PROMPT, refuse)
    if by == "socket":
        run.feed(RunStarted(run.prompt_id))
        run.feed(Done(run.prompt_id))
    else:
        run.take_history(SUCCESS)
    with pytest.raises(CallbackFailed) as caught:
        await run.done
    assert isinstance(caught.value.__cause__, KeyError)
    await asyncio.sleep(0)
    assert len(seen) == 1


def test_event_for_a_loop_that_is_closed_is_no_error():
    async def make() -> PromptRun:
        return PromptRun(PROMPT, lambda event: None)

    run = asyncio.run(make())
    run.feed(RunStarted(run.prompt_id))
    run.feed(Done(run.prompt_id))
    run.fail(WorkerDied("late"))
    assert run.state.end == Done(run.prompt_id)
