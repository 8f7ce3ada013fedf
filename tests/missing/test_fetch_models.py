"""Models fetched for a real ComfyUI, from a host of the test's own."""

from __future__ import annotations

import asyncio
import hashlib
import shutil
from pathlib import Path

import pytest
from custom_nodes.discomfort.errors import DownloadError, NodeFailed
from custom_nodes.discomfort.graph.needs.values import MissingFile, ModelSource, Place
from custom_nodes.discomfort.missing.download_list import list_downloads
from custom_nodes.discomfort.missing.fetch_models import FetchOptions, fetch_models
from support.https_server import safetensors
from support.model_workflows import said_of, vae_workflow

pytestmark = pytest.mark.one_version

CONTENT = safetensors(100_000)
DIGEST = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def two(host):
    """A workflow that names two models, of one of which the hash is known."""
    host.files["/a"] = host.files["/b"] = CONTENT
    return vae_workflow(
        (
            "a.safetensors",
            said_of(host.url("/a"), "a.safetensors", hash=DIGEST, hash_type="SHA256"),
        ),
        ("b.safetensors", said_of(host.url("/b"), "b.safetensors")),
    )


def files_in(base: Path) -> list[str]:
    return sorted(p.relative_to(base).as_posix() for p in base.rglob("*") if p.is_file())


async def fetch(discomfort, host, workflow, **options):
    options = FetchOptions(network=host.network(), **options)
    return await fetch_models(discomfort._engine, workflow, None, None, options)


@pytest.mark.parametrize("confirm", [None, False])
async def test_without_confirm_it_is_only_listed(discomfort, host, two, base, confirm):
    listed = await fetch(discomfort, host, two, confirm=confirm)
    assert [(d.name, d.folder, d.size_bytes, d.sha256, d.state) for d in listed] == [
        ("a.safetensors", "vae", len(CONTENT), DIGEST, "listed"),
        ("b.safetensors", "vae", len(CONTENT), None, "listed"),
    ]
    assert listed[0].path == str(base / "vae" / "a.safetensors")
    assert files_in(base) == []
    text = str(listed)
    assert host.url("/a") in text and f"sha256 {DIGEST}" in text and "0.1 MB" in text
    assert "no hash to check it by" in text and "confirm=True" in text
    assert text in listed._repr_html_().replace("&gt;", ">").replace("&#x27;", "'")


async def test_with_confirm_they_come_and_comfyui_has_them(discomfort, host, two, base):
    assert not (await discomfort.check(two)).is_ready
    seen = []
    done = await fetch(
        discomfort, host, two, confirm=True, progress=lambda d, n, size: seen.append((d.name, n))
    )
    assert [d.state for d in done] == ["fetched", "fetched"]
    assert done[1].reason == "there was no hash to check it by"
    assert files_in(base) == ["vae/a.safetensors", "vae/b.safetensors"]
    assert (base / "vae" / "a.safetensors").read_bytes() == CONTENT
    assert ("a.safetensors", len(CONTENT)) in seen
    after = await discomfort.check(two)
    assert after.is_ready and str(after) == "Nothing is missing."
    with pytest.raises(NodeFailed):  # no VAE, but ComfyUI has gone on to load it
        await discomfort.run(two)


@pytest.mark.parametrize("is_async", [False, True])
async def test_a_function_is_asked_for_each(discomfort, host, two, base, is_async):
    asked = []

    def plain(download):
        asked.append((download.name, download.url, download.size_bytes, download.folder))
        return download.sha256 is not None

    async def later(download):
        await asyncio.sleep(0)
        return plain(download)

    done = await fetch(discomfort, host, two, confirm=later if is_async else plain)
    assert asked == [
        ("a.safetensors", host.url("/a"), len(CONTENT), "vae"),
        ("b.safetensors", host.url("/b"), len(CONTENT), "vae"),
    ]
    assert [d.state for d in done] == ["fetched", "declined"]
    assert files_in(base) == ["vae/a.safetensors"]


async def test_what_came_is_kept_when_another_fails(discomfort, host, two, base):
    del host.files["/a"]
    with pytest.raises(DownloadError, match=r"1 of 2 models.*\n  a.safetensors:.*404") as failure:
        await fetch(discomfort, host, two, confirm=True)
    assert [d.state for d in failure.value.downloads] == ["failed", "fetched"]
    assert files_in(base) == ["vae/b.safetensors"]


