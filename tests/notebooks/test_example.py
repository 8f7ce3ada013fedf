"""The example notebook, as Jupyter runs it from top to bottom."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from PIL import Image
from support.kernels import kernel_environment
from support.servers import FAKE

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
NOTEBOOK = EXAMPLES / "notebook.ipynb"


def test_it_is_kept_without_what_it_showed():
    for cell in nbformat.read(NOTEBOOK, as_version=4).cells:
        assert not cell.get("outputs") and cell.get("execution_count") is None


@pytest.mark.usefixtures("leaves_nothing")
def test_it_runs_from_top_to_bottom(tmp_path: Path):
    folder = tmp_path / "examples"  # what it saves goes beside it
    folder.mkdir()
    for name in ("_clone.py", "workflows"):
        (folder / name).symlink_to(EXAMPLES / name)
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    client = NotebookClient(
        notebook, timeout=240, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
    )
    client.execute(env=kernel_environment(tmp_path, COMFYUI_PATH=str(FAKE)))

    shown = {}
    for cell in notebook.cells:
        if cell.cell_type == "code":
            outputs = [o for o in cell.outputs if o.get("data", {}).get("text/plain") != ""]
            shown[cell.source.splitlines()[0]] = outputs
            assert not [o for o in outputs if o.output_type == "stream"], cell.source
            if "discomfort.run(" in cell.source:
                (line,) = [o for o in outputs if o.output_type == "display_data"]
                assert " done in " in line.data["text/plain"]
    results = shown['results = await discomfort.run("workflows/open_example.json")'][-1]
    assert "<img" in results.data["text/html"]
    assert "<img" in shown["context = discomfort.Context()"][-1].data["text/html"]
    assert "image/png" in next(o[-1].data for s, o in shown.items() if s.startswith("picture ="))
    with Image.open(tmp_path / "output" / "enhanced.png") as image:
        assert image.size == (256, 256)
