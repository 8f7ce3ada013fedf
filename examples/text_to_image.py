"""Makes pictures from text in a loop: a checkpoint is loaded once, Python decides on the settings.

    python examples/text_to_image.py ["PROMPT TEXT"] [--checkpoint NAME] [--iterations N]
                                     [--size PIXELS] [--steps N] [--output FOLDER]

Two workflows: `load_model` gives `model`, `clip` and `vae` by reference, which costs nothing;
`sample` uses them. ComfyUI loads the checkpoint at the first picture, and keeps it for the rest.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from pathlib import Path
from typing import Any

import _clone  # noqa: F401  only for a clone that is not installed
from _pictures import Measures, Step, contact_sheet, measure

from discomfort import Discomfort

WORKFLOWS = Path(__file__).resolve().parent / "workflows"
GOOD_ENOUGH = 0.95


def adjust(settings: dict[str, Any], now: Measures) -> dict[str, Any]:
    """The settings for the next picture, from what the last one lacked."""
    better = {**settings, "seed": settings["seed"] + 1}
    text = settings["positive_text"]
    if now.contrast < min(now.detail, now.smooth):
        better["cfg"] = min(settings["cfg"] + 1.5, 12.0)
    elif now.detail < now.smooth:
        better["positive_text"] = text if "sharp focus" in text else f"{text}, sharp focus"
    else:
        better["steps"] = min(settings["steps"] + 5, 50)
    return better


async def paint(options: argparse.Namespace) -> None:
    options.output.mkdir(parents=True, exist_ok=True)
    print("Starting ComfyUI ...")
    async with await Discomfort.create() as discomfort:
        checkpoint = await choose_checkpoint(discomfort, options.checkpoint)
        with discomfort.Context() as context:
            # Runs nothing yet: MODEL, CLIP and VAE are stored as the way to make them, with the
            # name of the checkpoint frozen in.
            await discomfort.run(
                WORKFLOWS / "load_model.json",
                inputs={"checkpoint": checkpoint},
                context=context,
                progress=False,
            )
            settings = {
                "positive_text": options.text,
                "negative_text": "blurry, text, watermark",
                "width": options.size,
                "height": options.size,
                "seed": options.seed,
                "steps": options.steps,
                "cfg": 7.0,
            }
            print(f"{checkpoint}, {options.size} x {options.size} pixels")
            steps: list[Step] = []
            best = 0
            for number in range(1, options.iterations + 1):
                start = time.perf_counter()
                # `model`, `clip` and `vae` are ports of this workflow too: their references are
                # stitched in, and ComfyUI's cache serves them from the second picture on.
                results = await discomfort.run(
                    WORKFLOWS / "sample.json", inputs=settings, context=context
                )
                picture = results["picture"]
                caption = "seed {seed}, cfg {cfg}, {steps} steps".format(**settings)
                steps.append(Step("picture", caption, picture, measure(picture)))
                now = steps[-1].measures
                if now.score > steps[best].measures.score:
                    best = len(steps) - 1
                seconds = time.perf_counter() - start
                print(f"  {number}: {caption}: {now.score:.0%}, {seconds:.1f} s")
                if now.score >= GOOD_ENOUGH:
                    break
                settings = adjust(settings, now)

    result, sheet = options.output / "text_to_image.png", options.output / "text_to_image_all.png"
    discomfort.Tools.save_comfy_image_to_disk(steps[best].picture, result)
    contact_sheet(steps, best, options.text[:70], sheet, first_number=1)
    print(result)
    print(sheet)


async def choose_checkpoint(discomfort: Discomfort, wanted: str | None) -> str:
    """The wanted checkpoint, else the first one that ComfyUI has."""
    # What the server tells of every node class; a file list is the options of a COMBO widget.
    node = (await discomfort.Worker.object_info()).get("CheckpointLoaderSimple")
    spec: list[Any] = node["input"]["required"]["ckpt_name"] if node else [[]]
    names = spec[0] if isinstance(spec[0], list) else spec[1]["options"]
    if not names:
        raise FileNotFoundError(
            "ComfyUI has no checkpoint: put one (Stable Diffusion 1.5 or XL, a .safetensors file) "
            "into its folder models/checkpoints and start this again."
        )
    if wanted is None:
        return names[0]
    if wanted not in names:
        raise ValueError(f"ComfyUI has no checkpoint {wanted!r}. It has: {', '.join(names)}.")
    return wanted


def main() -> int:
    parser = argparse.ArgumentParser(description="Make pictures from text, and keep the best.")
    parser.add_argument(
        "text",
        nargs="?",
        default="a lighthouse on a cliff at sunset, photograph",
        help="what to show",
    )
    parser.add_argument("--checkpoint", help="file name; default: the first one that is found")
    parser.add_argument("--iterations", type=int, default=4, help="at most so many (default 4)")
    parser.add_argument("--size", type=int, default=512, help="width and height in pixels")
    parser.add_argument("--steps", type=int, default=20, help="sampling steps at first")
    parser.add_argument("--seed", type=int, default=1, help="seed of the first picture")
    parser.add_argument("--output", type=Path, default=Path("output"), help="folder for results")
    options = parser.parse_args()
    if options.iterations < 1:
        parser.error("--iterations must be 1 or more")
    try:
        asyncio.run(paint(options))
    except KeyboardInterrupt:
        return 130
    except (OSError, ValueError, RuntimeError) as error:  # what the library raises, as built-ins
        print(" ".join(str(error).split()), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
