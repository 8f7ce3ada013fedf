"""Refines a picture in a loop: ComfyUI changes it, Python measures it and decides what is next.

    python examples/refine_image.py [PICTURE] [--output FOLDER] [--iterations N] [--quiet]

Two workflows, drawn in the ComfyUI editor, take turns: `soften` takes noise out, `enhance` adds
detail and contrast. Each needs what the other spoils, so no fixed recipe fits every picture. An
`if` and a loop do. No model is needed.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path
from typing import Any

import _clone  # noqa: F401  only for a clone that is not installed
from _pictures import Measures, Step, contact_sheet, draw_picture, measure

from discomfort import Discomfort

WORKFLOWS = Path(__file__).resolve().parent / "workflows"
SOFTEN = WORKFLOWS / "soften.json"
ENHANCE = WORKFLOWS / "enhance.json"

GOOD_ENOUGH = 0.95
PATIENCE = 3  # iterations without gain, then it stops
MIN_SIDE, MAX_SIDE = 16, 1536  # pixels; other pictures are scaled first


def decide(now: Measures) -> tuple[Path, dict[str, Any]]:
    """Which workflow is next, and with which values for its ports."""
    if now.smooth < max(0.6, min(now.contrast, now.detail)):
        amount = (1 - now.smooth) ** 0.5
        return SOFTEN, {"radius": 1 if now.smooth > 0.4 else 2, "amount": round(amount, 2)}
    if now.brightness > 0.6:
        tone = "multiply"
    elif now.brightness < 0.3:
        tone = "screen"
    else:
        tone = "overlay"
    return ENHANCE, {
        "detail": round(0.06 * (1 - now.detail), 3),
        "tone": tone,
        "tone_amount": round(0.9 * (1 - now.contrast), 2),
    }


async def refine(options: argparse.Namespace) -> None:
    options.output.mkdir(parents=True, exist_ok=True)
    say = (lambda *_: None) if options.quiet else print
    say("Starting ComfyUI ...")

    # A nested ComfyUI of our own, on the loopback interface. It ends with this block.
    async with await Discomfort.create() as discomfort:
        # Values live in a context, by name. A port `picture` reads and writes the value `picture`.
        with discomfort.Context() as context:
            name, picture = await first_picture(discomfort, options.picture)
            say(f"{name}, {picture.shape[2]} x {picture.shape[1]} pixels")
            context.save("picture", picture)
            await fit(discomfort, context, say)
            steps = await improve(discomfort, context, options.iterations, say)

    say(f"\n{verdict(steps)}")
    best, stem = best_of(steps), Path(name).stem
    result = options.output / f"{stem}_refined.png"
    discomfort.Tools.save_comfy_image_to_disk(steps[best].picture, result)
    print(result)
    before, after = steps[0].measures.score, steps[best].measures.score
    sheet = options.output / f"{stem}_iterations.png"
    contact_sheet(steps, best, f"{name}: from {before:.0%} to {after:.0%} of the goal", sheet)
    print(sheet)


async def improve(discomfort: Discomfort, context: Any, limit: int, say: Any) -> list[Step]:
    """The loop: measure, decide, run; until it is good enough, or there is nothing to gain."""
    picture = context.load("picture")
    size = f"{picture.shape[2]} x {picture.shape[1]} pixels"
    steps = [Step("original", size, picture, measure(picture))]
    say("\n      workflow   contrast  detail  smooth   score")
    say(line(0, steps[0]))
    while not is_finished(steps, limit):
        workflow, values = decide(steps[-1].measures)
        # Only names and numbers are handed over here: the picture stays in shared memory, where
        # the last workflow left it and this one finds it.
        results = await discomfort.run(workflow, inputs=values, context=context, progress=False)
        picture = results["picture"]
        settings = ", ".join(f"{port} {value}" for port, value in values.items())
        steps.append(Step(workflow.stem, settings, picture, measure(picture)))
        say(line(len(steps) - 1, steps[-1]))
    return steps


def best_of(steps: list[Step]) -> int:
    return max(range(len(steps)), key=lambda i: steps[i].measures.score)


def is_finished(steps: list[Step], limit: int) -> bool:
    last = len(steps) - 1
    is_good = steps[last].measures.score >= GOOD_ENOUGH
    return is_good or last >= limit or last - best_of(steps) >= PATIENCE


async def first_picture(discomfort: Discomfort, path: Path | None) -> tuple[str, Any]:
    """A name and a tensor `[1, height, width, 3]`: a file, or the picture that ComfyUI ships."""
    if path is not None:
        return path.name, discomfort.Tools.open_image_as_tensor(path)
    try:
        # A workflow without inputs: what its OUTPUT port `picture` got is in the results.
        results = await discomfort.run(WORKFLOWS / "open_example.json", progress=False)
        return "example.png", results["picture"]
    except RuntimeError as error:  # what goes wrong in a run; its text has ComfyUI's own words
        if "example.png" not in str(error):
            raise
        return "drawn.png", draw_picture()  # somebody tidied up ComfyUI's input folder


async def fit(discomfort: Discomfort, context: Any, say: Any) -> None:
    """Scale what is too big for a quick demo, or too small for the filters."""
    height, width = context.load("picture").shape[1:3]
    scale = min(1.0, MAX_SIDE / max(width, height))
    size = {
        "width": max(MIN_SIDE, round(width * scale)),
        "height": max(MIN_SIDE, round(height * scale)),
    }
    if (size["width"], size["height"]) != (width, height):
        say(f"Scaled to {size['width']} x {size['height']}: {MIN_SIDE} to {MAX_SIDE} are allowed.")
        await discomfort.run(WORKFLOWS / "fit.json", inputs=size, context=context, progress=False)


def line(number: int, step: Step) -> str:
    m = step.measures
    return (
        f"  {number:2d}  {step.name:9s}  {m.contrast:8.0%}  {m.detail:6.0%}  {m.smooth:6.0%}  "
        f"{m.score:6.0%}"
    )


def verdict(steps: list[Step]) -> str:
    best, last = best_of(steps), len(steps) - 1
    if steps[last].measures.score >= GOOD_ENOUGH:
        return f"Good enough after {last} iterations." if last else "It is good enough as it is."
    which = f"number {best}" if best else "the original"
    if last - best >= PATIENCE:
        return f"No gain in {PATIENCE} iterations: {which} is the best."
    return f"The best of {last} iterations is {which}."


def main() -> int:
    parser = argparse.ArgumentParser(description="Refine a picture in a loop of two workflows.")
    parser.add_argument("picture", nargs="?", type=Path, help="default: ComfyUI's example.png")
    parser.add_argument("--output", type=Path, default=Path("output"), help="folder for results")
    parser.add_argument("--iterations", type=int, default=12, help="at most so many (default 12)")
    parser.add_argument("--quiet", action="store_true", help="print the two result paths only")
    options = parser.parse_args()
    if options.iterations < 1:
        parser.error("--iterations must be 1 or more")
    if options.picture is not None and not options.picture.is_file():
        parser.exit(1, f"There is no picture {options.picture}.\n")
    try:
        asyncio.run(refine(options))
    except KeyboardInterrupt:
        return 130
    except (OSError, ValueError, RuntimeError) as error:  # what the library raises, as built-ins
        print(" ".join(str(error).split()), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
