"""What a model by reference costs: a loop over workflow files against hand-written API calls.

    python bench/references.py [--runs 20] [--side 64] [--steps 1] [--small] [--no-value]

Makes a checkpoint of the shape of Stable Diffusion 1.5 with random weights (2.1 GB, removed at the
end; `--small`: 0.5 GB), and lets two workers of the same kind make the same pictures in turns:

* by reference: `run()` of encode, sample_latent and decode of test_workflows/, after load_model;
* by hand: one complete prompt, posted each time, until the websocket says that it succeeded. Its
  picture is not fetched, which `run()` does.

Prompt text, seed and LoRA strength change in each run; who goes first changes too. Then the same
loop with MODEL by value, in turns with that by reference, on the first worker.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from _project import ROOT
from custom_nodes.discomfort.comfy_serverless import ComfyConnector
from custom_nodes.discomfort.discomfort import Discomfort
from custom_nodes.discomfort.worker.launch.find_comfyui import find_comfyui, find_python
from run_overhead import Bare, row
from support.checkpoint import CHECKPOINT, LORA, show_models, write_models

WORKFLOWS = ROOT / "test_workflows"
STEPS = [WORKFLOWS / f"{name}.json" for name in ("encode", "sample_latent", "decode")]
TARGET = 1.05


def values(i: int, args: argparse.Namespace) -> dict[str, Any]:
    return {
        "positive_text": f"picture {i} of a lighthouse",
        "seed": i,
        "lora_strength": (i % 10) / 10,
        "steps": args.steps,
        "size": args.side,
    }


def by_hand(given: dict[str, Any]) -> dict[str, Any]:
    """The whole job as one prompt, with the same numbers as the workflow files."""

    def node(kind: str, **inputs: Any) -> dict[str, Any]:
        return {"class_type": kind, "inputs": inputs}

    side = given["size"]
    return {
        "1": node("CheckpointLoaderSimple", ckpt_name=CHECKPOINT),
        "2": node(
            "LoraLoaderModelOnly",
            model=["1", 0],
            lora_name=LORA,
            strength_model=given["lora_strength"],
        ),
        "3": node("CLIPTextEncode", clip=["1", 1], text=given["positive_text"]),
        "4": node("CLIPTextEncode", clip=["1", 1], text="blurry, text"),
        "5": node("EmptyLatentImage", width=side, height=side, batch_size=1),
        "6": node(
            "KSampler",
            model=["2", 0],
            positive=["3", 0],
            negative=["4", 0],
            latent_image=["5", 0],
            seed=given["seed"],
            steps=given["steps"],
            cfg=7.0,
            sampler_name="euler",
            scheduler="normal",
            denoise=1.0,
        ),
        "7": node("VAEDecode", samples=["6", 0], vae=["1", 2]),
        "8": node("PreviewImage", images=["7", 0]),
    }


async def run_ours(discomfort: Discomfort, context: Any, given: dict[str, Any]) -> float:
    start = time.perf_counter()
    results = await discomfort.run(STEPS, given, context=context, progress=False)
    float(results["picture"].mean())
    return time.perf_counter() - start


async def run_bare(bare: Bare, given: dict[str, Any]) -> float:
    start = time.perf_counter()
    await bare.run(by_hand(given))
    return time.perf_counter() - start


async def measure_reference(discomfort: Discomfort, bare: Bare, args: argparse.Namespace) -> None:
    """Models by reference and by hand in turns: both rows and their ratio."""
    ours: list[float] = []
    hand: list[float] = []
    with discomfort.Context() as context:
        await discomfort.run(WORKFLOWS / "load_model.json", context=context, progress=False)
        for i in range(-2, args.runs):  # two to load and to warm up
            given = values(i + 2, args)
            if i % 2:
                a, b = await run_ours(discomfort, context, given), await run_bare(bare, given)
            else:
                b, a = await run_bare(bare, given), await run_ours(discomfort, context, given)
            if i >= 0:
                ours.append(a)
                hand.append(b)
            else:
                print(f"warming up: run() {a:.1f} s, by hand {b:.1f} s")
    base = row("by hand: the complete prompt each time", hand)
    median = row("run() of three files, models by reference", ours)
    pairs = statistics.median(a / b for a, b in zip(ours, hand, strict=True))
    total = sum(ours) / sum(hand)
    print(
        f"run() / by hand = {median / base:.3f} (medians), {pairs:.3f} (median of the pairs), "
        f"{total:.3f} (sums); target at most {TARGET}\n"
    )


async def measure_value(discomfort: Discomfort, args: argparse.Namespace) -> None:
    """The same loop with MODEL by value, in turns with the model by reference."""
    load_model = WORKFLOWS / "load_model.json"
    seconds: dict[str, list[float]] = {"val": [], "ref": []}
    with discomfort.Context() as by_value, discomfort.Context() as by_reference:
        await discomfort.run(load_model, context=by_reference, progress=False)
        discomfort.Tools.pass_by_rules["MODEL"] = "val"  # what is stored stays as it is
        try:
            start = time.perf_counter()
            await discomfort.run(load_model, context=by_value, progress=False)
            saved_s = time.perf_counter() - start
        finally:
            discomfort.Tools.pass_by_rules["MODEL"] = "ref"
        info = by_value.get_storage_info("model")
        assert info is not None
        size = info["size"]
        print(f"load_model by value: {saved_s:.2f} s, {size / 1e6:.0f} MB stored")
        for i in range(-1, args.runs):  # one to warm up
            given = values(i + 1001, args)
            turn = [("val", by_value), ("ref", by_reference)]
            for rule, context in turn if i % 2 else reversed(turn):
                took_s = await run_ours(discomfort, context, given)
                if i >= 0:
                    seconds[rule].append(took_s)
    base = row("run() of three files, MODEL by reference", seconds["ref"])
    median = row("run() of three files, MODEL by value", seconds["val"])
    pairs = statistics.median(a / b for a, b in zip(seconds["val"], seconds["ref"], strict=True))
    print(f"by value / by reference = {median / base:.2f} (medians), {pairs:.2f} (of the pairs)")


async def measure(comfyui: Path, folder: Path, args: argparse.Namespace) -> None:
    models = folder / "models"
    size = write_models(models, comfyui, find_python(comfyui) or sys.executable, args.small)
    print(f"a checkpoint of {size / 1e9:.2f} GB\n")
    arguments = show_models(models, folder / "paths.yaml")
    other = folder / "other"
    other.mkdir()
    worker = await ComfyConnector.create(extra_args=arguments)
    try:
        async with Discomfort(worker) as discomfort:
            second = await ComfyConnector.create(extra_args=arguments, output_directory=other)
            try:
                async with Bare(second) as bare:
                    await measure_reference(discomfort, bare, args)
            finally:
                await second.kill_api()  # its memory is wanted now
            if not args.no_value:
                await measure_value(discomfort, args)
    finally:
        await worker.kill_api()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--side", type=int, default=64, help="of the pictures, in pixels")
    parser.add_argument("--steps", type=int, default=1)
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--no-value", action="store_true")
    args = parser.parse_args()
    comfyui = find_comfyui(None, ROOT)
    if comfyui is None:
        sys.exit("No ComfyUI was found: set COMFYUI_PATH.")
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(measure(comfyui, Path(folder), args))


if __name__ == "__main__":
    main()
