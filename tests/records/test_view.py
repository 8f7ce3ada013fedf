"""The table of a run, from its entries: which columns there are, and what stands in the cells."""

from __future__ import annotations

import math

import pytest
from custom_nodes.discomfort.records.cells import MAX_CHARS, cell_of, stored_cell
from custom_nodes.discomfort.records.record_file import FORMAT, make_line, parse_lines
from custom_nodes.discomfort.records.table import build_view, pictures_of, summarize
from hypothesis import given
from hypothesis import strategies as st

HEAD = {"k": "record", "format": FORMAT, "id": "1", "title": "t", "t": 100.0}


def step(iteration: int, inputs: dict, outputs: dict, *, call: int = 1, name: str = "a") -> dict:
    return {
        "k": "step",
        "call": call,
        "iteration": iteration,
        "name": name,
        "t": 100.0 + iteration,
        "seconds": 0.5,
        "nodes": 4,
        "cached": 1,
        "ram": 10,
        "disk": 5,
        "in": {uid: cell_of(v) if not isinstance(v, dict) else v for uid, v in inputs.items()},
        "out": {uid: cell_of(v) if not isinstance(v, dict) else v for uid, v in outputs.items()},
    }


def begin(call: int = 1, iterations: int | None = 3) -> dict:
    return {"k": "begin", "call": call, "t": 100.0, "iterations": iterations, "workflows": ["a"]}


def end(call: int = 1, status: str = "done", **more) -> dict:
    return {"k": "end", "call": call, "t": 110.0, "status": status, "error": None, **more}


def names(view: dict) -> list[tuple[str, str]]:
    return [(c["role"], c["name"]) for c in view["columns"]]


def test_an_input_that_never_changes_is_a_setting_and_others_are_columns():
    rows = [step(i, {"steps": 20, "seed": i}, {"quality": i / 10}) for i in (1, 2, 3)]
    view = build_view([HEAD, begin(), *rows, end()], True)
    assert [(s["name"], s["cell"], s["is_start"]) for s in view["settings"]] == [
        ("steps", {"v": 20}, False)
    ]
    assert names(view) == [("in", "seed"), ("out", "quality")]
    assert [row["cells"] for row in view["rows"]] == [[{"v": i}, {"v": i / 10}] for i in (1, 2, 3)]
    assert [row["number"] for row in view["rows"]] == [0, 1, 2]


def test_a_carried_value_is_shown_where_it_starts():
    rows = [
        step(1, {"text": "x"}, {"text": "x."}),
        step(2, {"text": "x."}, {"text": "x.."}),
        step(3, {"text": "x.."}, {"text": "x..."}),
    ]
    view = build_view([HEAD, begin(), *rows, end()], True)
    assert [(s["name"], s["cell"], s["is_start"]) for s in view["settings"]] == [
        ("text", {"v": "x"}, True)
    ]
    assert names(view) == [("out", "text")]
    rows[2] = step(3, {"text": "somebody else's"}, {"text": "y"})
    assert names(build_view([HEAD, begin(), *rows, end()], True)) == [
        ("in", "text"),
        ("out", "text"),
    ]


def test_a_carried_picture_is_the_same_version():
    def picture(version):
        return stored_cell(version, "IMAGE", 100)

    rows = [
        step(1, {"p": picture("v1")}, {"p": picture("v2")}),
        step(2, {"p": picture("v2")}, {"p": picture("v3")}),
    ]
    about = {"k": "picture", "version": "v3", "file": "pictures.0", "at": 0, "bytes": 3}
    about |= {"width": 4, "height": 5, "shape": [1, 5, 4, 3], "count": 1}
    view = build_view([HEAD, begin(), *rows, about, end()], True)
    assert names(view) == [("out", "p")]
    assert pictures_of(view) == ["v1", "v2", "v3"]
    assert view["pictures"] == {"v3": {"width": 4, "height": 5, "shape": [1, 5, 4, 3], "count": 1}}


