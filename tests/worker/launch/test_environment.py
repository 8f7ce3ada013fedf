"""The environment of a worker: its master's, without what would harm it."""

from __future__ import annotations

import pytest
from custom_nodes.discomfort.errors import ConfigError
from custom_nodes.discomfort.worker.launch.environment import worker_environment


def environment(
    base: dict[str, str], same_python: bool = True, cuda_device: int | None = None
) -> dict[str, str]:
    return worker_environment(
        base, same_python=same_python, cuda_device=cuda_device, bytecode_dir=None, extra={}
    )


def test_environment_of_a_comfyui_parent_is_cleaned():
    base = {
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTORCH_CUDA_ALLOC_CONF": "max_split_size_mb:64" + ",backend:cudaMallocAsync" * 2,
        "PATH": "p",
        "PYTHONPATH": "x",
    }
    made = environment(base)
    assert "PYTHONDONTWRITEBYTECODE" not in made
    assert made["PYTORCH_CUDA_ALLOC_CONF"] == "max_split_size_mb:64"
    assert made["PATH"] == "p" and made["PYTHONPATH"] == "x"
    assert "PYTHONPATH" not in environment(base, same_python=False)
    assert base["PYTHONDONTWRITEBYTECODE"] == "1", "the master's environment was changed"


def test_what_a_notebooks_kernel_sets_for_itself_is_dropped():
    """A worker that began in a notebook is the one that a script finds warm, and the reverse."""
    script = {"PATH": "p", "PAGER": "less"}
    inline = {"MPLBACKEND": "module://matplotlib_inline.backend_inline", "FORCE_COLOR": "1"}
    assert environment({**script, **inline, "CLICOLOR": "1"}) == environment(script)
    own = {"MPLBACKEND": "agg", "FORCE_COLOR": "1"}
    assert environment(own).items() >= own.items()


def test_allocator_of_comfyui_alone_is_dropped():
    assert "PYTORCH_CUDA_ALLOC_CONF" not in environment(
        {"PYTORCH_CUDA_ALLOC_CONF": ",backend:cudaMallocAsync"}
    )


def test_device_counts_among_the_visible_ones():
    assert environment({}, cuda_device=1)["CUDA_VISIBLE_DEVICES"] == "1"
    made = environment({"CUDA_VISIBLE_DEVICES": "4, 7"}, cuda_device=1)
    assert made["CUDA_VISIBLE_DEVICES"] == "7"
    with pytest.raises(ConfigError, match="only 2 device"):
        environment({"CUDA_VISIBLE_DEVICES": "4,7"}, cuda_device=2)


def test_key_of_an_account_stays_with_the_master():
    assert "COMFY_ORG_API_KEY" not in environment({"COMFY_ORG_API_KEY": "k", "PATH": "p"})
