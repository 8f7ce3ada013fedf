"""run(): the results of workflows without ports, their files, and videos."""

from __future__ import annotations

import copy
import json
import logging
import os
import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
from custom_nodes.discomfort.errors import ExecutionError, WorkflowError
from custom_nodes.discomfort.events import Finished, OutputLanded
from custom_nodes.discomfort.run.results import Results


def node(kind: str, title: str = "", **inputs: Any) -> dict[str, Any]:
    return {"class_type": kind, "inputs": inputs, "_meta": {"title": title or kind}}


def picture(side: int = 8, color: int = 255, batch: int = 1) -> dict[str, Any]:
    return node("EmptyImage", width=side, height=side, batch_size=batch, color=color)


def saved(prefix: str, title: str = "SaveImage", color: int = 255) -> dict[str, Any]:
    return {
        "1": picture(color=color),
        "2": node("SaveImage", title, images=["1", 0], filename_prefix=prefix),
    }


def report(**ui: Any) -> dict[str, Any]:
    return {"1": node("StubReport", ui=json.dumps(ui))}


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING]


# --- the class


def test_results_are_a_dict_in_all_that_a_dict_does(tmp_path: Path):
    values = {"picture": torch.zeros(1, 2, 2, 3), "text": "x"}
    results = Results(values, {"Save": [tmp_path / "a.png"]})
    assert Results({"a": 1}, {"Save": [tmp_path]}) == {"a": 1} and isinstance(results, dict)
    for copied in (results.copy(), copy.copy(results), copy.deepcopy(results)):
        assert type(copied) is Results and copied.files == results.files
        assert copied.keys() == values.keys()
    assert copy.deepcopy(results)["picture"] is not results["picture"]
    loaded = pickle.loads(pickle.dumps(results))
    assert type(loaded) is dict and loaded["text"] == "x"
    assert json.loads(json.dumps(Results({"a": [1]}))) == {"a": [1]}


def test_results_print_shapes_and_no_numbers():
    video = {"images": torch.zeros(2, 8, 8, 3), "file": b"12345", "audio": None}
    values = {"picture": torch.zeros(1, 64, 64, 3), "video": video, "text": "y" * 500, "n": 3}
    text = repr(Results(values, {"Save": [Path("a"), Path("b")]}))
    assert text.startswith("Results({'picture': tensor[1, 64, 64, 3] float32, 'video': {'images'")
    assert "5 bytes" in text and "'n': 3" in text and text.endswith("}, 2 files)")
    assert len(text) < 300
    assert repr(Results()) == "Results({})"
    many = repr(Results({f"v{i}": list(range(100_000)) for i in range(100)}))
    assert len(many) < 3000 and "100 in all" in many and "100000 in all" in many


async def test_results_are_stored_as_data(discomfort: Any):
    with discomfort.Context() as context:
        context.save("all", Results({"a": torch.ones(3)}))
        assert context.internal.get_receipt("all").is_safe
        assert type(context.load("all")) is dict
        strange = type("Strange", (dict,), {})(a=1)
        context.save("strange", strange)
        assert not context.internal.get_receipt("strange").is_safe


# --- values


async def test_what_output_nodes_show_comes_back(discomfort: Any):
    prompt = {
        "1": picture(color=0x336699),
        "2": node("SaveImage", "Mine", images=["1", 0], filename_prefix="a"),
        "3": node("PreviewImage", "Same", images=["1", 0]),
        "4": node("PreviewImage", "Same", images=["1", 0]),
        "5": node("PrimitiveInt", value=5),
        "6": node("PreviewAny", source=["5", 0]),
    }
    results = await discomfort.run(prompt)
    assert set(results) == {"Mine", "Same (3)", "Same (4)", "PreviewAny"}
    assert results["PreviewAny"] == 5
    expected = torch.tensor([0x33, 0x66, 0x99]) / 255.0  # from the link: no PNG in between
    assert torch.allclose(results["Mine"][0, 0, 0], expected)
    assert set(results.files) == {"Mine"}