async def test_a_wrong_hash_is_no_model(discomfort, host, base):
    host.files["/a"] = CONTENT
    said = said_of(host.url("/a"), "a.safetensors", hash="0" * 64, hash_type="SHA256")
    with pytest.raises(DownloadError, match="not what was asked for"):
        await fetch(discomfort, host, vae_workflow(("a.safetensors", said)), confirm=True)
    assert files_in(base) == []


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("../../x.safetensors", "leads to another folder"),
        (r"..\x.safetensors", "leads to another folder"),
        ("/tmp/x.safetensors", "leads to another folder"),
        ("nul.safetensors", "device"),
        ("x.ckpt", "allow_pickle=True"),
        ("x.bin", "allow_pickle=True"),
    ],
)
async def test_a_name_that_is_not_allowed_is_left(discomfort, host, base, name, words):
    host.files["/x"] = CONTENT
    workflow = vae_workflow((name, said_of(host.url("/x"), name)))
    (left,) = await fetch(discomfort, host, workflow, confirm=True)
    assert left.state == "left" and words in left.reason
    assert host.asked == [] and files_in(base) == []


async def test_a_format_that_may_hold_code_comes_when_it_is_allowed(discomfort, host, base):
    host.files["/x"] = CONTENT
    workflow = vae_workflow(("x.ckpt", said_of(host.url("/x"), "x.ckpt")))
    (done,) = await fetch(discomfort, host, workflow, confirm=True, allow_pickle=True)
    assert done.state == "fetched" and files_in(base) == ["vae/x.ckpt"]


async def test_this_machine_is_asked_only_when_that_is_allowed(discomfort, host, base):
    host.files["/x"] = CONTENT
    said = said_of(f"https://localhost:{host.port}/x", "x.safetensors")
    workflow = vae_workflow(("x.safetensors", said))
    (listed,) = await discomfort.fetch_models(workflow)
    assert "private network" in listed.reason and listed.size_bytes is None
    with pytest.raises(DownloadError, match="allow_private=True"):
        await discomfort.fetch_models(workflow, confirm=True)
    assert host.asked == [] and files_in(base) == []
    (done,) = await discomfort.fetch_models(workflow, confirm=True, allow_private=True)
    assert done.state == "fetched" and files_in(base) == ["vae/x.safetensors"]


async def test_one_that_is_there_under_another_name_is_not_fetched(discomfort, host, base):
    (base / "vae" / "sub").mkdir(parents=True, exist_ok=True)
    there = base / "vae" / "sub" / "a.safetensors"
    there.write_bytes(CONTENT)
    said = said_of(host.url("/a"), "a.safetensors")
    try:
        (left,) = await fetch(discomfort, host, vae_workflow(("a.safetensors", said)), confirm=True)
    finally:
        there.unlink()
        there.parent.rmdir()
    assert left.state == "left" and "sub/a.safetensors: name that" in left.reason
    assert host.asked == []


async def test_without_room_for_all_none_is_begun(discomfort, host, two, base):
    size = str(int(shutil.disk_usage(base).free * 0.6))

    def large(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", size)
        handler.end_headers()

    host.answers["/a"] = host.answers["/b"] = large
    with pytest.raises(DownloadError, match="no room for all of them"):
        await fetch(discomfort, host, two, confirm=True)
    assert [a.headers.get("Range") for a in host.asked] == ["bytes=0-0"] * 2
    assert files_in(base) == []


@pytest.mark.parametrize("options", [{"confirm": 1}, {"progress": "x"}, {"allow_pickle": None}])
def test_options_of_another_kind_are_refused(options):
    with pytest.raises(TypeError, match=next(iter(options))):
        FetchOptions(**options)


PLACE = Place("1", "PackLoader", "PackLoader")
FOLDERS = {
    "vae": ["/m/vae"],
    "diffusion_models": ["/m/unet", "/m/diffusion_models"],
    "custom_nodes": ["/c/custom_nodes"],
    "none": [],
}


def listed(folder, said="vae", name="a.safetensors", url="https://h/a", **more):
    source = ModelSource(name, url, said)
    file = MissingFile(name, folder, (PLACE,), source=source, **more)
    (found,) = list_downloads([file], FOLDERS, ["custom_nodes"], False)
    return found


def test_a_file_goes_into_the_folder_of_its_kind():
    assert Path(listed("vae").path) == Path("/m/vae/a.safetensors")
    assert Path(listed(None, said="unet").path) == Path("/m/diffusion_models/a.safetensors")


@pytest.mark.parametrize("kind", ["custom_nodes", "none", "unknown", "", "../x", "/m/vae"])
def test_a_folder_that_is_no_kind_of_model_gets_nothing(kind):
    found = listed(None, said=kind)
    assert (found.state, found.path) == ("left", "") and "no folder for models" in found.reason


def test_an_address_that_is_not_asked_is_left_with_the_reason():
    assert "only https" in listed("vae", url="http://h/a").reason


def test_what_no_output_needs_is_not_fetched():
    idle = Place("1", "VAELoader", "VAELoader", is_idle=True)
    file = MissingFile("a.safetensors", "vae", (idle,), source=ModelSource("a", "https://h/a", ""))
    assert list_downloads([file], FOLDERS, [], False) == []


def test_without_an_address_it_is_left():
    (found,) = list_downloads([MissingFile("a.safetensors", "vae", (PLACE,))], FOLDERS, [], False)
    assert found.state == "left" and "does not say where" in found.reason
