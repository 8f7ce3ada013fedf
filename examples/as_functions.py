"""Workflows as functions: a few turns of two of them, without `await`.

    python examples/as_functions.py [PICTURE] [--output FOLDER]

`typed_workflows.py` loads the workflows, and its stub tells editors and type checkers their ports:
try a wrong name in this file. Both were made by

    cd examples/workflows
    discomfort stubs enhance.json open_example.json soften.json -o ../typed_workflows.pyi
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import _clone  # noqa: F401  only for a clone that is not installed
import typed_workflows
from discomfort.sync import Discomfort

TURNS = 3


def improve(source: Path | None, folder: Path) -> list[Path]:
    """The files with the result."""
    with Discomfort.create() as discomfort:
        soften = typed_workflows.soften(discomfort)
        enhance = typed_workflows.enhance(discomfort)
        # A port takes the path of a picture, or what another workflow has made.
        picture = source or typed_workflows.open_example(discomfort)().picture
        result = soften(picture=picture, radius=2)
        for turn in range(TURNS):
            # What is not given has the value that it has in the file.
            result = enhance(picture=result.picture, detail=0.5 / (turn + 1), tone="soft_light")
            result = soften(picture=result.picture, amount=0.1)
        name = source.stem if source is not None else "example"
        return result.save("picture", folder / f"{name}_improved.png")


def main() -> int:
    parser = argparse.ArgumentParser(description="Improve a picture by two workflows in turn.")
    parser.add_argument("picture", nargs="?", type=Path, help="default: ComfyUI's example.png")
    parser.add_argument("--output", type=Path, default=Path("output"), help="folder for the result")
    options = parser.parse_args()
    try:
        print(*improve(options.picture, options.output), sep="\n")
    except KeyboardInterrupt:
        return 130
    except (OSError, ValueError, RuntimeError) as error:  # what the library raises, as built-ins
        print(" ".join(str(error).split()), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
