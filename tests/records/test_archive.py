"""Records on disk: private, bounded, readable while they grow and after their writer was killed."""

from __future__ import annotations

import gc
import json
import os
import stat
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
import torch
from custom_nodes.discomfort.records import writer as writer_module
from custom_nodes.discomfort.records.archive import Archive, RecordNotFound, is_alive, purge
from custom_nodes.discomfort.records.history import KEPT_ENTRIES, History
from custom_nodes.discomfort.records.record_file import FORMAT, parse_lines
from custom_nodes.discomfort.records.report import make_report
from custom_nodes.discomfort.records.writer import RecordWriter, trim_entries
from support.programs import Program


def note_step(history: History, call: int, iteration: int, **outputs) -> None:
    history.note(
        {
            "k": "step",
            "call": call,
            "iteration": iteration,
            "name": "a",
            "t": 1.0,
            "seconds": 0.1,
            "nodes": 1,
            "cached": 0,
            "ram": 0,
            "disk": 0,
            "in": {},
            "out": outputs or {"y": {"v": iteration}},
        }
    )


def note_call(history: History, iterations: int, status: str | None = "done") -> int:
    call = history.new_call()
    history.note({"k": "begin", "call": call, "t": 1.0, "iterations": iterations, "workflows": []})
    for iteration in range(1, iterations + 1):
        note_step(history, call, iteration)
    if status:
        history.note({"k": "end", "call": call, "t": 2.0, "status": status, "error": None})
    return call


def recorded(title: str = "a test") -> History:
    history = History(title)
    history.start_recording()
    assert history.is_recording
    return history


def picture_cell(version: str) -> dict:
    return {"version": version, "type": "IMAGE", "bytes": 10}


def test_a_record_tells_what_was_noted_with_workflows_and_pictures(records):
    history = recorded()
    history.note_workflow("abc", "a.json", {"nodes": [], "text": "\ud800"}, False)
    note_call(history, 2)
    note_step(history, 1, 3, p=picture_cell("v1"))
    history.note_picture("v1", 9, lambda: torch.rand(1, 300, 600, 3))
    history.note_picture("none", 9, lambda: {"not": "a picture"})
    history.close()
    archive = Archive()
    (summary,) = archive.list_records()
    assert summary["title"] == "a test" and summary["status"] == "done"
    assert summary["iterations"] == 3 and not summary["is_alive"]
    view = archive.view(summary["id"])
    assert len(view["rows"]) == 3
    assert view["workflows"] == [{"digest": "abc", "name": "a.json", "is_prompt": False}]
    assert archive.workflow(summary["id"], "abc")["nodes"] == []
    assert view["pictures"]["v1"] == {
        "width": 600,
        "height": 300,
        "shape": [1, 300, 600, 3],
        "count": 1,
    }
    assert archive.picture(summary["id"], "v1").startswith(b"\xff\xd8\xff")
    with pytest.raises(RecordNotFound):
        archive.picture(summary["id"], "none")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps rights elsewhere")
def test_a_record_is_for_its_user_alone(records):
    old = os.umask(0)
    try:
        history = recorded()
        history.note_workflow("abc", "a.json", {}, False)
        note_step(history, 1, 1, p=picture_cell("v1"))
        history.note_picture("v1", 9, lambda: torch.rand(1, 8, 8, 3))
        history.close()
    finally:
        os.umask(old)
    places = [records, *records.rglob("*")]
    assert {p.name for p in places} >= {"record.jsonl", "pictures.0", "abc.json"}
    for place in places:
        wanted = 0o700 if place.is_dir() else 0o600
        assert stat.S_IMODE(place.stat().st_mode) == wanted, place


def start_writer() -> Program:
    program = Program("records/write_and_wait")
    assert program.line() == "ready"
    return program


def test_two_processes_have_a_record_each_and_a_killed_one_says_so():
    programs = [start_writer(), start_writer()]
    archive = Archive()
    try:
        assert [r["status"] for r in archive.list_records()] == ["running", "running"]
        record_id = archive.list_records()[0]["id"]
        tag = archive.tag(record_id)
        with pytest.raises(PermissionError, match="still written"):
            archive.remove(record_id)
    finally:
        for program in programs:
            program.kill()
    found = archive.list_records()
    assert [r["status"] for r in found] == ["lost", "lost"]
    assert [r["iterations"] for r in found] == [1, 1]
    assert archive.tag(record_id) != tag
    archive.remove(record_id)
    assert [r["id"] for r in archive.list_records()] == [found[1]["id"]]


