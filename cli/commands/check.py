"""`discomfort check`: what a workflow needs and ComfyUI lacks."""

from __future__ import annotations

from ..failures import DONE, REFUSED
from ..options import JsonOption, WorkflowsArgument
from ..output import answer
from ..shell_words import in_shell_words
from ..worker import WorkerChoice, with_worker


def check(workflows: WorkflowsArgument, worker: WorkerChoice, json: JsonOption = False) -> int:
    """Tell what workflows need and your ComfyUI lacks: node packs, models, files, keys.

    Each with what to do about it. ComfyUI is started and asked; nothing is run. The exit code is 0
    when nothing is missing, else 4.

    Example: discomfort check flux.json
    """
    found = with_worker(worker, lambda discomfort: discomfort.check(workflows))
    answer(json, "check", in_shell_words(str(found)), {"workflows": workflows, **found.to_json()})
    return DONE if found.is_ready else REFUSED
