"""Where uploads go, and what of them goes again."""

from __future__ import annotations

from pathlib import Path

import pytest
from custom_nodes.discomfort.worker.client import uploads

FOLDERS = {"input": "/c/input", "output": "/c/output", "temp": "/w/temp"}
MODELS = {"checkpoints": ["/c/models/checkpoints", "/other"], "loras": []}


@pytest.mark.parametrize(
    ("kind", "subfolder", "path"),
    [
        ("input", None, "/c/input"),
        ("temp", "a/b", "/w/temp/a/b"),
        ("models", "checkpoints", "/c/models/checkpoints"),
        ("models", "checkpoints/sd15", "/c/models/checkpoints/sd15"),
    ],
)
def test_upload_goes_where_comfyui_looks(kind: str, subfolder: str | None, path: str):
    assert uploads.target_folder(FOLDERS, MODELS, kind, subfolder) == Path(path)


@pytest.mark.parametrize(
    ("kind", "subfolder"),
    [
        ("cache", None),
        ("models", None),
        ("models", "nothing"),
        ("models", "loras"),
        ("input", "../x"),
        ("input", "/etc"),
        ("input", "a/../../b"),
    ],
)
def test_upload_elsewhere_is_refused(kind: str, subfolder: str | None):
    with pytest.raises(ValueError, match=r"folder|must be"):
        uploads.target_folder(FOLDERS, MODELS, kind, subfolder)


def test_upload_numbers_reuses_replaces_and_cleans_up(tmp_path: Path):
    source, other = tmp_path / "a" / "x.bin", tmp_path / "b" / "x.bin"
    for path, content in ((source, b"one"), (other, b"two")):
        path.parent.mkdir()
        path.write_bytes(content)
    folder, store = tmp_path / "input" / "sub", uploads.Uploads()
    first = store.put(source, folder, False, True)
    assert (first.name, first.read_bytes()) == ("x.bin", b"one")
    assert store.put(source, folder, False, True) == first
    second = store.put(other, folder, False, True)
    assert (second.name, second.read_bytes()) == ("x (1).bin", b"two")
    users = folder / "users.bin"
    users.write_bytes(b"theirs")
    replacement = tmp_path / "a" / "users.bin"
    replacement.write_bytes(b"ours")
    assert store.put(replacement, folder, True, True).read_bytes() == b"ours"
    store.remove_ephemeral()
    assert [p.name for p in folder.iterdir()] == ["users.bin"], "what was there before was removed"
    with pytest.raises(FileNotFoundError):
        store.put(tmp_path / "none", folder, False, False)