def test_an_owner_that_is_forgotten_ends_its_record(records):
    writer = RecordWriter("t")
    folder = writer.folder
    assert is_alive(folder)
    del writer
    gc.collect()
    assert not is_alive(folder)
    assert (folder / "record.jsonl").read_bytes().splitlines()[-1].startswith(b'{"k":"closed"')


def test_a_long_run_keeps_its_newest_iterations_and_pictures(monkeypatch, records):
    monkeypatch.setattr(writer_module, "KEPT_STEPS", 50)
    monkeypatch.setattr(writer_module, "KEPT_PICTURE_BYTES", 12_000)
    history = recorded()
    picture = torch.rand(1, 32, 32, 3)
    call = history.new_call()
    history.note({"k": "begin", "call": call, "t": 1.0, "iterations": None, "workflows": []})
    folder = history.folder
    assert folder is not None
    archive = Archive()
    largest = 0
    for i in range(1, 401):
        note_step(history, call, i, p=picture_cell(f"v{i}"))
        history.note_picture(f"v{i}", 9, lambda: picture)
        if i % 20 == 0:
            history.settle()
            largest = max(largest, sum(f.stat().st_size for f in folder.iterdir()))
            view = archive.view(folder.name)
            assert view["rows"][-1]["iteration"] == view["iterations"] == i
    history.close()
    view = archive.view(folder.name)
    assert 50 <= len(view["rows"]) <= 110
    assert view["first"] == 400 - len(view["rows"]) == view["rows"][0]["number"]
    assert view["status"] == "lost"  # nobody ended the call
    assert largest < 12_000 * 1.5 + 110 * 400
    # Every picture that is named is whole, and the newest are there.
    shown = view["pictures"]
    assert len(shown) >= 5
    for version in shown:
        assert archive.picture(folder.name, version)[-2:] == b"\xff\xd9"
    assert len(list(folder.glob("pictures.*"))) == 1


def test_many_calls_and_failures_are_bounded_too(monkeypatch, records):
    monkeypatch.setattr(writer_module, "KEPT_STEPS", 50)
    history = recorded()
    for _ in range(200):
        note_call(history, 1)
        call = history.new_call()
        history.note({"k": "begin", "call": call, "t": 1.0, "iterations": 1, "workflows": []})
        failed = {"k": "end", "call": call, "t": 2.0, "status": "failed", "iteration": 1}
        history.note({**failed, "error": "E"})
        history.settle()
    history.close()
    assert history.folder
    lines = (history.folder / "record.jsonl").read_bytes().splitlines()
    assert len(lines) < 400
    view = Archive().view(history.folder.name)
    assert view["status"] == "failed" and view["calls"] == 400
    assert view["iterations"] == 400
    # They took turns; which of the two the oldest row is depends on when the writer last trimmed.
    failed_rows = sum(row["error"] == "E" for row in view["rows"])
    assert abs(2 * failed_rows - len(view["rows"])) <= 1


def test_of_much_that_waits_for_its_picture_some_is_left_out(records):
    history = recorded()
    is_open, started = threading.Event(), threading.Event()

    def load():
        started.set()
        assert is_open.wait(60)
        return torch.rand(1, 8, 8, 3)

    for i in range(5):
        history.note_picture(f"v{i}", 30 << 20, load)
        assert started.wait(60)
    history.note_picture("small", 9, load)
    is_open.set()
    history.close()
    assert history.folder
    assert sorted(Archive().pictures(history.folder.name)) == ["small", "v0", "v1"]


def test_memory_keeps_the_newest_entries_only():
    history = History("t")
    note_call(history, 2 * KEPT_ENTRIES, None)
    entries = history.entries()
    assert len(entries) == KEPT_ENTRIES + 1
    assert entries[-1]["iteration"] == 2 * KEPT_ENTRIES


def test_the_oldest_records_go_but_never_those_of_the_living(records):
    living = recorded("living")
    ids = []
    for _ in range(6):
        history = recorded()
        ids.append(history.record_id)
        note_call(history, 1)
        history.close()
    # Names sort by time, and within a second by chance: as if each was made a minute later.
    for minute, record_id in enumerate(ids):
        (records / record_id).rename(records / f"20300101-00{minute:02d}00-abcdefgh")
    removed = purge(records, max_records=3)
    assert removed == [f"20300101-00{minute:02d}00-abcdefgh" for minute in (2, 1, 0)]
    assert is_alive(living.folder or Path())
    assert purge(records, max_records=99, max_bytes=0) and len(list(records.iterdir())) == 1
    living.close()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a full disk at hand")
