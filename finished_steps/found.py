"""A finished step that was found: its values are open and whole, made when they are asked for."""

from __future__ import annotations

import enum
import threading
import zlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ..errors import CorruptValueError, UnknownKeyError
from ..store.blocks.file_blocks import FileBlocks
from ..store.encoding import codec
from ..store.encoding.layout import read_header
from ..store.receipt import Receipt
from .record import Record
from .shelf import Shelf


class NoValue(enum.Enum):
    """Stands for the value of an output that a node blocked."""

    NO_VALUE = "no value"


NO_VALUE = NoValue.NO_VALUE


class FinishedStep:
    """What one step gave. It stays readable as long as this object lives, whatever is removed.

    Attributes:
        key: the step's.
        about: what was kept with it.
        outputs: name -> what is known of the value (`is_list`, `pass_by`, `meta`, `size_bytes`), or
            None where a node blocked it.
    """

    def __init__(self, record: Record, views: Mapping[str, memoryview], shelf: Shelf):
        self.key, self.about, self.outputs = record.key, record.about, record.outputs
        self._views, self._shelf = views, shelf
        self._loaded: dict[str, Any] = {}
        self._lock = threading.Lock()

    def load(self, name: str) -> Any:
        """The value of an output, or NO_VALUE: each time the same object.

        Of what this process has no code for comes an UnopenedValue.

        Raises:
            UnknownKeyError: the step has no such output.
        """
        receipt = self._receipt(name)
        if receipt is None:
            return NO_VALUE
        with self._lock:
            if name not in self._loaded:
                view, where = self._views[name], f"the finished value of {name!r}"
                head = read_header(view, where)
                self._loaded[name] = codec.decode_or_keep(view, True, where, head)
            return self._loaded[name]

    def make_what_needs_code(self) -> None:
        """Load what its own classes make, so that what they raise is raised while there is time to
        run the step.
        """
        for name, receipt in self.outputs.items():
            if receipt is not None and not receipt.is_safe:
                self.load(name)

    def pin(self, name: str, blocks: FileBlocks, unique_id: str) -> Receipt | None:
        """Have the value's block among these, those of a context for instance, where it stays when
        it is evicted here: by a hard link, or a copy where links are not possible.

        Returns:
            A receipt for it under `unique_id`, to be committed; None: it has no value.

        Raises:
            OSError: there is no room for a copy.
            CorruptValueError: it was loaded and changed, and is gone from here: pin before.
        """
        receipt = self._receipt(name)
        if receipt is None:
            return None
        blocks.folder.mkdir(mode=0o700, exist_ok=True)
        try:
            if not self._shelf.link(receipt, blocks.locate(receipt.version)):
                self._copy(receipt, name, blocks)
        except FileExistsError:  # an equal value, that is
            pass
        return replace(receipt, unique_id=unique_id)

    def _copy(self, receipt: Receipt, name: str, blocks: FileBlocks) -> None:
        view = self._views[name]
        if zlib.crc32(view) != receipt.checksum:  # the script writes to what it loaded
            fresh = self._shelf.open(receipt)
            if fresh is None:
                raise CorruptValueError(
                    f"The finished value of {name!r} was changed after it was loaded, and is no "
                    "longer on the disk. Keep a copy, and change that one."
                )
            view = fresh
        blocks.copy_in(receipt.version, view)

    def _receipt(self, name: str) -> Receipt | None:
        try:
            return self.outputs[name]
        except KeyError:
            raise UnknownKeyError(
                f"The step has no output {name!r}. It has: {', '.join(map(repr, self.outputs))}."
            ) from None
