"""pyright and mypy on users' scripts with stubs: they find each mistake, and nothing else."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from custom_nodes.discomfort.workflow_functions.stub_files import write_stubs
from support import oracle
from support.all_ports import INFO, blend
from support.package import ROOT
from support.servers import skip_or_fail

RIGHT = """\
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import discomfort.workflow_functions as kinds
import numpy
import workflows
from PIL.Image import Image as Picture
from discomfort import Discomfort
from discomfort.sync import Discomfort as SyncDiscomfort


async def main() -> None:
    async with await Discomfort.create() as discomfort:
        opened = await workflows.open_example(discomfort)()
        enhance = workflows.enhance(discomfort)
        result = await enhance(picture=opened.picture, detail=0.01, tone="overlay")
        again = await enhance.using(timeout=60.0)(picture=result.picture, detail=1)
        await enhance.call({"picture": Path("a.png"), "6.alpha": 0.5})
        await enhance(picture=[result.picture, Path("a.png")])
        print(again.picture.shape, again["picture"], again.files, again.save_files("out"))
        models = await workflows.load_model(discomfort)()
        sample = workflows.sample(discomfort)
        await sample(model=models.model, clip=models.clip, vae=models.vae, seed=3)
        plain = await discomfort.workflow("any.json")(whatever=1)
        print(plain.whatever)


def without_await() -> None:
    with SyncDiscomfort.create() as discomfort:
        result = workflows.enhance(discomfort)(picture=Path("a.png"), tone_amount=1)
        print(result.picture.shape)
        print(discomfort.workflow("any.json")(whatever=1).whatever)


def values(array: numpy.ndarray, picture: Picture) -> None:
    sounds: list[kinds.AudioInput] = [(array, 44100), {"waveform": array}, Path("a.wav")]
    videos: list[kinds.VideoInput] = [(array, 24), ([picture, picture], 12.5), Path("a.mp4")]
    pictures: list[kinds.ImageInput] = [array, picture, Path("a.png"), [array, picture]]
    latents: list[kinds.LatentInput] = [{"samples": array}, array]
    numbers: list[kinds.FloatInput] = [1, 1.5, numpy.float32(2), Decimal(3), Fraction(1, 3)]
    print(sounds, videos, pictures, latents, numbers)


def named(enhance: workflows.Enhance, results: workflows.EnhanceResults) -> None:
    print(enhance, results.picture)
"""

WRONG = """\
from pathlib import Path

import discomfort.workflow_functions as kinds
import numpy
import workflows
from discomfort import Discomfort
from discomfort.sync import Discomfort as SyncDiscomfort

PATH = Path("a.png")


async def main(discomfort: Discomfort, plain: SyncDiscomfort) -> None:
    enhance = workflows.enhance(discomfort)
    await enhance(picture=PATH)
    await enhance(pictur=PATH)  # wrong: misspelt, and missing
    await enhance(picture=PATH, detal=0.1)  # wrong: misspelt
    await enhance(picture=PATH, detail="much")  # wrong: a text for a number
    await enhance(picture="a.png")  # wrong: a text is no path
    await enhance(picture=3)  # wrong: a number for a picture
    await enhance(picture=PATH, tone="overly")  # wrong: no choice
    await enhance(detail=0.1)  # wrong: missing
    await enhance(PATH)  # wrong: without a name
    result = await enhance(picture=PATH)
    print(result.pictur)  # wrong: no such result
    await workflows.fit(discomfort)(picture=PATH, width=1.5)  # wrong: no whole number
    workflows.enhance(plain)(detail=0.1)  # wrong: missing
    await workflows.sample(discomfort)(model=3, clip={}, vae={})  # wrong: no reference
    enhance.using(timout=3)  # wrong: no such option
    workflows.enhanc(discomfort)  # wrong: no such workflow
    workflows.enhance(3)  # wrong: no Discomfort


def values(array: numpy.ndarray) -> None:
    sound: kinds.AudioInput = array  # wrong: without its rate
    video: kinds.VideoInput = array  # wrong: without its rate
    path: kinds.AudioInput = "a.wav"  # wrong: a text is no path
    number: kinds.IntInput = 1.5  # wrong: no whole number
    print(sound, video, path, number)
"""
SCRIPTS = {"right.py": RIGHT, "wrong.py": WRONG}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A user's project: scripts, stubs, and an installed Discomfort."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "site" / "custom_nodes").mkdir(parents=True)
    for place in ("discomfort", "custom_nodes/discomfort"):
        (folder / "site" / place).symlink_to(ROOT, target_is_directory=True)
    for name, text in SCRIPTS.items():
        (folder / name).write_text(text, encoding="utf-8")
    files = sorted((ROOT / "examples" / "workflows").glob("*.json"))
    write_stubs(files, folder / "workflows.pyi", object_info=oracle.object_info())
    (folder / "blend.json").write_text(json.dumps(blend()))
    write_stubs([folder / "blend.json"], folder / "every_kind.pyi", object_info=INFO)
    for stub in folder.glob("*.pyi"):  # as the command `discomfort` writes it
        text = stub.read_text(encoding="utf-8").replace("import custom_nodes.", "import ")
        stub.write_text(text, encoding="utf-8")
    return folder


def wrong_lines() -> list[int]:
    lines = WRONG.splitlines()
    return [number for number, line in enumerate(lines, start=1) if "# wrong" in line]


def check(project: Path, tool: str, *arguments: str, **environment: str) -> str:
    if importlib.util.find_spec(tool) is None:
        skip_or_fail(f"{tool} is not installed: `python bootstrap.py check` installs it")
    done = subprocess.run(
        [sys.executable, "-m", tool, *arguments],
        cwd=project,
        env={**os.environ, "PYRIGHT_PYTHON_IGNORE_WARNINGS": "1", **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    return done.stdout


def test_pyright_finds_each_mistake_and_nothing_else(project):
    settings = {"extraPaths": ["site"], "typeCheckingMode": "standard", "pythonVersion": "3.10"}
    (project / "pyrightconfig.json").write_text(json.dumps(settings))
    names = [*SCRIPTS, "workflows.pyi", "every_kind.pyi"]
    python = ("--pythonpath", sys.executable)
    found = json.loads(check(project, "pyright", "--outputjson", *python, *names))
    assert found["summary"]["filesAnalyzed"] == len(names)
    told = {
        (Path(d["file"]).name, d["range"]["start"]["line"] + 1) for d in found["generalDiagnostics"]
    }
    assert told == {("wrong.py", line) for line in wrong_lines()}


def test_mypy_finds_each_mistake_and_nothing_else(project):
    silent = ("--follow-imports=silent", "--ignore-missing-imports", "--no-color-output")
    names = [*SCRIPTS, "every_kind.pyi"]
    out = check(project, "mypy", *silent, *names, MYPYPATH="site", MYPY_CACHE_DIR="cache")
    found = {(name, int(line)) for name, line in re.findall(r"^(\S+?):(\d+): error", out, re.M)}
    assert found == {("wrong.py", line) for line in wrong_lines()}, out