async def test_only_the_last_iterations_values_are_alive(discomfort: Any):
    with discomfort.Context() as context:
        used = []

        def note(context: Any) -> bool:
            used.append(context.get_usage()["ram_usage_bytes"])
            return False

        prompt = {
            "1": node("DiscomfortPort", unique_id="color"),
            "2": node("EmptyImage", width=512, height=512, batch_size=1, color=["1", 0]),
            "3": node("PreviewImage", images=["2", 0]),
        }
        results = await discomfort.run(
            prompt, {"color": 1}, iterations=12, until=note, context=context, randomize_seeds=True
        )
        assert results["PreviewImage"].shape == (1, 512, 512, 3)
        size = results["PreviewImage"].numel() * 4
        assert max(used) < 4 * size
        assert context.list_keys() == ["color"]


async def test_what_can_not_be_stored_is_left_out_where_nobody_asked(
    discomfort: Any, caplog: pytest.LogCaptureFixture
):
    prompt = {
        "1": node("StubLock"),
        "2": node("StubShowLock", lock=["1", 0]),
        "3": node("StubShowOneWay", value=["1", 1]),
        "4": picture(),
        "5": node("PreviewImage", images=["4", 0]),
    }
    results = await discomfort.run(prompt)
    assert set(results) == {"PreviewImage"}
    said = [line for line in lines(caplog) if "is not among the results" in line]
    assert len(said) == 2
    assert any(line.startswith("'StubShowOneWay'") for line in said)
    assert any(line.startswith("'StubShowLock'") and "can't be stored" in line for line in said)
    with pytest.raises(ExecutionError, match="can't be stored"):
        await discomfort.run(prompt, outputs=["StubLock.LOCK"])
    with pytest.raises(Exception, match="can't be made again"):
        await discomfort.run(prompt, outputs=["StubLock.ONE_WAY"])
    assert set(await discomfort.run(prompt)) == {"PreviewImage"}


async def test_a_workflow_that_gives_nothing_says_what_could_be_had(
    discomfort: Any, caplog: pytest.LogCaptureFixture
):
    prompt = {"1": picture(), "2": node("StubReport", ui="{}")}
    assert await discomfort.run(prompt) == {}
    (line,) = lines(caplog)
    assert "'EmptyImage.IMAGE'" in line and "outputs=[...]" in line
    plan = await discomfort.plan(prompt)
    assert any("'EmptyImage.IMAGE'" in note for note in plan.notes)
    caplog.clear()
    assert await discomfort.run(prompt, outputs=[]) == {} and not lines(caplog)
    assert not (await discomfort.plan(prompt, outputs=[])).notes
    with pytest.raises(WorkflowError, match=r"nothing to run.*'EmptyImage\.IMAGE'"):
        await discomfort.run({"1": picture()})
    given = await discomfort.run({"1": picture()}, outputs=["EmptyImage.IMAGE"])
    assert given["EmptyImage.IMAGE"].shape == (1, 8, 8, 3)


async def test_a_stream_ends_with_the_same_results(discomfort: Any):
    async with discomfort.stream(saved("streamed")) as events:
        last = [event async for event in events][-1]
    assert isinstance(last, Finished) and isinstance(last.results, Results)
    assert list(last.results.files) == ["SaveImage"]


# --- files


async def test_files_are_named_and_copied_and_never_replace(discomfort: Any, tmp_path: Path):
    results = await discomfort.run(saved("mine/p"))
    (path,) = results.files["SaveImage"]
    assert path.is_file() and path.parent.name == "mine"
    target = tmp_path / "made" / "here"
    first = results.save_files(target)
    assert first == [target / path.name] and first[0].read_bytes() == path.read_bytes()
    first[0].write_text("the user's")
    (target / "other.txt").write_text("x")
    second = results.save_files(str(target))
    assert second == [target / f"{path.stem} (1).png"]
    assert second[0].read_bytes() == path.read_bytes() and first[0].read_text() == "the user's"


