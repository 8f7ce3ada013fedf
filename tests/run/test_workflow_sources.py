"""Workflow files: read beside the event loop, and not again while they do not change."""

from __future__ import annotations

import asyncio
import concurrent.futures
import os
from pathlib import Path

import pytest
from custom_nodes.discomfort.workflows.sources import Sources

DEADLINE_S = 20.0

needs_pipes = pytest.mark.skipif(
    not hasattr(os, "mkfifo"), reason="this system has no named pipes in folders"
)


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


@needs_pipes
async def test_reading_a_file_leaves_the_event_loop_to_others(discomfort, workflows, tmp_path):
    pipe, text = tmp_path / "workflow.json", read(workflows / "loop_text.json")
    os.mkfifo(pipe)
    loop = asyncio.get_running_loop()

    async def answer() -> bool:
        return True

    def feed() -> bool:
        with pipe.open("w", encoding="utf-8") as file:  # now the run reads, and waits for the text
            answered = asyncio.run_coroutine_threadsafe(answer(), loop)
            try:
                is_free = answered.result(DEADLINE_S)
            except concurrent.futures.TimeoutError:
                is_free = False
            file.write(text)
        return is_free

    fed = loop.run_in_executor(None, feed)
    try:
        results = await discomfort.run(pipe, {"text": "x"})
    finally:  # a run that never read leaves the feeder waiting
        os.close(os.open(pipe, os.O_RDONLY | os.O_NONBLOCK))
    assert await fed, "nothing else ran on the loop while the file was read"
    assert results["text"] == "x."


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
async def test_a_file_that_did_not_change_is_not_read_again(workflows, tmp_path):
    sources, link = Sources(), tmp_path / "workflow.json"
    for name in ("loop_text.json", "type_int.json"):
        link.unlink(missing_ok=True)
        link.symlink_to(workflows / name)  # the file itself is old, as one that was left alone
        (first,) = await sources.read(link)
        (again,) = await sources.read(str(link))
        assert again is first
        assert first.load() == (await sources.read(workflows / name))[0].load()


async def test_a_file_is_read_again_as_long_as_its_time_may_not_tell(workflows, tmp_path):
    sources, path = Sources(), tmp_path / "workflow.json"
    text = read(workflows / "loop_text.json")
    times = workflows.stat().st_mtime_ns
    for letter in "ab":
        path.write_text(text.replace('"text"', f'"tex{letter}"'), encoding="utf-8")
        os.utime(path, ns=(times, times))  # the same file, of the same size and time
        (source,) = await sources.read(path)
        assert f"tex{letter}" in str(source.load())


async def test_what_a_caller_changes_later_changes_no_run(discomfort, workflows):
    from custom_nodes.discomfort.workflow_tools import read_workflow

    workflow = read_workflow(workflows / "loop_text.json")
    run = asyncio.create_task(discomfort.run(workflow, {"text": "x"}))
    await asyncio.sleep(0)  # it has begun
    workflow["nodes"].clear()
    assert (await run)["text"] == "x."