def test_several_workflows_of_one_iteration_are_one_row():
    entries = [
        step(1, {"text": "go"}, {"text": "go ping"}, name="ping"),
        step(1, {"text": "go ping", "amount": 2}, {"text": "go ping pong"}, name="pong"),
    ]
    view = build_view([HEAD, begin(), *entries, end()], True)
    assert [(c["name"], c["workflow"]) for c in view["columns"]] == [
        ("text", "ping"),
        ("text", "pong"),
    ]
    (row,) = view["rows"]
    assert (row["seconds"], row["nodes"], row["cached"]) == (1.0, 8, 2)
    assert {s["name"]: s["cell"]["v"] for s in view["settings"]} == {"text": "go", "amount": 2}


def test_calls_of_one_context_are_rows_of_one_table():
    entries = []
    for call in (1, 2, 3):
        entries += [begin(call, 1), step(1, {"x": call}, {"y": call}, call=call), end(call)]
    view = build_view([HEAD, *entries], True)
    assert (view["calls"], view["iterations"], len(view["rows"])) == (3, 3, 3)
    assert [row["call"] for row in view["rows"]] == [1, 2, 3]


@pytest.mark.parametrize(
    ("entries", "is_alive", "status"),
    [
        ([begin()], True, "running"),
        ([begin()], False, "lost"),
        ([begin(), end()], True, "done"),
        ([begin(), end(status="failed", error="E: no", iteration=1)], False, "failed"),
        ([begin(), end(status="interrupted", error="x")], True, "interrupted"),
        ([begin(), end(status="failed", error="E"), begin(2), end(2)], True, "done"),
        ([begin(), begin(2), end(2)], True, "running"),
    ],
)
def test_how_a_run_stands(entries, is_alive, status):
    assert summarize([HEAD, *entries], is_alive)["status"] == status


def test_an_iteration_that_failed_is_a_row_with_its_error():
    entries = [begin(), step(1, {}, {"y": 1})]
    entries.append(end(status="failed", error="NodeFailed: too blue", iteration=2, name="a"))
    view = build_view([HEAD, *entries], False)
    assert [row["error"] for row in view["rows"]] == [None, "NodeFailed: too blue"]
    assert view["rows"][1]["cells"] == [None]
    assert view["error"] == "NodeFailed: too blue"


def test_pages_are_the_newest_rows_and_those_before_a_number():
    entries = [HEAD, begin(), *(step(i, {"x": i}, {"y": -i}) for i in range(1, 11)), end()]
    assert [r["number"] for r in build_view(entries, True, last=3)["rows"]] == [7, 8, 9]
    assert [r["number"] for r in build_view(entries, True, last=3, before=7)["rows"]] == [4, 5, 6]
    assert build_view(entries, True, last=3, before=0)["rows"] == []
    # A page tells as much of the run as the whole.
    assert build_view(entries, True, last=1)["iterations"] == 10
    assert names(build_view(entries, True, last=1)) == [("in", "x"), ("out", "y")]


def test_a_torn_last_line_and_unknown_kinds_are_passed_over():
    good = [HEAD, begin(), step(1, {}, {"y": 1})]
    data = b"".join(map(make_line, good)) + b'{"k":"news"}\n[1]\n' + make_line(end())[:-9]
    assert parse_lines(data) == good


def test_another_format_is_refused_with_what_to_do():
    with pytest.raises(ValueError, match="Update Discomfort"):
        parse_lines(make_line({**HEAD, "format": FORMAT + 1}))


def test_cells_keep_what_a_browser_would_change():
    assert cell_of(2**63) == {"v": str(2**63)}
    assert cell_of(2**53 - 1) == {"v": 2**53 - 1}
    assert cell_of(math.nan) == {"v": "nan"}
    assert cell_of(True) == {"v": True}
    assert cell_of("x" * 600) == {"v": "x" * MAX_CHARS, "chars": 600}


class HasNoShortText:
    def __repr__(self):
        raise RuntimeError("nobody may ask")


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.binary(max_size=9)
    | st.builds(HasNoShortText),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=12,
)


@given(value=values)
def test_every_value_has_a_cell_that_is_a_short_line(value):
    line = make_line(step(1, {"x": cell_of(value)}, {}))
    assert parse_lines(line)[0]["in"]["x"] == cell_of(value)
    assert line.count(b"\n") == 1 and len(line) < 8 * MAX_CHARS
