"""What is known of one run: every kind of event, out of order, twice, and after the end."""

from __future__ import annotations

from typing import Any

import pytest
from custom_nodes.discomfort.worker.client import run_state
from custom_nodes.discomfort.worker.client.events import (
    Done,
    Event,
    HistoryWritten,
    NodesCached,
    NodeStarted,
    OutputLanded,
    Preview,
    Progress,
    Queued,
    RunStarted,
)
from custom_nodes.discomfort.worker.client.run_state import (
    HistoryRead,
    RunState,
    advance,
    begin,
    emitted,
    read_history,
    result_of,
)
from hypothesis import given
from hypothesis import strategies as st

A = "11111111-1111-4111-8111-111111111111"
PROMPT = {
    "1": {"class_type": "KSampler", "inputs": {}, "_meta": {"title": "my sampler"}},
    "2": {"class_type": "VAEDecode", "inputs": {}},
    "3": {"class_type": "SaveImage", "inputs": {}},
}
SUCCESS = {"status": {"status_str": "success"}, "outputs": {"3": {"images": ["kept"]}}}
FAILED = {"status": {"messages": [["execution_error", {"node_id": "2"}]]}}


def after(*events: Event, needed: list[str] | None = None) -> tuple[RunState, list[Event]]:
    """The state after these events, and what they emitted."""
    state, out = begin(A, PROMPT, needed), []
    for event in events:
        before, state = state, advance(state, event)
        out += emitted(before, state, event)
    return state, out


QUEUED, STARTED = Queued(A, 4.0), RunStarted(A)


def changed(event: Event, *before: Event) -> dict[str, Any]:
    """The fields that the event changes, after those before it."""
    old = after(*before)[0]
    new = advance(old, event)
    fields = RunState.__dataclass_fields__
    return {f: getattr(new, f) for f in fields if getattr(new, f) != getattr(old, f)}


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (QUEUED, {"is_queued": True}),
        (STARTED, {"is_queued": True, "is_started": True}),
        (
            NodesCached(A, ("1", "2")),
            {"cached": ("1", "2"), "reached": frozenset("12")},
        ),
        (
            NodeStarted(A, "2"),
            {"current_node": "2", "display_node": "2", "reached": frozenset("2")},
        ),
        (
            NodeStarted(A, "2.0.7"),
            {"current_node": "2.0.7", "display_node": "2", "reached": frozenset("2")},
        ),
        (Progress(A, "2", 3, 9), {}),
        (Preview(A, "2", b"picture"), {}),
        (OutputLanded(A, "3", {"text": []}), {"outputs": {"3": {"text": []}}}),
        (OutputLanded(A, "3", {}), {"outputs": {"3": {}}}),
        (
            Done(A, "error", {"node_id": "2"}),
            {"end": Done(A, "error", {"node_id": "2"})},
        ),
        (HistoryWritten(A), {"is_history_written": True}),
        (
            HistoryRead(A, SUCCESS),
            {
                "is_history_written": True,
                "history": SUCCESS,
                "outputs": SUCCESS["outputs"],
                "end": Done(A, "success"),
            },
        ),
        (
            HistoryRead(A, FAILED),
            {
                "is_history_written": True,
                "history": FAILED,
                "end": Done(A, "error", {"node_id": "2"}),
            },
        ),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Event) else "",
)
def test_each_event_changes_what_it_is_about_and_nothing_else(event: Event, expected: dict):
    assert changed(event) == expected


def test_a_state_that_was_taken_stays_as_it_was():
    taken = after(STARTED, OutputLanded(A, "3", {"text": ["old"]}))[0]
    seen = (taken.outputs, dict(taken.outputs), taken.reached, taken.cached)
    for event in (OutputLanded(A, "2", {"text": ["new"]}), NodesCached(A, ("1",)), Done(A)):
        advance(taken, event)
    assert seen == (taken.outputs, {"3": {"text": ["old"]}}, frozenset(), ())
    assert taken.end is None


def test_cached_output_that_is_sent_again_empty_keeps_what_it_showed():
    shown = OutputLanded(A, "3", {"text": ["kept"]})
    assert changed(OutputLanded(A, "3", {}), shown) == {}
    assert changed(OutputLanded(A, "3", {"text": ["new"]}), shown)["outputs"] == {
        "3": {"text": ["new"]}
    }


def test_nodes_cached_twice_are_counted_once_and_keep_their_order():
    state, _ = after(NodesCached(A, ("3", "1")), NodesCached(A, ("1", "2")))
    assert state.cached == ("3", "1", "2")


@pytest.mark.parametrize("order", [(QUEUED, STARTED), (STARTED, QUEUED), (QUEUED, QUEUED, STARTED)])
def test_queued_is_emitted_first_and_once_whoever_wins_the_race(order: tuple[Event, ...]):
    _, out = after(*order)
    assert [type(event) for event in out] == [Queued, RunStarted]
    first = out[0]
    assert isinstance(first, Queued)
    assert first.total == 3
    assert first.number == (4.0 if order[0] is QUEUED else 0)