def test_a_full_disk_ends_the_record_and_not_the_run(records, caplog):
    history = recorded()
    note_call(history, 1)
    assert history.folder
    with (
        open("/dev/full", "wb")
        if Path("/dev/full").exists()
        else pytest.skip("no full disk") as full
    ):
        assert history._writer and history._writer._state._fd is not None
        os.dup2(full.fileno(), history._writer._state._fd)
        note_call(history, 1)
        note_call(history, 1)
    assert [r.levelname for r in caplog.records] == ["WARNING"]
    assert "Runs go on" in caplog.text
    history.close()
    assert Archive().view(history.folder.name)["iterations"] == 1


def test_a_folder_that_can_not_be_made_is_no_reason_to_fail(records, caplog):
    records.rmdir()
    records.write_text("a file where the folder should be")
    history = History("t")
    history.start_recording()
    assert not history.is_recording and "not recorded" in caplog.text
    note_call(history, 1)
    history.close()


@pytest.mark.parametrize(
    "record_id", ["..", "", "../../etc", "20300101-000000-abcdefg/", "C:\\x", "a" * 300, "x\0y"]
)
def test_only_names_of_ours_lead_to_a_folder(records, record_id):
    (records / "20300101-000000-abcdefgh").mkdir()
    (records.parent / "record.jsonl").write_bytes(b"{}")
    archive = Archive()
    for ask in (archive.tag, archive.view, archive.pictures, archive.remove):
        with pytest.raises(RecordNotFound):
            ask(record_id)
    assert archive.list_records() == []


@pytest.mark.parametrize("digest", ["../record", "..", "/etc/passwd", "", "owner.lock"])
def test_only_workflows_are_read_as_workflows(records, digest):
    history = recorded()
    (records / "record.json").write_text("{}")
    with pytest.raises(RecordNotFound):
        Archive().workflow(history.record_id or "", digest)
    history.close()


def test_a_damaged_record_is_read_as_far_as_it_goes(records):
    history = recorded()
    note_call(history, 3)
    history.note({"k": "picture", "version": "v", "file": "../../x", "at": 0, "bytes": 1})
    history.close()
    assert history.folder
    path = history.folder / "record.jsonl"
    path.write_bytes(b"\x00\xff junk\n" + path.read_bytes() + b'{"k":"step"')
    archive = Archive()
    assert len(archive.view(history.folder.name)["rows"]) == 3
    with pytest.raises(RecordNotFound):
        archive.picture(history.folder.name, "v")


ODD = [
    None,
    True,
    -1,
    1.5,
    10**400,
    1e300,
    "x",
    "",
    [],
    [{}],
    {},
    {"v": {}},
    {"a": {"version": []}},
]
LINES: dict[str, Any] = {
    "record": {"format": FORMAT, "id": "x", "title": "t", "t": 1.0, "pid": 1, "calls_before": 0,
               "dropped": 0},
    "workflow": {"digest": "d", "name": "n", "is_prompt": False},
    "begin": {"call": 1, "t": 1.0, "iterations": 3, "workflows": ["n"]},
    "step": {"call": 1, "iteration": 1, "name": "n", "t": 1.0, "seconds": 0.1, "nodes": 1,
             "cached": 0, "ram": 1, "disk": 1, "worker": 1,
             "in": {"a": {"v": 1}, "b": {"version": "v", "type": "IMAGE", "bytes": 1}},
             "out": {"a": {"about": "x"}, "b": {"ref": True, "type": "MODEL"}}},
    "picture": {"version": "v", "file": "pictures.0", "at": 0, "bytes": 1, "width": 1, "height": 1,
                "shape": [1], "count": 1},
    "end": {"call": 1, "t": 1.0, "status": "failed", "error": "e", "iteration": 1, "name": "n"},
    "closed": {"t": 1.0},
}  # fmt: skip
WHOLE_LINES = [
    b"[" * 100_000,
    b'{"k":"step","call":' + b"[" * 5000 + b"]" * 5000 + b"}",
    b'{"k":"step","seconds":1e999}',
    b'{"k":"step","seconds":NaN}',
    b'{"k":"step","t":-Infinity}',
    b'{"k":"step","call":' + b"9" * 5000 + b"}",
    b'{"k":["step"]}',
    b'{"k":{}}',
    b'{"k":null}',
    b'{"k":"record","format":99}',
    b'{"k":"picture"}',
    b'{"k":"workflow"}',
    b"null",
    b'"text"',
    b"\xff\xfe",
    b"\xef\xbb\xbf{}",
]


