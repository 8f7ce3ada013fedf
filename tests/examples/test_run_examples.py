"""The examples as a user starts them: `python examples/NAME.py`, with a real ComfyUI."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
LIMIT_S = 240  # a start of ComfyUI on a slow machine, and a few runs


def start(name: str, *arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(EXAMPLES / f"{name}.py"), *map(str, arguments)],
        env={**os.environ, **environment},
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


@pytest.mark.usefixtures("comfyui")
def test_the_demo_refines_the_picture_that_comfyui_ships(tmp_path: Path):
    done = start("refine_image", "--output", tmp_path)
    assert done.returncode == 0, done.stderr
    assert "soften" in done.stdout and "enhance" in done.stdout
    assert "Good enough after" in done.stdout
    result, sheet = (Path(line) for line in done.stdout.splitlines()[-2:])
    assert {result, sheet} == set(tmp_path.iterdir())
    with Image.open(result) as image:
        assert image.size == (768, 768)
    with Image.open(sheet) as image:
        assert image.width > 1000


@pytest.mark.usefixtures("comfyui")
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


@pytest.mark.usefixtures("comfyui")
def test_a_file_that_is_no_picture_ends_the_demo_with_one_line(tmp_path: Path):
    (tmp_path / "notes.png").write_text("not a picture", encoding="utf-8")
    done = start("refine_image", tmp_path / "notes.png", "--output", tmp_path / "out")
    assert_one_plain_line(done, "notes.png", "not a picture")


@pytest.mark.usefixtures("comfyui")
def test_a_checkpoint_that_is_not_there_ends_the_example_with_one_line(tmp_path: Path):
    done = start("text_to_image", "--checkpoint", "no_such_one", "--output", tmp_path / "out")
    assert_one_plain_line(done, "ComfyUI has no checkpoint")


def test_a_missing_file_ends_the_demo_at_once(tmp_path: Path):
    done = start("refine_image", tmp_path / "missing.png", "--output", tmp_path / "out")
    assert_one_plain_line(done, "missing.png")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["refine_image", "text_to_image"])
def test_without_a_comfyui_the_examples_end_with_one_line(tmp_path: Path, name: str):
    done = start(name, "--output", tmp_path / "out", COMFYUI_PATH=str(tmp_path))
    assert_one_plain_line(done, str(tmp_path))
