"""The lifetime of a context: its folder is made or joined, its store opened, all of it closed once.

`workflow_context.py` makes a `Lifetime`; `ContextStore` asks it for the store at each use.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import time
import weakref
from collections.abc import Iterator
from pathlib import Path

from ..errors import ContextNotFound, StoreError, StoreFullError
from ..store import context_folder, run_dir
from ..store.block_use import Role
from ..store.blocks.base import is_no_room
from ..store.ram_first import RamFirst
from ..store.receipt_book import FILE_NAME, ReceiptBook
from ..store.versions import new_token

_READY_S = 10.0


class Lifetime:
    """One context in this process, from its opening to its end.

    Garbage collection and the end of the interpreter close it as well.

    Args:
        contexts: the folder that its folder is in.
        create: False joins what exists.

    Raises:
        ContextNotFound: `create=False`, and there is none.
        ForeignFolderError: it is another user's, or links lead out of it.
        StoreFullError: the disk is full.
        StoreError: this process has too many files open.
    """

    def __init__(
        self, contexts: Path, run_id: str, limit_bytes: int, create: bool, is_durable: bool
    ):
        self._run_id = run_id
        self.folder = contexts / run_id
        if create and not is_durable:
            run_dir.purge(contexts)
        with _in_words(self.folder):
            owner = _make_or_join(self.folder, is_durable) if create else _join(self.folder)
            if owner is None:
                context_folder.check_parts(self.folder)
            role = Role.EQUAL if is_durable else Role.GUEST if owner is None else Role.OWNER
            try:
                self._store = RamFirst(self.folder, limit_bytes, role)
            except BaseException:
                if owner is not None:
                    owner.remove_folder()
                raise
        self._finalizer = weakref.finalize(self, _close, self._store, owner, os.getpid())

    @property
    def store(self) -> RamFirst:
        if not self._finalizer.alive:
            raise StoreError(f"The context {self._run_id!r} is closed. Make a new one.")
        return self._store

    @property
    def is_closed(self) -> bool:
        return not self._finalizer.alive

    def close(self) -> None:
        """Free all that an own temporary context has; leave others and durable ones. Idempotent."""
        self._finalizer()


@contextlib.contextmanager
def _in_words(folder: Path) -> Iterator[None]:
    """Say what the system's errors mean for a context, and what helps."""
    try:
        yield
    except StoreError:
        raise
    except OSError as e:
        if is_no_room(e):
            raise StoreFullError(
                e.errno,
                f"There is no room for a context in {folder}. Make some, or put the folder for "
                "temporary files elsewhere (TMPDIR)",
            ) from e
        if e.errno in (errno.EMFILE, errno.ENFILE):
            raise StoreError(
                f"A context in {folder} can't be opened: too many files are open. Close contexts "
                "that are done (`with`), or allow more (`ulimit -n`)."
            ) from e
        raise


def delete_durable(run_id: str) -> None:
    """Remove a durable context with all its values.

    Raises:
        ContextNotFound: there is none.
    """
    folder = run_dir.durable_dir() / run_dir.check_run_id(run_id)
    if not folder.exists():
        raise ContextNotFound(errno.ENOENT, f"There is no durable context {run_id!r}", str(folder))
    shutil.rmtree(folder)


def _join(folder: Path) -> None:
    if not (folder / FILE_NAME).exists():
        raise ContextNotFound(errno.ENOENT, f"There is no context {folder.name!r}", str(folder))


def _make_or_join(folder: Path, is_durable: bool) -> run_dir.Owner | None:
    """The lock, if the context is ours alone; None if it is another's, or durable."""
    deadline = time.monotonic() + _READY_S
    while time.monotonic() < deadline:
        folder.mkdir(mode=0o700, exist_ok=True)
        if folder.is_symlink():
            context_folder.check_parts(folder)  # refused before anything is written behind it
        owner = run_dir.Owner(folder)
        try:
            is_ours = owner.acquire()
        except FileNotFoundError:
            continue  # a purge took the folder away between the two steps
        has_receipts = (folder / FILE_NAME).exists()
        if not is_ours:
            if has_receipts:
                return None
            time.sleep(0.001)  # its owner is just making it
        elif has_receipts and not is_durable:
            owner.remove_folder()  # a dead owner's, younger than our purge
        else:
            return _settle(folder, owner, has_receipts, is_durable)
    raise StoreError(
        f"The context {folder.name!r} in {folder} did not get ready in {_READY_S:.0f} s."
    )


def _settle(
    folder: Path, owner: run_dir.Owner, has_receipts: bool, is_durable: bool
) -> run_dir.Owner | None:
    """Make the folder that we alone are in a context."""
    if not has_receipts:
        token = new_token()
        if not is_durable:
            owner.mark_token(token)
        try:
            ReceiptBook.create(folder, folder.name, token, is_synced=is_durable)
        except BaseException:
            if is_durable:  # its folder may hold values whose receipts were lost
                owner.release()
            else:
                owner.remove_folder()
            raise
    if is_durable:
        owner.release()  # all who open it have equal rights, and none removes it
        return None
    return owner


def _close(store: RamFirst, owner: run_dir.Owner | None, pid: int) -> None:
    if pid != os.getpid():  # a forked child: the context is the parent's
        return
    with contextlib.ExitStack() as steps:  # goes on past a failure, and lets the first error out
        if owner is not None:
            steps.callback(owner.remove_folder)
        steps.callback(store.close)
