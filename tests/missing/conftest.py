"""Workers with model folders of the tests' own, and packs that did not load."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from custom_nodes.discomfort.comfy_serverless import ComfyConnector
from custom_nodes.discomfort.discomfort import Discomfort
from support.https_server import certificates, host  # noqa: F401
from support.servers import NODE_PACKS, Server, real_servers, require, worker_for_many

KINDS = ("checkpoints", "diffusion_models", "loras", "vae", "upscale_models")


@pytest.fixture(scope="module", params=real_servers() or [Server("real", Path("none found"))],
                ids=lambda server: server.name)  # fmt: skip
def real(request: pytest.FixtureRequest) -> Server:
    """Every real ComfyUI in turn."""
    return require(request.param)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the models."""
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="module")
def worker(real: Server, base: Path, tmp_path_factory) -> Iterator[ComfyConnector]:
    """A worker that looks for models in these folders first."""
    folder = tmp_path_factory.mktemp("worker")
    paths = folder / "paths.yaml"
    about = {"base_path": str(base), "is_default": True, **{kind: kind for kind in KINDS}}
    paths.write_text(json.dumps({"test": about}))  # JSON is YAML
    packs = [NODE_PACKS / "broken_pack", NODE_PACKS / "ComfyUI-Manager"]
    arguments = ["--extra-model-paths-config", str(paths)]
    with worker_for_many(real, folder, arguments, packs) as connector:
        yield connector


@pytest.fixture
def discomfort(worker: ComfyConnector, base: Path) -> Iterator[Discomfort]:
    """Begins without a model."""
    made = Discomfort(worker)
    yield made
    made._engine.contexts.close()
    for path in base.glob("*/*"):
        path.unlink()
