"""What the workflows of a function are now: looked at again when a file or the server has changed.

All copies of a function (`using`) share one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..inspection.inspect import inspect_on
from ..inspection.inspection import Inspection
from ..inspection.look import look_at
from ..workflows.files import is_json_text, read_workflow
from ..workflows.sources import Source, Stamp, list_of, source_of, stamp_of
from .read_shape import read_shape
from .shape import Shape

if TYPE_CHECKING:
    from ..comfy_serverless import ComfyConnector
    from ..workflows.prepare import Prepared, Preparer


class Shapes:
    """The shape of some workflows.

    Args:
        workflows: as `Discomfort.run` takes them.
        worker: whose node classes it goes by.

    Attributes:
        items: the workflows as the engine reads them: files, which are read again by each call; and
            what was given otherwise, as it is now.
    """

    def __init__(self, workflows: Any, worker: ComfyConnector):
        self.items = _items_of(list_of(workflows))
        self._worker = worker
        self._stamps = self.stamps()
        self._shape = self._inspected()
        self._known_as: Any = None

    def stamps(self) -> list[Stamp | None]:
        """What differs when a file has changed."""
        return [stamp_of(item) for item in self.items if isinstance(item, Path)]

    def now(self) -> Shape:
        """Without a run: of a file that is gone, what was known last."""
        stamps = self.stamps()
        if stamps != self._stamps and all(map(_is_there, self.items)):
            self._shape, self._stamps, self._known_as = self._inspected(), stamps, None
        return self._shape

    async def of(
        self, prepared: Sequence[Prepared], preparer: Preparer, stamps: list[Stamp | None]
    ) -> Shape:
        """Of the workflows as they are about to run; looked at in a thread, once for each state.

        Args:
            stamps: from before the files were read.
        """
        known_as = preparer, *((p.name, p.digest) for p in prepared)
        shape = self._shape
        if known_as != self._known_as:

            def look() -> Shape:
                return read_shape([look_at(p, preparer.directory(p), ()) for p in prepared])

            shape = await asyncio.to_thread(look)
        self._shape, self._known_as, self._stamps = shape, known_as, stamps
        return shape

    def _inspected(self) -> Shape:
        return read_shape([self._inspect(item) for item in self.items])

    def _inspect(self, item: Path | Source) -> Inspection:
        if isinstance(item, Path):
            return inspect_on(item, self._worker)
        return inspect_on(item.load(), self._worker, item.name)


def _items_of(workflows: Sequence[Any]) -> list[Path | Source]:
    items: list[Path | Source] = []
    for number, workflow in enumerate(workflows, start=1):
        name = "workflow" if len(workflows) == 1 else f"workflow {number}"
        if isinstance(workflow, (str, Path)) and not is_json_text(workflow):
            path = Path(workflow).expanduser().absolute()
            if stamp_of(path) is not None or not path.exists():  # no pipe, which is read once
                items.append(path)
                continue
            name = path.name
        items.append(source_of(read_workflow(workflow), name))
    return items


def _is_there(item: Path | Source) -> bool:
    return not isinstance(item, Path) or item.is_file()
