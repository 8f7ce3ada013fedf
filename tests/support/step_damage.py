"""Damages the folder of finished steps at random, and sees what becomes of it: a step is found as
it was kept, or not at all. For the tests and for `bench/fuzz_steps.py`.
"""

from __future__ import annotations

import os
import random
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from custom_nodes.discomfort.finished_steps.steps import FinishedSteps

from .finished_steps import about, assert_is, key_of, outputs

SIDES = (4, 40, 80)  # blocks that are read, and blocks that are mapped
Damage = Callable[[random.Random, Path, list[Path]], None]


def flip_a_bit(draw: random.Random, path: Path, _: list[Path]) -> None:
    _change(path, lambda data, at: data[at] ^ (1 << draw.randrange(8)), draw)


def flip_a_byte(draw: random.Random, path: Path, _: list[Path]) -> None:
    _change(path, lambda data, at: data[at] ^ draw.randrange(1, 256), draw)


def flip_many(draw: random.Random, path: Path, _: list[Path]) -> None:
    for _n in range(draw.randrange(2, 50)):
        _change(path, lambda data, at: data[at] ^ draw.randrange(1, 256), draw)


def clear_a_range(draw: random.Random, path: Path, _: list[Path]) -> None:
    data = bytearray(path.read_bytes())
    at = draw.randrange(len(data) or 1)
    count = len(data[at : at + draw.choice((1, 16, 512, 4096))])
    data[at : at + count] = bytes(count)
    path.write_bytes(data)


def cut(draw: random.Random, path: Path, _: list[Path]) -> None:
    os.truncate(path, draw.randrange(os.path.getsize(path) or 1))


def lengthen(draw: random.Random, path: Path, _: list[Path]) -> None:
    with path.open("ab") as file:
        file.write(draw.choice((b"\0", b"\n", draw.randbytes(5000))))


def remove(_: random.Random, path: Path, __: list[Path]) -> None:
    path.unlink()


def replace_by_another(draw: random.Random, path: Path, files: list[Path]) -> None:
    shutil.copy(draw.choice(files), path.with_suffix(".x"))
    os.replace(path.with_suffix(".x"), path)


def replace_by_noise(draw: random.Random, path: Path, _: list[Path]) -> None:
    path.write_bytes(draw.randbytes(draw.choice((0, 1, 64, os.path.getsize(path)))))


def replace_by_a_link(draw: random.Random, path: Path, files: list[Path]) -> None:
    other = draw.choice(files)
    path.unlink()
    path.symlink_to(other)


def _change(path: Path, made: Callable[[bytearray, int], int], draw: random.Random) -> None:
    data = bytearray(path.read_bytes())
    if data:
        at = draw.randrange(len(data))
        data[at] = made(data, at)
        path.write_bytes(data)


DAMAGES: tuple[Damage, ...] = (
    *(flip_a_bit, flip_a_byte, flip_a_byte, flip_many, clear_a_range, cut, lengthen),
    *(remove, replace_by_another, replace_by_noise, replace_by_a_link),
)


class DamagedFolder:
    """A folder with three steps, damaged and made whole again for each case.

    Args:
        parent: gets the whole one, and the one that is damaged.
    """

    def __init__(self, parent: Path):
        self.whole, self.folder = parent / "whole", parent / "damaged"
        self.counts: Counter[str] = Counter()
        with FinishedSteps(self.whole, 1 << 30) as steps:
            for n, side in enumerate(SIDES):
                assert steps.keep(key_of(n), outputs(n, side), about(n)) is None

    def run_case(self, seed: int) -> None:
        """Damage one file or two; raises if a wrong value or an error comes out."""
        draw = random.Random(seed)
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.copytree(self.whole, self.folder)
        files = sorted(p for p in self.folder.rglob("*") if p.is_file())
        for kind in draw.choices(DAMAGES, k=draw.choice((1, 1, 2))):
            # As many records as blocks, of which there are more; and the lock.
            part = draw.choice(("steps", "steps", "values", "values", ""))
            among = [p for p in files if p.parent.name == (part or self.folder.name)]
            path = draw.choice([p for p in among if p.is_file()] or [self.folder / "lock"])
            if path.is_file() and (part or kind is not replace_by_a_link):  # such a lock is refused
                kind(draw, path, files)
                self.counts[f"{kind.__name__} in {part or 'the rest'}"] += 1
        with FinishedSteps(self.folder, 1 << 30) as steps:
            self._look(steps, draw)

    def _look(self, steps: FinishedSteps, draw: random.Random) -> None:
        for n, side in draw.sample(list(enumerate(SIDES)), len(SIDES)):
            found = steps.find(key_of(n))
            self.counts["found" if found else "missed"] += 1
            if found is not None:
                assert_is(found, n, side)
                continue
            assert steps.keep(key_of(n), outputs(n, side), about(n)) is None
            again = steps.find(key_of(n))
            assert again is not None
            assert_is(again, n, side)
        if draw.random() < 0.2:
            steps.usage()
            steps.clear(workflow="w1.json")
            assert steps.find(key_of(1)) is None