def test_started_nodes_get_their_names_and_their_step_among_the_needed_ones():
    _, out = after(
        NodesCached(A, ("1",)),
        NodeStarted(A, "3"),  # none that counts
        NodeStarted(A, "2"),
        NodeStarted(A, "2.0.5"),  # made by 2: not counted again
        NodeStarted(A, "2"),  # as a new socket repeats it
        NodeStarted(A, "9.0.1", display_node="1"),  # made by a loop, for node 1
        needed=["1", "2"],
    )
    assert out == [
        NodesCached(A, ("1",), ("my sampler",)),
        NodeStarted(A, "3", "SaveImage", "SaveImage", 1, 2),
        NodeStarted(A, "2", "VAEDecode", "VAEDecode", 2, 2),
        NodeStarted(A, "2.0.5", "VAEDecode", "VAEDecode", 2, 2),
        NodeStarted(A, "2", "VAEDecode", "VAEDecode", 2, 2),
        NodeStarted(A, "9.0.1", "KSampler", "my sampler", 2, 2, display_node="1"),
    ]


def test_history_written_is_for_us_alone():
    assert (
        after(QUEUED, STARTED, Done(A), HistoryWritten(A))[1] == after(QUEUED, STARTED, Done(A))[1]
    )


LATE = [
    QUEUED,
    STARTED,
    NodesCached(A, ("1",)),
    NodeStarted(A, "2"),
    Progress(A, "2", 1, 2),
    OutputLanded(A, "3", {"text": ["late"]}),
    Done(A, "interrupted"),
    Done(A, "success"),
    HistoryRead(A, FAILED),
]


@pytest.mark.parametrize("late", LATE, ids=lambda event: type(event).__name__)
def test_after_the_end_nothing_counts_and_nothing_is_emitted(late: Event):
    ended, out = after(QUEUED, STARTED, Done(A, "success"))
    again = advance(ended, late)
    assert emitted(ended, again, late) == ()
    assert out[-1] == Done(A, "success")
    expected = ended
    if isinstance(late, HistoryRead):
        expected = advance(ended, HistoryWritten(A))
    assert again == expected


def test_end_that_history_reports_first_is_emitted_once():
    state, out = after(QUEUED, STARTED, HistoryRead(A, SUCCESS), Done(A, "success"))
    assert [event for event in out if isinstance(event, Done)] == [Done(A, "success")]
    assert state.history == SUCCESS and state.is_history_written


EVENTS = st.sampled_from([*LATE, HistoryWritten(A), HistoryRead(A, SUCCESS)])


@given(st.lists(EVENTS))
def test_any_order_gives_one_queued_before_all_starts_and_done_last(events: list[Event]):
    state, out = after(*events)
    kinds = [type(event) for event in out]
    assert kinds.count(Queued) <= 1 and kinds.count(Done) <= 1
    if RunStarted in kinds:
        assert Queued in kinds and kinds.index(Queued) < kinds.index(RunStarted)
    if Done in kinds:
        assert kinds[-1] is Done and out[-1] == state.end
    assert (state.end is not None) is (Done in kinds)


def test_result_has_what_was_shown_and_no_empty_outputs():
    state, _ = after(
        NodesCached(A, ("1",)),
        OutputLanded(A, "3", {"text": ["a"]}),
        OutputLanded(A, "2", {}),
        Done(A),
    )
    result = result_of(state)
    assert (result.prompt_id, result.outputs, result.cached) == (A, {"3": {"text": ["a"]}}, ("1",))
    assert result.history["outputs"] == result.outputs
    assert result.history["status"]["completed"] is True


def test_result_from_the_history_has_its_entry():
    entry = {
        **SUCCESS,
        "status": {"messages": [["execution_cached", {"nodes": ["1"]}]]},
        "prompt": [0, A],
    }
    result = result_of(after(QUEUED, HistoryRead(A, entry))[0])
    assert result.history == entry and result.outputs == SUCCESS["outputs"]
    assert result.cached == ("1",)


def test_node_of_an_expansion_gets_the_title_of_its_origin():
    assert run_state.name_of(PROMPT, "1.0.4") == ("KSampler", "my sampler")
    assert run_state.name_of(PROMPT, "nowhere") == ("", "")


@pytest.mark.parametrize(
    ("messages", "status", "expected"),
    [
        ([["execution_start", {}], ["execution_success", {}]], "success", "success"),
        ([["execution_error", {"node_id": "1"}]], "error", "error"),
        ([["execution_interrupted", {"node_id": "1"}]], "error", "interrupted"),
        ([], "error", "error"),
        ([], "success", "success"),
    ],
)
def test_history_says_how_it_ended(messages: list, status: str, expected: str):
    entry = {"status": {"status_str": status, "messages": messages}, "outputs": {}}
    assert read_history(A, entry)[0].status == expected
