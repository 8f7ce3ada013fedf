"""Damage the files of finished steps at random: no wrong value, no error, no crash may come of it.

    python bench/fuzz_steps.py [--cases 5000] [--seed 0]
    python bench/fuzz_steps.py --cases 1 --seed 123       case 123 alone

Flips, cuts, ranges of zeros, files that are longer, gone, mixed up, links or noise; in records,
blocks and the lock. A case that goes wrong is an error with its number; a crash ends the program.
"""

from __future__ import annotations

import argparse
import faulthandler
import tempfile
import time
from pathlib import Path

import _project  # noqa: F401
from support.step_damage import DamagedFolder


def main() -> None:
    parser = argparse.ArgumentParser(description="Damaged finished steps.")
    parser.add_argument("--cases", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=0, help="of the first case")
    arguments = parser.parse_args()
    faulthandler.enable()
    began, seed = time.monotonic(), arguments.seed
    with tempfile.TemporaryDirectory() as parent:
        folder = DamagedFolder(Path(parent))
        for seed in range(arguments.seed, arguments.seed + arguments.cases):
            try:
                folder.run_case(seed)
            except BaseException as e:
                e.args = (f"case {seed}: {e}",)
                raise
    for what, count in sorted(folder.counts.items()):
        print(f"{count:7} {what}")
    print(f"{arguments.cases} damaged folders in {time.monotonic() - began:.0f} s: no wrong value")


if __name__ == "__main__":
    main()
