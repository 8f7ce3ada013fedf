"""Sizes of models whose names a prompt has: of files in ComfyUI's model folders, and no others."""

from __future__ import annotations

from custom_nodes.discomfort.worker.model_memory import model_sizes


def test_names_that_lead_out_of_the_folders_are_not_looked_at(tmp_path):
    folder = tmp_path / "models" / "loras"
    folder.mkdir(parents=True)
    (folder / "in.ckpt").write_bytes(b"123")
    (tmp_path / "out.ckpt").write_bytes(b"12345")
    names = [
        "in.ckpt",
        "gone.ckpt",
        "../../out.ckpt",
        str(tmp_path / "out.ckpt"),
        r"\\host\s\a.ckpt",
    ]
    assert model_sizes({"loras": [str(folder)]}, names) == {"in.ckpt": 3}
