"""What real runs leave: nothing unless asked, else a record; and the report of a context."""

from __future__ import annotations

import asyncio
import functools
import json
import re
from pathlib import Path

import pytest
import torch
from custom_nodes.discomfort.discomfort import Discomfort
from custom_nodes.discomfort.errors import NodeFailed
from custom_nodes.discomfort.records.archive import Archive, records_dir
from support.programs import Program
from support.servers import own_data_folder, wait_until, write_config


@pytest.fixture(autouse=True)
def records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    own_data_folder(monkeypatch, tmp_path / "data")
    return records_dir()


@pytest.fixture
def recorder(shared):
    """A Discomfort that records what it is not told otherwise of."""
    made = Discomfort(shared, record="recorded by a test")
    yield made
    made._engine._recorder.close()
    made._engine.contexts.close()  # the worker is shared with other modules


def data_of(report: Path) -> dict:
    text = report.read_text(encoding="utf-8")
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.S)
    assert found
    return json.loads(found.group(1))


async def test_a_run_leaves_nothing_unless_asked(discomfort, workflows, records):
    with discomfort.Context() as context:
        await discomfort.run(workflows / "loop_text.json", {"text": "x"}, context=context)
    await discomfort.run(workflows / "loop_text.json", {"text": "x"})
    assert list(records.iterdir()) == []


async def test_a_recorded_loop_tells_values_pictures_times_and_workflow(
    discomfort, workflows, records
):
    path = workflows / "loop_image.json"
    with discomfort.Context() as context:
        inputs = {"picture": torch.rand(1, 64, 96, 3)}
        await discomfort.run(path, inputs, iterations=3, context=context, record="halves")
        archive = Archive()
        (summary,) = archive.list_records()
        assert summary["title"] == "halves" and summary["status"] == "done" and summary["is_alive"]
    (summary,) = archive.list_records()
    assert not summary["is_alive"]
    view = archive.view(summary["id"])
    assert [(c["role"], c["name"]) for c in view["columns"]] == [("out", "picture")]
    assert [s["name"] for s in view["settings"]] == ["picture"] and view["settings"][0]["is_start"]
    sizes = [view["pictures"][row["cells"][0]["version"]] for row in view["rows"]]
    assert [(s["width"], s["height"]) for s in sizes] == [(48, 32), (24, 16), (12, 8)]
    for row in view["rows"]:
        assert row["seconds"] > 0 and row["nodes"] >= 3 and row["ram_bytes"] > 0
        assert row["worker_bytes"] > 10 << 20
        assert archive.picture(summary["id"], row["cells"][0]["version"])[:2] == b"\xff\xd8"
    (workflow,) = view["workflows"]
    kept = archive.workflow(summary["id"], workflow["digest"])
    assert kept == json.loads(path.read_text(encoding="utf-8"))


async def test_runs_without_a_context_are_one_record(recorder, workflows):
    for text in ("a", "b", "c"):
        await recorder.run(workflows / "loop_text.json", {"text": text})
    await recorder.run(workflows / "loop_text.json", {"text": "secret"}, record=False)
    (summary,) = Archive().list_records()
    assert summary["title"] == "recorded by a test"
    view = Archive().view(summary["id"])
    assert [c["name"] for c in view["columns"]][:2] == ["text", "text"]
    cells = [row["cells"][:2] for row in view["rows"]]
    assert cells == [[{"v": text}, {"v": f"{text}."}] for text in "abc"]
    assert "secret" not in json.dumps(view)


async def test_what_is_not_to_be_recorded_is_not_though_its_context_is(
    recorder, workflows, records
):
    with recorder.Context() as context:
        run = functools.partial(recorder.run, context=context)
        await run(workflows / "type_string.json", {"first": "secret", "second": "s"}, record=False)
        await run(workflows / "loop_text.json", {"text": "known"})
        await run(workflows / "type_string.json", {"first": "secret", "second": "s"}, record=False)
        record_id = context.history.record_id
        assert len(context.history.entries()) == 1 + 2 + 3 * 3
    view = Archive().view(record_id)
    assert view["calls"] == 1 and len(view["rows"]) == 1
    kept = "".join(p.read_text(encoding="utf-8") for p in records.glob("*/*.json*"))
    assert "known" in kept and "secret" not in kept and "type_string" not in kept


async def test_seeds_that_were_drawn_are_inputs(recorder, workflows):
    workflow = json.loads((workflows / "type_int.json").read_text(encoding="utf-8"))
    for node in workflow["nodes"]:
        if node["type"] == "PrimitiveInt":
            node["widgets_values"] = [5, "increment"]
            for slot in node["inputs"]:
                slot["link"] = None
    workflow["links"] = [link for link in workflow["links"] if link[3] != 2]
    workflow["nodes"] = [node for node in workflow["nodes"] if node["id"] != 1]
    await recorder.run(workflow, iterations=3, randomize_seeds=True)
    (summary,) = Archive().list_records()
    view = Archive().view(summary["id"])
    assert (view["columns"][0]["role"], view["columns"][0]["name"]) == ("in", "value (node 2)")
    assert [row["cells"][0]["v"] for row in view["rows"]] == [6, 7, 8]


