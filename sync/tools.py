"""WorkflowTools without `await`: one of its methods runs something."""

from __future__ import annotations

from typing import Any

from ..workflow_tools import WorkflowTools as AsyncTools
from .loop_thread import loop_thread


class WorkflowTools(AsyncTools):
    """What can be done with workflows and pictures, as the asynchronous class has it."""

    def run_sequential(self, *arguments: Any, **options: Any) -> dict[str, Any]:  # type: ignore[override]
        """`Discomfort.run` on the process's worker, or on that of the Discomfort whose `Tools` this
        is; arguments as of the asynchronous one.
        """
        run = super().run_sequential
        return loop_thread().wait(lambda _: run(*arguments, **options))
