"""What `run` gives: values by name, with the files that nodes saved. The one class for results.

`Discomfort.run` returns it, and the last event of a stream has it.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

from ..values.what_it_is import summary

_SHOWN = 20


class Results(dict[str, Any]):
    """The values that a run gives, by name: a dict, which has also the files that nodes saved.

    It compares, copies and pickles as a dict does; what is unpickled is a plain dict.

    Attributes:
        files: name of an output node -> the files that it saved, in the last iteration in which it
            saved any. The name is the node's title, or `title (id)` for all that share one, as the
            values have it. A preview is a value, no file; a node whose value is not among the
            results, because nothing is linked to it, has its preview's files here.
    """

    __slots__ = ("files",)

    def __init__(
        self,
        values: Mapping[str, Any] | None = None,
        files: Mapping[str, list[Path]] | None = None,
    ):
        super().__init__(values or {})
        self.files: dict[str, list[Path]] = dict(files or {})

    def save_files(self, folder: str | Path) -> list[Path]:
        """Copy the files into a folder, which is made if it is not there.

        Names are kept. What is in the folder is never replaced: a copy gets a number then. It works
        as long as this process lives, also after `shutdown`.

        Returns:
            The copies, in the order of `files`.

        Raises:
            FileNotFoundError: somebody has removed some of them; nothing was copied.
        """
        files = list(dict.fromkeys(path for paths in self.files.values() for path in paths))
        gone = [str(path) for path in files if not path.is_file()]
        if gone:
            raise FileNotFoundError(
                f"These files are not there any more: {', '.join(gone)}. Previews go with the "
                "worker: save them before `shutdown`. Others were removed by somebody else."
            )
        target = Path(folder).expanduser()
        target.mkdir(parents=True, exist_ok=True)
        return [_copy(path, target) for path in files]

    def copy(self) -> Results:
        return Results(self, self.files)

    __copy__ = copy

    def __deepcopy__(self, memo: dict[int, Any]) -> Results:
        return Results(deepcopy(dict(self), memo), self.files)

    def __reduce__(self) -> tuple[Any, ...]:
        return dict, (dict(self),)

    def __reduce_ex__(self, _: Any) -> tuple[Any, ...]:
        return self.__reduce__()

    def __repr__(self) -> str:
        shown = [f"{name!r}: {summary(value)}" for name, value in list(self.items())[:_SHOWN]]
        more = [f"... ({len(self)} in all)"] if len(self) > _SHOWN else []
        saved = sum(map(len, self.files.values()))
        files = f", {saved} {'file' if saved == 1 else 'files'}" if saved else ""
        return f"Results({{{', '.join([*shown, *more])}}}{files})"


def _copy(source: Path, folder: Path) -> Path:
    """Copy a file into a folder under its own name, or with a number where that is taken."""
    number = 0
    while True:
        name = f"{source.stem} ({number}){source.suffix}" if number else source.name
        target = folder / name
        try:
            with source.open("rb") as read, target.open("xb") as write:
                try:
                    shutil.copyfileobj(read, write)
                except BaseException:
                    target.unlink(missing_ok=True)
                    raise
            return target
        except FileExistsError:
            number += 1