async def test_what_was_cached_is_told(recorder, workflows):
    await recorder.run(workflows / "type_string.json", {"first": "x", "second": "y"}, iterations=2)
    (summary,) = Archive().list_records()
    rows = Archive().view(summary["id"])["rows"]
    assert 0 < rows[1]["cached"] < rows[1]["nodes"]


async def test_a_run_that_fails_says_where_and_the_next_is_noted_as_well(recorder, workflows):
    with recorder.Context() as context:
        picture = torch.rand(1, 16, 16, 3)
        context.save("picture", picture)
        with pytest.raises(NodeFailed):
            ports = recorder.Tools.discover_ports(workflows / "error_node_raises.json")
            inputs = dict.fromkeys(ports["inputs"], picture)
            await recorder.run(workflows / "error_node_raises.json", inputs, context=context)
        record_id = context.history.record_id
        view = Archive().view(record_id)
        assert view["status"] == "failed" and "ImageBlur" in view["error"]
        assert view["rows"][-1]["failed_workflow"] == "error_node_raises.json"
        await recorder.run(workflows / "loop_text.json", {"text": "x"}, context=context)
        assert Archive().view(record_id)["status"] == "done"


async def test_a_cancelled_run_is_interrupted(recorder, workflows):
    prompt = {
        "1": {"class_type": "StubSleep", "inputs": {"seconds": 60, "nonce": 1}},
    }
    with recorder.Context() as context:
        running = asyncio.ensure_future(recorder.run(prompt, context=context))
        while not (Archive().list_records() and Archive().list_records()[0]["status"] == "running"):
            assert not running.done()
            await asyncio.sleep(0.01)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert Archive().list_records()[0]["status"] == "interrupted"


async def test_a_report_needs_no_record_and_shows_what_is_still_there(
    discomfort, workflows, records, tmp_path
):
    with discomfort.Context() as context:
        await discomfort.run(
            workflows / "loop_image.json",
            {"picture": torch.rand(1, 64, 96, 3)},
            iterations=2,
            context=context,
        )
        await discomfort.run(workflows / "loop_text.json", {"text": "</script>"}, context=context)
        path = context.report(tmp_path / "reports" / "run.html")
    assert list(records.iterdir()) == []
    data = data_of(path)
    assert [row["call"] for row in data["view"]["rows"]] == [1, 1, 2]
    last = data["view"]["rows"][1]["cells"][0]["version"]
    assert list(data["pictures"]) == [last]  # the one before it is gone
    assert data["pictures"][last].startswith("data:image/jpeg;base64,")
    assert len(data["workflows"]) == 2


async def test_a_report_of_a_recorded_context_has_every_picture(recorder, workflows, tmp_path):
    with recorder.Context() as context:
        await recorder.run(
            workflows / "loop_image.json",
            {"picture": torch.rand(1, 64, 96, 3)},
            iterations=3,
            context=context,
        )
        data = data_of(context.report(tmp_path / "run.html"))
    assert len(data["pictures"]) == 4 and data["view"]["status"] == "done"


async def test_a_report_before_any_run_says_so(discomfort, tmp_path):
    with discomfort.Context() as context:
        assert data_of(context.report(tmp_path / "run.html"))["view"]["rows"] == []
        with pytest.raises(IsADirectoryError, match="name a file in it"):
            context.report(tmp_path)


@pytest.mark.parametrize("record", [1, b"x", ["x"]])
async def test_a_wrong_record_is_refused_before_anything_runs(discomfort, workflows, record):
    with pytest.raises(TypeError, match="record must be"):
        await discomfort.run(workflows / "loop_text.json", {"text": "x"}, record=record)


@pytest.mark.usefixtures("leaves_nothing")
def test_a_killed_script_leaves_a_record_that_says_so(comfyui_dirs, tmp_path):
    config = write_config(tmp_path, comfyui_dirs["fake"])
    program = Program("run/record_two_runs", config)
    try:
        archive = Archive()

        def is_in_second_run() -> bool:
            assert not program.has_ended
            found = archive.list_records()
            return bool(found and found[0]["calls"] == 2 and found[0]["status"] == "running")

        wait_until(is_in_second_run, "the second run", deadline_s=60)
    finally:
        program.kill()
    (summary,) = archive.list_records()
    assert summary["status"] == "lost" and not summary["is_alive"]
    assert Archive().view(summary["id"])["rows"][0]["cells"] == [{"v": 7}]


async def test_what_is_given_at_an_address_is_in_the_record_with_its_picture(
    recorder, workflows, tmp_path
):
    prompt = {
        "1": {"class_type": "ImageInvert", "inputs": {}},
        "2": {"class_type": "PreviewImage", "inputs": {"images": ["1", 0]}},
    }
    with recorder.Context() as context:
        given = {"ImageInvert.image": torch.rand(1, 64, 96, 3)}
        await recorder.run(prompt, given, context=context)
        data = data_of(context.report(tmp_path / "report.html"))
    assert len(data["pictures"]) == 2
