"""What `run` gives: values by name, with the files that nodes saved. The one class for results.

`Discomfort.run` returns it, and the last event of a stream has it.
"""

from __future__ import annotations

import difflib
import shutil
from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import IO, Any

from ..records.value_table import Row, show_values
from ..values.save_value import pictures_of, place, save_value
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

    def pil(self, name: str) -> Any:
        """A picture, or a mask, as a PIL image; a batch, a list or the pictures of a video, of more
        than one, as a list of them.

        Raises:
            KeyError: there is no such value; says which there are.
            ValueError: it is no picture.
        """
        pictures = pictures_of(name, self._value(name))
        return pictures[0] if len(pictures) == 1 else pictures

    def save(
        self,
        name: str,
        path: str | Path,
        *,
        overwrite: bool = False,
        frame_rate: float | None = None,
    ) -> list[Path]:
        """Write a value to a file, in the format that its ending says. The folder is made.

        Pictures and masks: .png, .jpg, .webp, .tiff; sound: .wav, .flac; video: .mp4, .webm; text,
        numbers, lists and workflows: .txt, .json. A batch, and a list, becomes numbered files
        (`name_0001.png` ...). Sound but .wav, and video, needs PyAV (`pip install av`).

        Args:
            overwrite: False: a file that is there stays, and the new one has a number in its name,
                as with `save_files`.
            frame_rate: makes a video of a batch of pictures.

        Returns:
            The files that were written, each of them whole.

        Raises:
            KeyError: there is no such value; says which there are.
            ValueError, TypeError: it can't be written in that format; says in which it can.
            ImportError: the package that writes it is not there.
        """
        value = self._value(name)
        return save_value(name, value, path, overwrite=overwrite, frame_rate=frame_rate)

    def _value(self, name: str) -> Any:
        if name in self:
            return self[name]
        near = difflib.get_close_matches(str(name), map(str, self), n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        there = ", ".join(map(repr, list(self)[:_SHOWN])) or "nothing"
        raise KeyError(f"There is no {name!r} among the results, but {there}.{hint}")

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

    def _repr_html_(self) -> str:
        """What a notebook shows: the values with small pictures, and the files by name."""
        rows = [Row(str(name), lambda name=name: self[name]) for name in self]
        files = [
            f"{name}: {', '.join(p.name for p in paths)}" for name, paths in self.files.items()
        ]
        return show_values(f"Results ({len(self)})", rows, files)


def _copy(source: Path, folder: Path) -> Path:
    """Copy a file into a folder under its own name, or with a number where that is taken."""

    def write(file: IO[bytes]) -> None:
        with source.open("rb") as read:
            shutil.copyfileobj(read, file)

    return place(folder / source.name, write, overwrite=False)
