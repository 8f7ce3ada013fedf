"""Node classes without a server: given by hand, or the last /object_info that was kept."""

from __future__ import annotations

import asyncio
import time
import weakref
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors import ExecutionError, WorkerStartError, WorkflowError
from ..graph.node_classes.object_info import ObjectInfo
from ..worker.kept_classes import Identity, KeptClasses, find_kept, identity_of
from ..worker.launch.settings import WorkerOptions, read_config
from ..workflows.rule_files import ClassIndex

if TYPE_CHECKING:
    from ..comfy_serverless import ComfyConnector

_REMEDY = (
    "Start it once (`await Discomfort.create()` and a run or a plan), or pass object_info=, which "
    "is what its address /object_info answers."
)


_own_rules = ClassIndex()
# What was found for a connector's server, by the number of its start: to read it takes a while.
_found: weakref.WeakKeyDictionary[ComfyConnector, tuple[int, Known]] = weakref.WeakKeyDictionary()


class Known(NamedTuple):
    """Node classes, and what is to be known about them."""

    info: ObjectInfo
    notes: tuple[str, ...] = ()


def known_classes(
    object_info: Mapping[str, Any] | ObjectInfo | None = None,
    config_path: str | Path | None = None,
) -> Known:
    """The node classes of the ComfyUI that the configuration stands for, as far as they are kept.

    Args:
        object_info: what is taken in place of all that is kept.

    Raises:
        WorkflowError: nothing is kept; says what to do.
        ConfigError: a configuration that can't be used.
    """
    if object_info is not None:
        return Known(_own_rules.of(object_info, None))
    config = read_config(config_path, WorkerOptions())
    try:
        identity = identity_of(config)
    except WorkerStartError:
        identity = None
    return kept_classes(identity)


def classes_of(worker: ComfyConnector) -> Known:
    """The node classes of a connector's ComfyUI: what it answered; else what is kept of it, as it
    is now; else it is asked, and waited for. One that does not run: what is kept.

    Raises:
        WorkflowError: nothing is known; says what to do.
    """
    if (info := worker.known_classes) is not None:
        return Known(info)
    start, known = _found.get(worker, (None, None))
    if known is None or start != worker.object_info_version:
        known = _find_classes(worker)
        _found[worker] = worker.object_info_version, known
    return known


def _find_classes(worker: ComfyConnector) -> Known:
    identity, is_ready = _identity(worker), worker.state == "ready"
    try:
        kept = kept_classes(identity)
    except WorkflowError:
        if is_ready and (info := _ask(worker)):
            return Known(info)
        raise
    if kept.notes and is_ready and (info := _ask(worker)):
        return Known(info)
    return kept


def _ask(worker: ComfyConnector) -> ObjectInfo | None:
    """None: it does not answer."""
    with ThreadPoolExecutor(1) as thread:  # this one may have an event loop that runs
        try:
            return thread.submit(asyncio.run, worker.object_info_index()).result()
        except ExecutionError:
            return None


def _identity(worker: ComfyConnector) -> Identity | None:
    try:
        return worker.identity()
    except WorkerStartError:
        return None


def kept_classes(identity: Identity | None) -> Known:
    """What was kept of a ComfyUI; of another one, or an older state, with a word about it.

    Raises:
        WorkflowError: nothing is kept; says what to do.
    """
    kept = find_kept(identity)
    if kept is None:
        raise WorkflowError(
            f"No node classes are known yet: no ComfyUI was started by Discomfort. {_REMEDY}"
        )
    info = ClassIndex().of(kept.object_info, kept.pack_rules)
    return Known(info, tuple(_word(kept, identity)))


def _word(kept: KeptClasses, identity: Identity | None) -> list[str]:
    found = kept.identity
    if identity == found and found.packs:
        return []
    date = time.strftime("%Y-%m-%d %H:%M", time.localtime(kept.saved_at))
    if identity is None:
        return [f"No ComfyUI was found. This goes by the one at {found.place}, as of {date}."]
    if identity.place != found.place:
        return [
            f"The ComfyUI at {identity.place} was not started yet. This goes by the one at "
            f"{found.place}, as of {date}. {_REMEDY}"
        ]
    if identity.version != found.version:
        what = f"it was version {found.version or 'unknown'}, and is {identity.version} now"
    elif identity.packs != found.packs:
        what = "its node packs have changed since"
    else:
        what = "whether it has changed since is not known"
    return [f"This goes by the ComfyUI at {found.place}, as of {date}: {what}. {_REMEDY}"]
