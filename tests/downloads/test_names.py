"""Names and formats of files that may be downloaded."""

from __future__ import annotations

import pytest
from custom_nodes.discomfort.downloads.names import why_not_allowed, why_not_plain
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    "name",
    [
        "", ".", "..", "../../x.safetensors", "a/b.safetensors", r"a\b.safetensors",
        "/etc/x.safetensors", r"C:\x.safetensors", "C:x.safetensors", "x.safetensors:stream",
        "x\0.safetensors", "x\n.safetensors", "x.safetensors.", "x.safetensors ", " x.safetensors",
        ".hidden.safetensors", "CON.safetensors", "nul", "com1.x.safetensors", "LPT¹.safetensors",
        "con .safetensors", "x?.safetensors", "x|y.safetensors", "x\u202egnp.safetensors",
        "x\u200b.safetensors", "x" * 201, "\ud800.safetensors",
    ],
)  # fmt: skip
def test_name_that_is_no_plain_one_everywhere_is_refused(name):
    assert why_not_plain(name)


@pytest.mark.parametrize(
    "name",
    [
        "a.safetensors",
        "\u30e2\u30c7\u30eb.safetensors",
        "flux1-dev (1).gguf",
        "v1.5_x+y.sft",
        "console.sft",
    ],
)
def test_plain_name_is_taken(name):
    assert why_not_allowed(name, allow_pickle=False) is None


@pytest.mark.parametrize("name", ["a.ckpt", "a.pt", "a.PTH", "a.bin", "a.pkl"])
def test_format_that_may_hold_code_needs_to_be_allowed(name):
    assert "allow_pickle=True" in (why_not_allowed(name, allow_pickle=False) or "")
    assert why_not_allowed(name, allow_pickle=True) is None


@pytest.mark.parametrize("name", ["a.py", "a.safetensors.py", "a", "a.exe", "a.onnx", "a.so"])
def test_other_formats_are_never_downloaded(name):
    assert why_not_allowed(name, allow_pickle=True)


@given(st.text(max_size=40))
def test_a_name_that_is_taken_stays_in_its_folder(tmp_path_factory, name):
    if why_not_plain(name) is None:
        folder = tmp_path_factory.getbasetemp()
        assert (folder / name).resolve().parent == folder.resolve()
