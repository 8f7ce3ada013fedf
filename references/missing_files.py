"""Says of references that are made that a file which they name is not there.

Nothing is run when one is made, so ComfyUI would refuse it only where it is used.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING

from ..errors import CHECK_HINT
from ..graph.needs.files import find_unlisted
from ..graph.needs.values import Kind
from ..graph.node_classes.object_info import ObjectInfo
from .registry import Reference

if TYPE_CHECKING:
    from ..comfy_serverless import ComfyConnector

log = logging.getLogger("discomfort.references")


async def warn_of_missing_files(
    references: Iterable[Reference], info: ObjectInfo, worker: ComfyConnector
) -> None:
    """Warn of each reference that is new and names a model, or an input file, that is missing.

    Args:
        info: what is known of the server. It is asked anew before anything is said: files may have
            been added since.
    """
    made = [r for r in references if r.workflow is not None]
    if not any(_missing(r, info, worker) for r in made):
        return
    await worker.look_again()
    info = await worker.object_info_index()
    for reference in made:
        names = ", ".join(map(repr, _missing(reference, info, worker)))
        if names:
            log.warning(
                "The reference %r is made, but this ComfyUI lacks what it names: %s. %s",
                reference.unique_id,
                names,
                CHECK_HINT,
            )


def _missing(reference: Reference, info: ObjectInfo, worker: ComfyConnector) -> list[str]:
    found = find_unlisted(reference.recipe.nodes, info)
    inputs = {n.name for n in found if n.kind is Kind.INPUT}
    there = worker.existing_files(inputs) if inputs else ()
    names = (n.name for n in found if n.kind is not Kind.CHOICE and n.name not in there)
    return list(dict.fromkeys(names))