def odd_lines() -> list[bytes]:
    """Each field of each kind of line as what it should not be, and lines that are odd as such."""
    made = [
        json.dumps({"k": kind, **entry, name: odd}).encode()
        for kind, entry in LINES.items()
        for name in entry
        for odd in ODD
    ]
    return made + WHOLE_LINES


def test_one_odd_line_hides_neither_its_neighbours_nor_other_records(records):
    note_call(other := recorded("another"), 1)
    other.close()
    note_call(history := recorded("odd"), 3)
    history.close()
    assert history.folder
    path, archive = history.folder / "record.jsonl", Archive()
    good = path.read_bytes()
    first, _, rest = good.partition(b"\n")
    for line in odd_lines():
        path.write_bytes(first + b"\n" + line + b"\n" + rest)
        listed = archive.list_records()
        assert {run["title"] for run in listed} >= {"another"} and len(listed) == 2, line
        view = archive.view(history.folder.name)
        assert len(view["rows"]) >= 3, line
        archive.pictures(history.folder.name)
        shown = json.dumps([listed, view], allow_nan=False)  # a browser reads no NaN
        assert make_report(view, {}, {}) and shown
        trim_entries(parse_lines(path.read_bytes()), b"", "pictures.0", "pictures.1")
    path.write_bytes(first + b"\n" + b"\n".join(odd_lines()) + b"\n" + rest)
    assert len(archive.view(history.folder.name)["rows"]) >= 3


def test_a_line_with_a_field_of_a_later_version_is_read():
    line = json.dumps({"k": "step", **LINES["step"], "later": {"deep": [1]}}).encode()
    assert len(parse_lines(line)) == 1


WRITTEN = (
    b'{"k":"record","format":1,"id":"x","title":"t","t":1.0,"pid":1,"calls_before":0}\n'
    b'{"k":"begin","call":1,"iterations":1,"t":1.0}\n'
    b'{"k":"step","call":1,"iteration":1,"name":"w","t":2.0,"seconds":0.5,"in":{},"out":{}}\n'
)
ODD_LINES = [
    b'{"k":["step"]}',
    b'{"k":"step","t":[1]}',
    b'{"k":"step","t":1e999}',
    b'{"k":"step","in":{"a":5}}',
    b'{"k":"step","out":[1]}',
    b'{"k":"step","out":{"a":{"version":5}}}',
    b'{"k":"picture"}',
    b'{"k":"end","error":{"a":1}}',
    b'{"k":"workflow","digest":["a"]}',
    b"[" * 100_000,
    b"5",
]


@pytest.mark.parametrize("odd", ODD_LINES, ids=lambda line: line[:40].decode())
def test_line_that_says_other_than_ours_is_left_out_and_the_rest_is_shown(tmp_path: Path, odd):
    folder = tmp_path / "20260101-000000-abcdefgh"
    folder.mkdir()
    (folder / "record.jsonl").write_bytes(WRITTEN + odd + b"\n" + WRITTEN.split(b"\n")[2])
    archive = Archive(tmp_path)
    (listed,) = archive.list_records()
    assert listed["title"] == "t" and listed["iterations"] == 1
    assert len(archive.view(folder.name)["rows"]) == 1


@pytest.mark.skipif(os.name == "nt", reason="links of Windows need rights")
def test_record_of_a_strangers_leads_to_no_other_file(tmp_path: Path):
    root, secret = tmp_path / "runs", tmp_path / "secret.json"
    secret.write_text('{"password": 1}')
    folder = root / "20260101-000000-abcdefgh"
    folder.mkdir(parents=True)
    picture = b'{"k":"picture","version":"a_b","file":"pictures.0","at":0,"bytes":99999999999}\n'
    (folder / "record.jsonl").write_bytes(WRITTEN + picture)
    (folder / "ab.json").symlink_to(secret)
    (folder / "pictures.0").symlink_to(secret)
    archive = Archive(root)
    for use in (
        lambda: archive.workflow(folder.name, "ab"),
        lambda: archive.picture(folder.name, "a_b"),
    ):
        with pytest.raises(RecordNotFound):
            use()
    (folder / "pictures.0").unlink()
    os.mkfifo(folder / "pictures.0")
    with pytest.raises(RecordNotFound):
        archive.picture(folder.name, "a_b")
    linked = root / "20260101-000000-linkedto"
    linked.symlink_to(folder)
    with pytest.raises(RecordNotFound):
        archive.view(linked.name)
