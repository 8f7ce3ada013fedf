"""The context that a run works on: the caller's, or a temporary one that the facade lends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ..workflow_context import WorkflowContext

# Each holds a few open files, and a process may have 1,024, or 256 on macOS.
_MOST_SPARE = 8


class TemporaryContexts:
    """Temporary contexts; some are kept, empty, for the next run: folders are slow to make."""

    def __init__(self) -> None:
        self._spare: list[WorkflowContext] = []

    @contextmanager
    def use(self, given: WorkflowContext | None) -> Iterator[WorkflowContext]:
        """The given context, which stays as it is; else a temporary one, emptied at the end.

        Raises:
            TypeError: it is no context.
        """
        if given is not None:
            if not isinstance(given, WorkflowContext):
                raise TypeError(
                    "context must be a WorkflowContext, made by discomfort.Context(), "
                    f"not {given!r}."
                )
            yield given
            return
        context = self._spare.pop() if self._spare else WorkflowContext()
        try:
            yield context
            context.internal.clear()
        except BaseException:
            context.shutdown()
            raise
        if len(self._spare) < _MOST_SPARE:
            self._spare.append(context)
        else:
            context.shutdown()

    def close(self) -> None:
        while self._spare:
            self._spare.pop().shutdown()
