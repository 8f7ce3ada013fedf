"""docs/values.md: its script does what it says, and its tables have what there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from custom_nodes.discomfort.values.open_files import OPENED
from custom_nodes.discomfort.values.save_value import ENDINGS
from PIL import Image
from support.programs import run_script
from support.servers import FAKE

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "values.md").read_text(encoding="utf-8")


@pytest.mark.usefixtures("leaves_nothing")
def test_its_script_runs_as_it_stands(tmp_path: Path):
    (code,) = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    (tmp_path / "packages").mkdir()
    (tmp_path / "packages" / "discomfort").symlink_to(ROOT, target_is_directory=True)
    for name in ("examples", "docs"):
        (tmp_path / name).symlink_to(ROOT / name, target_is_directory=True)
    script = tmp_path / "script.py"
    script.write_text(code, encoding="utf-8")
    packages = str(tmp_path / "packages")
    run_script(script, cwd=tmp_path, COMFYUI_PATH=str(FAKE), PYTHONPATH=packages)
    with Image.open(tmp_path / "output" / "enhanced.webp") as written:
        assert written.format == "WEBP"


def test_its_tables_have_every_type_and_every_ending():
    accepted, written = PAGE.split("## What comes out")
    for kind in OPENED:
        assert re.search(rf"^\| {kind} \| .*`Path` of a", accepted, re.MULTILINE), kind
    named = set(re.findall(r"`(\.\w+)`", written))
    assert named == {ending for endings in ENDINGS.values() for ending in endings}
