"""One file: whole and checked under its name, or nothing."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from custom_nodes.discomfort.downloads.fetch_file import Wanted, fetch_file
from custom_nodes.discomfort.errors import DownloadError
from support.https_server import safetensors
from support.package import TESTS
from support.servers import wait_for, wait_until

NAME = "model.safetensors"
CONTENT = safetensors(3_000_000)
DIGEST = hashlib.sha256(CONTENT).hexdigest()


async def fetch(host, folder, path="/m", *, on_progress=lambda *_: None, **about):
    wanted = Wanted(host.url(path), about.pop("name", NAME), folder, **about)
    return await fetch_file(wanted, host.network(), on_progress)


def left_in(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir()) if folder.exists() else []


async def test_file_comes_whole_and_alone(host, tmp_path):
    host.files["/m"] = CONTENT
    seen = []
    folder = tmp_path / "vae"
    got = await fetch(host, folder, sha256=DIGEST.upper(), on_progress=lambda *a: seen.append(a))
    assert got == DIGEST and (folder / NAME).read_bytes() == CONTENT
    assert left_in(folder) == [NAME]
    assert seen[-1] == (len(CONTENT), len(CONTENT)) and seen == sorted(seen)


async def test_one_that_broke_is_gone_on_with(host, tmp_path):
    host.files["/m"] = CONTENT
    host.break_after = 1_200_000
    with pytest.raises(DownloadError, match=r"1200000 of \d+ bytes.*goes on there"):
        await fetch(host, tmp_path)
    assert left_in(tmp_path) == [f"{NAME}.part", f"{NAME}.part.json"]
    assert await fetch(host, tmp_path, sha256=DIGEST) == DIGEST
    assert host.asked[-1].headers["Range"] == "bytes=1200000-"
    assert left_in(tmp_path) == [NAME] and (tmp_path / NAME).read_bytes() == CONTENT


async def test_another_file_under_the_same_address_is_begun_anew(host, tmp_path):
    host.files["/m"] = safetensors(2_999_999)
    host.break_after = 1_200_000
    with pytest.raises(DownloadError):
        await fetch(host, tmp_path)
    host.files["/m"], host.etag = CONTENT, '"two"'
    assert await fetch(host, tmp_path) == DIGEST


@pytest.mark.parametrize("etag", ["", 'W/"one"', "one"])
async def test_without_a_sure_sign_that_it_is_the_same_file_it_is_begun_anew(host, tmp_path, etag):
    host.files["/m"], host.etag = CONTENT, etag
    host.break_after = 1_200_000
    with pytest.raises(DownloadError):
        await fetch(host, tmp_path)
    assert await fetch(host, tmp_path) == DIGEST
    assert "Range" not in host.asked[-1].headers


async def test_the_beginning_of_another_address_is_not_gone_on_with(host, tmp_path):
    host.files["/other"] = bytes(len(CONTENT))
    host.files["/m"] = CONTENT
    host.break_after = 1_200_000
    with pytest.raises(DownloadError):
        await fetch(host, tmp_path, "/other")
    assert await fetch(host, tmp_path) == DIGEST


async def test_a_host_that_sends_another_part_than_was_asked_for_spoils_nothing(host, tmp_path):
    host.files["/m"] = CONTENT
    host.break_after = 1_200_000
    with pytest.raises(DownloadError):
        await fetch(host, tmp_path)

    def another_part(handler):
        handler.send_response(206)
        handler.send_header("Content-Range", f"bytes 0-9/{len(CONTENT)}")
        handler.send_header("Content-Length", "10")
        handler.end_headers()
        handler.wfile.write(b"0123456789")

    host.answers["/m"] = another_part
    with pytest.raises(DownloadError, match="another part"):
        await fetch(host, tmp_path)
    assert left_in(tmp_path) == []
    del host.answers["/m"]
    assert await fetch(host, tmp_path) == DIGEST


async def test_wrong_hash_leaves_nothing(host, tmp_path):
    host.files["/m"] = CONTENT
    with pytest.raises(DownloadError, match=DIGEST):
        await fetch(host, tmp_path, sha256="0" * 64)
    assert left_in(tmp_path) == []


@pytest.mark.parametrize("name", ["page.safetensors", "page.sft", "page.gguf"])
async def test_a_page_in_place_of_a_model_leaves_nothing(host, tmp_path, name):
    host.files["/m"] = b"<!doctype html><title>Sign in</title>"
    with pytest.raises(DownloadError, match="no file of the kind"):
        await fetch(host, tmp_path, name=name)
    assert left_in(tmp_path) == []


async def test_a_gguf_file_is_one(host, tmp_path):
    host.files["/m"] = b"GGUF" + bytes(100)
    await fetch(host, tmp_path, name="m.gguf")
    assert left_in(tmp_path) == ["m.gguf"]


def endless(handler):
    handler.send_response(200)
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    with contextlib.suppress(OSError):
        while True:
            handler.wfile.write(b"10000\r\n" + bytes(65536) + b"\r\n")


def says(**headers):
    def answer(handler):
        handler.send_response(200)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        with contextlib.suppress(OSError):
            handler.wfile.write(CONTENT)

    return answer


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (endless, "does not say how large"),
        (says(), "does not say how large"),
        (says(Content_Length="-1"), "does not say how large"),
        (says(Content_Length="9" * 30), "does not say how large"),
        (says(Content_Length="9" * 17), "no room"),
        (says(Content_Length=str(len(CONTENT)), Content_Encoding="gzip"), "form that was not"),
    ],
)
async def test_a_body_without_a_known_end_is_not_taken(host, tmp_path, answer, words):
    host.answers["/m"] = answer
    with pytest.raises(DownloadError, match=words):
        await fetch(host, tmp_path)
    assert left_in(tmp_path) == []


async def test_no_more_is_taken_than_was_said(host, tmp_path):
    host.answers["/m"] = says(Content_Length="1000")
    with pytest.raises(DownloadError, match="no file of the kind"):
        await fetch(host, tmp_path)
    assert left_in(tmp_path) == []


async def test_another_size_than_was_confirmed_is_not_taken(host, tmp_path):
    host.files["/m"] = CONTENT
    with pytest.raises(DownloadError, match="when it was asked about"):
        await fetch(host, tmp_path, size_bytes=len(CONTENT) + 1)
    assert NAME not in left_in(tmp_path)


@pytest.mark.parametrize(("status", "words"), [(401, "HF_TOKEN"), (403, "HF_TOKEN"), (404, "404")])
async def test_a_refusal_says_what_to_do(host, tmp_path, status, words):
    host.answers["/m"] = lambda handler: handler.send_error(status)
    wanted = Wanted(host.url("/m", "huggingface.co"), NAME, tmp_path)
    with pytest.raises(DownloadError, match=words):
        await fetch_file(wanted, host.network(), lambda *_: None)


async def test_a_file_that_is_there_is_left_as_it_is(host, tmp_path):
    host.files["/m"] = CONTENT
    (tmp_path / NAME).write_bytes(b"mine")
    with pytest.raises(DownloadError, match="is there already"):
        await fetch(host, tmp_path)
    assert left_in(tmp_path) == [NAME] and (tmp_path / NAME).read_bytes() == b"mine"
    assert host.asked == []


@pytest.mark.parametrize("is_link", [False, True])
async def test_a_file_that_appears_meanwhile_is_left_as_it_is(host, tmp_path, is_link):
    def appear(*_):
        target = tmp_path / NAME
        if not os.path.lexists(target):
            if is_link:
                target.symlink_to(tmp_path / "elsewhere")
            else:
                target.write_bytes(b"mine")

    host.files["/m"] = CONTENT
    with pytest.raises(DownloadError, match="appeared meanwhile"):
        await fetch(host, tmp_path, on_progress=appear)
    assert left_in(tmp_path) == [NAME]
    assert is_link or (tmp_path / NAME).read_bytes() == b"mine"


async def test_a_link_in_place_of_what_came_is_not_written_through(host, tmp_path):
    host.files["/m"] = CONTENT
    victim = tmp_path / "victim"
    victim.write_bytes(b"mine")
    folder = tmp_path / "vae"
    folder.mkdir()
    (folder / f"{NAME}.part").symlink_to(victim)
    with pytest.raises(DownloadError, match="link"):
        await fetch(host, folder)
    assert victim.read_bytes() == b"mine"


async def test_a_link_in_place_of_the_folder_while_it_comes_gets_nothing(host, tmp_path):
    folder, other, aside = tmp_path / "vae", tmp_path / "other", tmp_path / "aside"
    other.mkdir()

    def exchange(*_):
        if not aside.exists():
            folder.rename(aside)
            folder.symlink_to(other)
            (other / f"{NAME}.part").write_bytes(b"theirs")

    host.files["/m"] = CONTENT
    with pytest.raises(DownloadError):
        await fetch(host, folder, on_progress=exchange)
    assert NAME not in left_in(other) and NAME not in left_in(aside)


async def test_a_folder_that_is_a_link_of_the_users_is_used(host, tmp_path):
    host.files["/m"] = CONTENT
    (tmp_path / "disk").mkdir()
    (tmp_path / "vae").symlink_to(tmp_path / "disk")
    await fetch(host, tmp_path / "vae")
    assert left_in(tmp_path / "disk") == [NAME]


async def test_two_of_the_same_are_not_fetched_at_once(host, tmp_path):
    host.files["/m"] = CONTENT
    may_go_on = threading.Event()
    began = threading.Event()

    def wait(*_):
        began.set()
        may_go_on.wait(60)

    first = asyncio.ensure_future(fetch(host, tmp_path, on_progress=wait))
    await wait_for(began.is_set, "the first download")
    with pytest.raises(DownloadError, match="another process"):
        await fetch(host, tmp_path)
    may_go_on.set()
    assert await first == DIGEST


async def test_a_cancelled_one_ends_at_once_and_is_gone_on_with(host, tmp_path):
    released = threading.Event()

    def stall(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(CONTENT)))
        handler.send_header("ETag", host.etag)
        handler.end_headers()
        handler.wfile.write(CONTENT[:1_100_000])
        handler.wfile.flush()
        released.wait(60)

    host.answers["/m"] = stall
    began = threading.Event()
    task = asyncio.ensure_future(fetch(host, tmp_path, on_progress=lambda *_: began.set()))
    await wait_for(began.is_set, "the first bytes")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not released.is_set()  # the host still says nothing
    released.set()
    assert left_in(tmp_path) == [f"{NAME}.part", f"{NAME}.part.json"]
    del host.answers["/m"]
    host.files["/m"] = CONTENT
    assert await fetch(host, tmp_path, sha256=DIGEST) == DIGEST
    assert host.asked[-1].headers["Range"].startswith("bytes=1")


PROGRAM = TESTS / "programs" / "downloads" / "fetch.py"


def program(host, folder: Path, *words: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(TESTS)}
    command = [sys.executable, str(PROGRAM), str(host.port), str(folder), *words]
    return subprocess.Popen(command, env=environment, text=True, stdout=subprocess.PIPE)


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
async def test_a_killed_one_leaves_nothing_under_its_name_and_is_gone_on_with(host, tmp_path):
    released = threading.Event()

    def stall(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(CONTENT)))
        handler.send_header("ETag", host.etag)
        handler.end_headers()
        handler.wfile.write(CONTENT[:2_000_000])
        handler.wfile.flush()
        released.wait(60)

    host.answers["/m"] = stall
    part = tmp_path / f"{NAME}.part"
    with program(host, tmp_path) as fetching:
        wait_until(lambda: part.exists() and part.stat().st_size >= 1_048_576, "the first bytes")
        fetching.send_signal(signal.SIGKILL)
    released.set()
    assert NAME not in left_in(tmp_path)
    del host.answers["/m"]
    host.files["/m"] = CONTENT
    assert await fetch(host, tmp_path, sha256=DIGEST) == DIGEST
    assert int(host.asked[-1].headers["Range"].strip("bytes=-")) >= 1_048_576
    assert left_in(tmp_path) == [NAME]


@pytest.mark.skipif(sys.platform == "win32", reason="limits of file sizes")
def test_a_disk_that_takes_no_more_leaves_nothing_under_its_name(host, tmp_path):
    """A limit on the file's size fails the write where a full disk would."""
    host.files["/m"] = CONTENT
    with program(host, tmp_path, "1500000") as fetching:
        said = fetching.communicate()[0]
    assert "can't be written" in said and "free some room" in said
    assert NAME not in left_in(tmp_path)
    with program(host, tmp_path) as fetching:
        assert fetching.communicate()[0].strip() == DIGEST
    assert host.asked[-1].headers["Range"] == "bytes=1500000-"


async def test_without_room_nothing_is_begun(host, tmp_path):
    free = shutil.disk_usage(tmp_path).free
    host.answers["/m"] = says(Content_Length=str(free + 1))
    with pytest.raises(DownloadError, match=r"no room.*needs [\d.]+ GiB"):
        await fetch(host, tmp_path)
    assert NAME not in left_in(tmp_path)