async def test_files_of_cached_nodes_are_there_and_those_of_the_last_iteration(discomfort: Any):
    prompt = saved("again", color=0x123456)
    one, two = await discomfort.run(prompt), await discomfort.run(prompt)
    assert one.files == two.files and len(one.files["SaveImage"]) == 1
    counting = {
        "1": node("DiscomfortPort", unique_id="color"),
        "2": node("EmptyImage", width=8, height=8, batch_size=1, color=["1", 0]),
        "3": node("SaveImage", images=["2", 0], filename_prefix="counted/x"),
        "4": node("StubAdd", a=["1", 0], b=1),
        "5": node("DiscomfortPort", unique_id="color", input_data=["4", 0]),
    }
    results = await discomfort.run(counting, {"color": 1}, iterations=3)
    (path,) = results.files["SaveImage"]
    assert results["color"] == 4 and path == max(path.parent.iterdir())
    assert len(list(path.parent.iterdir())) == 3


async def test_same_title_in_two_workflows_of_a_run_has_the_workflows_name(discomfort: Any):
    results = await discomfort.run([saved("a", color=1), saved("b", color=2)])
    assert set(results) == set(results.files)
    assert set(results.files) == {"SaveImage (workflow 1)", "SaveImage (workflow 2)"}
    with_port = {
        **saved("c", color=3),
        "3": {
            "class_type": "DiscomfortPort",
            "inputs": {"unique_id": "out", "input_data": ["1", 0]},
        },
    }
    results = await discomfort.run(with_port)
    assert set(results) == {"out"} and set(results.files) == {"SaveImage"}


async def test_files_of_all_kinds_of_nodes_are_found(discomfort: Any, tmp_path: Path):
    known = await discomfort.run(saved("kinds/x"))
    (path,) = known.files["SaveImage"]
    entry = {"filename": path.name, "subfolder": "kinds", "type": "output"}
    for key in ("images", "gifs", "audio", "video", "latents", "3d", "anything"):
        results = await discomfort.run(report(**{key: [entry], "text": ["a.png"], "n": [3]}))
        assert results.files == {"StubReport": [path]}, key
    full = {"filename": "no.mp4", "type": "output", "fullpath": str(path), "workflow": "x.png"}
    assert (await discomfort.run(report(gifs=[full]))).files == {"StubReport": [path]}
    untyped = {"filename": path.name, "subfolder": "kinds"}
    assert (await discomfort.run(report(gifs=[untyped]))).files == {"StubReport": [path]}


async def test_a_preview_is_a_value_and_a_file_only_where_it_is_none(discomfort: Any):
    shown: list[Any] = []
    prompt = {"1": picture(color=77), "2": node("PreviewImage", images=["1", 0])}
    results = await discomfort.run(prompt, on_event=shown.append)
    assert not results.files and "PreviewImage" in results
    (landed,) = [e for e in shown if isinstance(e, OutputLanded) and e.output]
    results = await discomfort.run(report(images=landed.output["images"]))
    assert [p.name for p in results.files["StubReport"]] == [landed.output["images"][0]["filename"]]


