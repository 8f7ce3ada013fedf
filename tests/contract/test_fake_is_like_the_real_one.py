"""The fake server against the newest real one: the same nodes, the same pictures."""

from __future__ import annotations

import asyncio
import io
import re
from typing import Any

import aiohttp
import numpy as np
import pytest
from custom_nodes.discomfort.comfy_serverless import ComfyConnector
from PIL import Image
from support.servers import FAKE, Make, Server, real_servers, require

pytestmark = pytest.mark.usefixtures("leaves_nothing")

NODES = (
    *("LoadImage", "SaveImage", "PreviewImage", "EmptyImage", "ImageInvert", "ImageBlur"),
    *("ImageSharpen", "ImageScale", "ImageScaleBy", "ImageBlend", "ImageBatch", "ImageCrop"),
    *("PrimitiveInt", "PrimitiveFloat", "PrimitiveString", "PrimitiveBoolean", "PreviewAny"),
)

SAME_KEYS = ("output", "output_is_list", "output_node", "is_input_list", "input_order")


@pytest.fixture
async def both(make_connector: Make) -> tuple[ComfyConnector, ComfyConnector]:
    found = real_servers()
    real = require(max(found, key=version) if found else Server("real", FAKE / "nowhere"))
    if version(real) < (0, 33):
        pytest.skip(f"the fake has the nodes of 0.33, and the newest ComfyUI is {version(real)}")
    fake_one, real_one = await asyncio.gather(make_connector(FAKE), make_connector(real.path))
    return fake_one, real_one


def version(server: Server) -> tuple[int, ...]:
    text = (server.path / "comfyui_version.py").read_text(encoding="utf-8")
    found = re.search(r'"(\d+)\.(\d+)\.(\d+)', text)
    return tuple(map(int, found.groups())) if found else (0,)


def essence(inputs: dict[str, Any]) -> dict[str, Any]:
    """The inputs, without what only the editor shows."""
    plain: dict[str, Any] = {}
    for part, specs in inputs.items():
        for name, spec in specs.items():
            if isinstance(spec, str):
                plain[f"{part}.{name}"] = spec
                continue
            options = dict(spec[1] if len(spec) > 1 else {})
            for key in ("tooltip", "advanced"):
                options.pop(key, None)
            kind = "FILES" if options.get("image_upload") else spec[0]
            plain[f"{part}.{name}"] = [kind, options]
    return plain


async def picture(connector: ComfyConnector, prompt: dict[str, Any]) -> list[np.ndarray]:
    """What the SaveImage called "out" saved."""
    result = await connector.execute(prompt)
    pictures = []
    async with aiohttp.ClientSession(headers=connector.auth_headers) as session:
        for saved in result.outputs["out"]["images"]:
            async with session.get(f"{connector.server_address}/view", params=saved) as reply:
                assert reply.status == 200
                with Image.open(io.BytesIO(await reply.read())) as image:
                    pictures.append(np.asarray(image.convert("RGB"), dtype=np.int16))
    return pictures


def chain(path: str, *steps: tuple[str, dict[str, Any]]) -> dict[str, Any]:
    """LoadImage, the steps one after the other, SaveImage; "image" links are put in."""
    prompt: dict[str, Any] = {"load": {"class_type": "LoadImage", "inputs": {"image": path}}}
    last = "load"
    for i, (kind, inputs) in enumerate(steps):
        links = {k: [last, 0] for k, v in inputs.items() if v == "LAST"}
        links |= {k: ["load", 0] for k, v in inputs.items() if v == "FIRST"}
        prompt[f"s{i}"] = {"class_type": kind, "inputs": {**inputs, **links}}
        last = f"s{i}"
    save = {"images": [last, 0], "filename_prefix": "same"}
    return {**prompt, "out": {"class_type": "SaveImage", "inputs": save}}


def blend(mode: str) -> tuple[str, dict[str, Any]]:
    return (
        "ImageBlend",
        {"image1": "FIRST", "image2": "LAST", "blend_factor": 0.4, "blend_mode": mode},
    )


INVERT = ("ImageInvert", {"image": "LAST"})
BLUR = ("ImageBlur", {"image": "LAST", "blur_radius": 3, "sigma": 1.5})
CHAINS = {
    "load": [],
    "blur": [BLUR],
    "sharpen": [
        ("ImageSharpen", {"image": "LAST", "sharpen_radius": 2, "sigma": 0.8, "alpha": 0.7})
    ],
    "crop": [("ImageCrop", {"image": "LAST", "width": 90, "height": 70, "x": 33, "y": 21})],
    "batch": [INVERT, ("ImageBatch", {"image1": "FIRST", "image2": "LAST"})],
    **{
        f"scale-{method}": [
            (
                "ImageScale",
                {
                    "image": "LAST",
                    "upscale_method": method,
                    "width": 123,
                    "height": 77,
                    "crop": "center",
                },
            )
        ]
        for method in ("nearest-exact", "bilinear", "area", "bicubic", "lanczos")
    },
    "scale-by": [("ImageScaleBy", {"image": "LAST", "upscale_method": "area", "scale_by": 0.37})],
    **{
        f"blend-{mode}": [INVERT, BLUR, blend(mode)]
        for mode in ("normal", "multiply", "screen", "overlay", "soft_light", "difference")
    },
}


async def test_nodes_and_pictures_are_those_of_the_real_server(both: tuple):
    fake, real = both
    fake_info, real_info = await fake.object_info(), await real.object_info()
    for name in NODES:
        for key in SAME_KEYS:
            assert fake_info[name][key] == real_info[name][key], (name, key)
        assert essence(fake_info[name]["input"]) == essence(real_info[name]["input"]), name
    source = FAKE / "input" / "example.png"
    paths = [c.upload_data(source, subfolder="discomfort_parity", is_ephemeral=True) for c in both]
    for name, steps in CHAINS.items():
        ours, theirs = [
            await picture(c, chain(path, *steps)) for c, path in zip(both, paths, strict=True)
        ]
        assert [p.shape for p in ours] == [p.shape for p in theirs], name
        for a, b in zip(ours, theirs, strict=True):
            assert np.abs(a - b).max() <= 2, name
