"""The examples as a user starts them: `python examples/NAME.py`, in a process of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from custom_nodes.discomfort.worker import kept_classes
from custom_nodes.discomfort.workflow_functions.stub_files import find_stale
from PIL import Image
from support import oracle
from support.servers import FAKE, Server

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
LIMIT_S = 240  # a start of ComfyUI on a slow machine, and a few runs


def start(name: str, *arguments: object, comfyui: Path = FAKE) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(EXAMPLES / f"{name}.py"), *map(str, arguments)],
        env={**os.environ, "COMFYUI_PATH": str(comfyui), "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=LIMIT_S,
        check=False,
    )


def assert_one_plain_line(done: subprocess.CompletedProcess[str], *words: str) -> None:
    """What a failed example shows: one line on stderr that says what happened, and exit code 1."""
    assert done.returncode == 1, done.stderr
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    for word in words:
        assert word in lines[0]


def test_the_demo_refines_the_picture_that_comfyui_ships(tmp_path: Path, server: Server):
    done = start("refine_image", "--output", tmp_path, comfyui=server.path)
    assert done.returncode == 0, done.stderr
    assert "enhance" in done.stdout and "Good enough after" in done.stdout
    result, sheet = (Path(line) for line in done.stdout.splitlines()[-2:])
    assert {result, sheet} == set(tmp_path.iterdir())
    with Image.open(result) as refined, Image.open(server.path / "input/example.png") as original:
        assert refined.size == original.size
        assert refined.tobytes() != original.convert("RGB").tobytes()
    with Image.open(sheet) as image:
        assert image.width > 1000


def test_the_demo_uses_both_workflows_on_a_noisy_picture(tmp_path: Path):
    noise = Image.effect_noise((160, 120), 60).convert("RGB")
    Image.blend(Image.linear_gradient("L").resize((160, 120)).convert("RGB"), noise, 0.2).save(
        tmp_path / "noisy.png"
    )
    done = start("refine_image", tmp_path / "noisy.png", "--output", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert "soften" in done.stdout and "enhance" in done.stdout


@pytest.mark.parametrize(
    ("mode", "size", "working_size"),
    [("RGBA", (3, 2), (16, 16)), ("L", (1900, 40), (1536, 32))],
    ids=["tiny-transparent", "large-grey"],
)
def test_the_demo_takes_unusual_pictures(tmp_path: Path, mode, size, working_size):
    Image.new(mode, size, 90 if mode == "L" else (90, 90, 90, 128)).save(tmp_path / "odd.png")
    done = start("refine_image", tmp_path / "odd.png", "--output", tmp_path / "out", "--quiet")
    assert done.returncode == 0, done.stderr
    result, sheet = (Path(line) for line in done.stdout.splitlines())
    assert result.parent == sheet.parent == tmp_path / "out"
    with Image.open(result) as image:
        assert image.size == working_size
    assert sheet.stat().st_size > 2000


def test_a_file_that_is_no_picture_ends_the_demo_with_one_line(tmp_path: Path):
    (tmp_path / "notes.png").write_text("not a picture", encoding="utf-8")
    done = start("refine_image", tmp_path / "notes.png", "--output", tmp_path / "out")
    assert_one_plain_line(done, "notes.png", "not a picture")


def test_a_checkpoint_that_is_not_there_ends_the_example_with_one_line(tmp_path: Path):
    done = start("text_to_image", "--checkpoint", "no_such_one", "--output", tmp_path / "out")
    assert_one_plain_line(done, "ComfyUI has no checkpoint")


def test_two_workflows_as_functions_improve_a_picture(tmp_path: Path):
    Image.linear_gradient("L").resize((64, 48)).convert("RGB").save(tmp_path / "mine.png")
    done = start("as_functions", tmp_path / "mine.png", "--output", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    (result,) = (Path(line) for line in done.stdout.splitlines())
    with Image.open(result) as improved:
        assert result.name == "mine_improved.png" and improved.size == (64, 48)


def test_the_stub_of_the_examples_is_up_to_date(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    stub = EXAMPLES / "typed_workflows.pyi"
    monkeypatch.setattr(kept_classes, "kept_folder", lambda: tmp_path)
    assert find_stale([], stub) == []
    if oracle.has_public_set():  # the nodes of ComfyUI 0.33
        assert find_stale([], stub, object_info=oracle.object_info()) == []


class Told:
    """A facade of which only the node classes that its server tells are known."""

    def __init__(self, **info: object):
        self.Worker, self._info = self, info

    async def object_info(self) -> dict[str, object]:
        return self._info


@pytest.mark.parametrize(
    "spec", [[["a.safetensors", "b.ckpt"]], ["COMBO", {"options": ["a.safetensors", "b.ckpt"]}]]
)
async def test_the_checkpoint_is_the_wanted_one_or_the_first(examples, spec):
    choose = examples.text_to_image.choose_checkpoint
    told = Told(CheckpointLoaderSimple={"input": {"required": {"ckpt_name": spec}}})
    assert await choose(told, None) == "a.safetensors"
    assert await choose(told, "b.ckpt") == "b.ckpt"
    with pytest.raises(ValueError, match="'c.ckpt'. It has: a.safetensors, b.ckpt"):
        await choose(told, "c.ckpt")
    with pytest.raises(FileNotFoundError, match="models/checkpoints"):
        await choose(Told(), None)


async def test_a_real_server_tells_its_checkpoints(discomfort, examples):
    with pytest.raises((ValueError, FileNotFoundError), match="ComfyUI has no checkpoint"):
        await examples.text_to_image.choose_checkpoint(discomfort, "no_such_one")


def test_a_missing_file_ends_the_demo_at_once(tmp_path: Path):
    done = start("refine_image", tmp_path / "missing.png", "--output", tmp_path / "out")
    assert_one_plain_line(done, "missing.png")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["as_functions", "refine_image", "text_to_image"])
def test_without_a_comfyui_the_examples_end_with_one_line(tmp_path: Path, name: str):
    done = start(name, "--output", tmp_path / "out", comfyui=tmp_path)
    assert_one_plain_line(done, str(tmp_path))
