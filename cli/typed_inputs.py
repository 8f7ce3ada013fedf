"""The values that were typed, as `Discomfort.run` takes them: read by the types of their ports."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .known_inputs import KnownInputs, find_inputs
from .typed_values import Assignment, check_names, value_of_text
from .value_files import ValueFile, read_value

if TYPE_CHECKING:
    from ..discomfort import Discomfort


async def inputs_of(
    discomfort: Discomfort,
    workflows: Sequence[str],
    given: Sequence[Assignment],
    files: Mapping[str, ValueFile],
) -> tuple[dict[str, Any], KnownInputs]:
    """The values by name, and all that could be given.

    Raises:
        WorkflowError: a name that the workflows have not, or a value that its port can't take.
    """
    names = [one.name for one in given]
    known = await find_inputs(discomfort, workflows, names)
    check_names(names, list(known.kinds))

    def read() -> dict[str, Any]:
        return {one.name: _value(one, files, known) for one in given}

    return await asyncio.to_thread(read), known


def _value(one: Assignment, files: Mapping[str, ValueFile], known: KnownInputs) -> Any:
    kind, choices = known.kinds[one.name], known.choices.get(one.name)
    if one.text is not None:
        return value_of_text(one.name, one.text, kind, choices)
    return read_value(files[one.name], kind, choices)
