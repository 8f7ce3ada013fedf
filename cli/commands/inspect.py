"""`discomfort inspect`: what a workflow is made of."""

from __future__ import annotations

from ..options import ConfigOption, JsonOption, WorkflowArgument
from ..output import answer
from ..shell_words import in_shell_words


def inspect(
    workflow: WorkflowArgument, config: ConfigOption = None, json: JsonOption = False
) -> None:
    """Show what a workflow is made of: ports, markers, and all that can be addressed.

    Nothing is started: it goes by the node classes that are known of your ComfyUI since its last
    start, and says so where they may have changed.

    Example: discomfort inspect flux.json
    """
    from ...inspection.inspect import inspect as look

    found = look(workflow, config_path=config)
    answer(json, "inspect", in_shell_words(str(found)), {"workflow": workflow, **found.to_json()})
