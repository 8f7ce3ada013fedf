"""One websocket message becomes one typed event; of events that wait, the outdated make room."""

from __future__ import annotations

import json
import struct
from typing import Any

import pytest
from custom_nodes.discomfort.worker.client import events
from custom_nodes.discomfort.worker.client.latest_events import LatestEvents
from hypothesis import given
from hypothesis import strategies as st

A = "11111111-1111-4111-8111-111111111111"
UI = {"text": ["a"]}


def text(kind: str, **data: Any) -> str:
    return json.dumps({"type": kind, "data": data})


@pytest.mark.parametrize(
    ("message", "event"),
    [
        (text("execution_start", prompt_id=A, timestamp=1), events.RunStarted(A)),
        (text("execution_cached", prompt_id=A, nodes=["1"]), events.NodesCached(A, ("1",))),
        (text("executing", prompt_id=A, node="7"), events.NodeStarted(A, "7")),
        (
            text("executing", prompt_id=A, node="7.0.1", display_node="5"),
            events.NodeStarted(A, "7.0.1", display_node="5"),
        ),
        (text("executing", prompt_id=A, node="7", display_node="7"), events.NodeStarted(A, "7")),
        (text("executing", prompt_id=A, node=None), events.HistoryWritten(A)),
        (text("executing", node="7"), events.NodeStarted("", "7")),
        (text("progress", prompt_id=A, node="7", value=2, max=9), events.Progress(A, "7", 2, 9)),
        (text("executed", prompt_id=A, node="7", output={}), events.OutputLanded(A, "7", {})),
        (text("executed", prompt_id=A, node=7, output=UI), events.OutputLanded(A, "7", UI)),
        (text("executed", prompt_id=A, node="7", output=None), events.OutputLanded(A, "7", {})),
        (text("status", status={"exec_info": {"queue_remaining": 3}}), events.QueueStatus("", 3)),
        (text("progress_state", prompt_id=A, nodes={}), None),
        (text("crystools.monitor", cpu=3), None),
        ("", None),
        ("[]", None),
        ('{"type": "progress"}', None),
        ('{"type": "executing", "data": [1]}', None),
        (b"", None),
        (struct.pack(">II", 1, 2) + b"img", events.Preview("", "", b"img", "PNG")),
        (struct.pack(">II", 9, 2) + b"img", None),
        (struct.pack(">II", 4, 99) + b"{", None),
    ],
)
def test_message_becomes_its_event(message: str | bytes, event: events.Event | None):
    assert events.parse_message(message) == event


def test_preview_with_metadata_knows_its_node():
    about = json.dumps({"prompt_id": A, "node_id": "3", "image_type": "image/png"}).encode()
    message = struct.pack(">II", 4, len(about)) + about + b"picture"
    assert events.parse_message(message) == events.Preview(A, "3", b"picture", "PNG")


@given(st.one_of(st.text(), st.binary()))
def test_any_message_is_survived(message: str | bytes):
    events.parse_message(message)


@given(
    st.recursive(
        st.none() | st.integers() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)
    )
)
def test_any_data_of_a_known_message_is_survived(data: Any):
    for kind in (
        "status",
        "executing",
        "executed",
        "progress",
        "execution_error",
        "execution_cached",
    ):
        events.parse_message(json.dumps({"type": kind, "data": data}))


KINDS = st.sampled_from([events.Progress, events.Preview, events.NodeStarted])


@given(st.lists(st.tuples(KINDS, st.sampled_from("ab"))))
def test_of_what_waits_only_outdated_steps_and_previews_make_room(put: list):
    waiting = LatestEvents()
    sent = [kind(str(i), node_id) for i, (kind, node_id) in enumerate(put)]
    for event in sent:
        waiting.put(event)
    kept = [waiting.take() for _ in range(len(waiting))]
    newest = {(type(e), e.node_id): e for e in sent}.values()
    assert kept == [e for e in sent if isinstance(e, events.NodeStarted) or e in newest]