async def test_no_file_outside_of_the_servers_folders_is_ever_named(
    discomfort: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    known = await discomfort.run(saved("links/x"))
    (path,) = known.files["SaveImage"]
    secret = tmp_path / "secret.txt"
    secret.write_text("secret")
    (path.parent / "link.png").symlink_to(secret)
    (path.parent / "folder").symlink_to(tmp_path, target_is_directory=True)
    (path.parent / "circle").symlink_to(path.parent / "circle")
    os.mkfifo(path.parent / "pipe")
    up = "/".join([".."] * len(path.parent.parts) + list(secret.parts[1:]))
    entries = [
        {"filename": up, "subfolder": "links", "type": "output"},
        {"filename": "secret.txt", "subfolder": up.removesuffix("/secret.txt"), "type": "output"},
        {"filename": str(secret), "subfolder": "", "type": "output"},
        {"filename": "secret.txt", "subfolder": str(tmp_path), "type": "output"},
        {"filename": "link.png", "subfolder": "links", "type": "output"},
        {"filename": "secret.txt", "subfolder": "links/folder", "type": "output"},
        {"filename": "circle", "subfolder": "links", "type": "output"},
        {"filename": "pipe", "subfolder": "links", "type": "output"},
        {"filename": "links", "subfolder": "", "type": "output"},
        {"filename": "gone.png", "subfolder": "links", "type": "output"},
        {"filename": "x.png", "fullpath": str(secret), "type": "output"},
        {"filename": "x.png", "fullpath": 3, "subfolder": ["a"], "type": "output"},
        {"filename": path.name, "subfolder": "links", "type": "models"},
        {"filename": "a\0b", "subfolder": "links", "type": "output"},
        {"filename": "\\\\server\\share\\a", "subfolder": "", "type": "output"},
    ]
    caplog.clear()
    results = await discomfort.run(report(images=entries))
    assert results.files == {}
    assert len([line for line in lines(caplog) if "reports a file" in line]) == len(entries)


async def test_files_that_are_gone_are_named_and_nothing_is_copied(discomfort: Any, tmp_path: Path):
    prompt = {**saved("gone/x", "One"), "3": saved("gone/y")["2"] | {"_meta": {"title": "Two"}}}
    results = await discomfort.run(prompt)
    (gone,) = results.files["Two"]
    gone.unlink()
    with pytest.raises(FileNotFoundError, match=gone.name):
        results.save_files(tmp_path / "to")
    assert not (tmp_path / "to").exists()


# --- videos


async def test_a_video_is_pictures_sound_rate_and_file_and_goes_back(
    discomfort: Any, server: Any, tmp_path: Path
):
    if server.is_fake:
        return
    sound = {"waveform": torch.rand(1, 2, 24000) - 0.5, "sample_rate": 24000}
    pictures = torch.rand(6, 32, 48, 3)
    prompt = {
        "1": node("DiscomfortPort", unique_id="pictures"),
        "2": node("DiscomfortPort", unique_id="sound"),
        "3": node("CreateVideo", images=["1", 0], audio=["2", 0], fps=30000 / 1001),
        "4": node("SaveVideo", video=["3", 0], filename_prefix="v", format="auto", codec="auto"),
    }
    results = await discomfort.run(prompt, {"pictures": pictures, "sound": sound})
    video = results["SaveVideo"]
    assert torch.equal(video["images"], pictures) and video["file"] is None
    assert torch.equal(video["audio"]["waveform"], sound["waveform"])
    assert video["frame_rate"] == pytest.approx(30000 / 1001)
    (path,) = results.files["SaveVideo"]

    copied = discomfort.Worker.upload_data(path, is_ephemeral=True)
    load = {
        "1": node("LoadVideo", file=Path(copied).name),
        "2": node("DiscomfortPort", unique_id="video", input_data=["1", 0]),
    }
    with discomfort.Context() as context:
        loaded = (await discomfort.run(load, context=context))["video"]
        assert context.get_storage_info("video")["pass_by"] == "val"
        assert context.internal.get_receipt("video").is_safe
    assert loaded["file"] == path.read_bytes() and loaded["images"].shape == pictures.shape

    use = {
        "1": node("DiscomfortPort", unique_id="video"),
        "2": node("GetVideoComponents", video=["1", 0]),
        "3": node("DiscomfortPort", unique_id="frames", input_data=["2", 0]),
        "4": node("DiscomfortPort", unique_id="rate", input_data=["2", 2]),
        "5": node("SaveVideo", video=["1", 0], filename_prefix="w", format="auto", codec="auto"),
    }
    for given in (loaded, {"file": loaded["file"]}, path):
        used = await discomfort.run(use, {"video": given})
        assert torch.equal(used["frames"], loaded["images"])
        # It was the file that was saved: its pictures were not encoded once more.
        data = used.files["SaveVideo"][0].read_bytes()
        used = await discomfort.run(use, {"video": {"file": data}})
        assert torch.equal(used["frames"], loaded["images"])
    changed = {**loaded, "images": loaded["images"].clone().mul_(0.5)}
    used = await discomfort.run(use, {"video": changed})
    assert torch.equal(used["frames"], changed["images"])
    data = used.files["SaveVideo"][0].read_bytes()
    encoded = await discomfort.run(use, {"video": {"file": data}})
    assert not torch.equal(encoded["frames"], changed["images"])
    assert torch.allclose(encoded["frames"].mean(), changed["images"].mean(), atol=0.02)
    assert used["rate"] == pytest.approx(30000 / 1001, abs=1e-3)
    used = await discomfort.run(use, {"video": (pictures.numpy(), 12)})
    assert torch.equal(used["frames"], pictures) and used["rate"] == 12
    by_hand = {"images": pictures.numpy(), "frame_rate": 12}
    used = await discomfort.run(use, {"video": by_hand})
    assert torch.equal(used["frames"], pictures) and used["rate"] == 12
    for wrong in ({"images": pictures}, {"frame_rate": 3}, pictures, b"abc"):
        with pytest.raises((TypeError, ValueError), match="video"):
            await discomfort.run(use, {"video": wrong})


async def test_each_kind_of_output_node_gives_its_value(discomfort: Any, server: Any):
    if server.is_fake:
        return
    info = await discomfort.Worker.object_info()
    picture_ = picture(16, batch=2)
    sound = node("EmptyAudio", duration=0.5, sample_rate=16000, channels=1)
    latent = node("EmptyLatentImage", width=64, height=64, batch_size=2)
    apng = {"fps": 6.0, "compress_level": 4}
    webp = {"fps": 6.0, "lossless": True, "quality": 80, "method": "default"}
    webm = {"codec": "vp9", "fps": 24.0, "crf": 32.0}
    cases: list[tuple[dict[str, Any], str, dict[str, Any], int]] = [
        (latent, "samples", node("SaveLatent", filename_prefix="l"), 1),
        (sound, "audio", node("SaveAudio", filename_prefix="s"), 1),
        (sound, "audio", node("PreviewAudio"), 0),
        (picture_, "images", node("SaveAnimatedWEBP", filename_prefix="w", **webp), 1),
        (
            picture_,
            "images",
            node("SaveAnimatedPNG", filename_prefix="p", **apng),
            1,
        ),
        (picture_, "images", node("SaveWEBM", filename_prefix="m", **webm), 1),
        (node("SolidMask", value=1.0, width=8, height=8), "mask", node("MaskPreview"), 0),
        (picture_, "source", node("PreviewAny"), 0),
    ]
    for maker, name, shower, files in cases:
        kind = shower["class_type"]
        assert kind in info and maker["class_type"] in info
        shower["inputs"][name] = ["1", 0]
        wanted = await discomfort.run({"1": maker}, outputs=["1.0"])
        results = await discomfort.run({"1": maker, "2": shower})
        assert list(results) == [kind]
        assert _same(results[kind], wanted["1.0"]), kind
        assert len(results.files.get(kind, [])) == files, kind


async def test_a_list_output_comes_back_as_a_list(discomfort: Any):
    prompt = {
        "1": node("StubNumbers", count=3),
        "2": node("PreviewAny", source=["1", 0]),
    }
    assert await discomfort.run(prompt) == {"PreviewAny": [0, 1, 2]}


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(_same(one[k], other[k]) for k in one)
    return torch.equal(one, other) if torch.is_tensor(one) else one == other


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.mp4"])
async def test_a_path_of_a_sound_is_what_comfyui_loads(
    discomfort: Any, server: Any, tmp_path: Path, name: str
):
    """Also of a video with sound, whose samples are floats."""
    if server.is_fake:
        return
    sound = {"waveform": torch.rand(1, 2, 30_000) - 0.5, "sample_rate": 48_000}
    video = {"images": torch.rand(2, 32, 32, 3), "frame_rate": 4, "audio": sound}
    given = Results({"x": video if name.endswith("mp4") else sound})
    (path,) = given.save("x", tmp_path / name)
    prompt = {
        "1": node("LoadAudio", audio=Path(discomfort.Worker.upload_data(path)).name),
        "2": node("DiscomfortPort", unique_id="theirs", input_data=["1", 0]),
        "3": node("DiscomfortPort", unique_id="given"),
        "4": node("TrimAudioDuration", audio=["3", 0], start_index=0.0, duration=60.0),
        "5": node("DiscomfortPort", unique_id="ours", input_data=["4", 0]),
    }
    results = await discomfort.run(prompt, {"given": path})
    assert results["ours"]["sample_rate"] == results["theirs"]["sample_rate"] == 48_000
    assert torch.equal(results["ours"]["waveform"], results["theirs"]["waveform"])
