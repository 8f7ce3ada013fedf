"""`discomfort convert`: a workflow as the prompt that ComfyUI's API takes."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from ..failures import UsageFailed
from ..named_files import check_file, write_json_file
from ..options import JsonOption, OutputFileOption, WorkflowArgument
from ..output import answer, say, write_indented
from ..worker import WorkerChoice, with_worker

_START = Annotated[
    bool,
    typer.Option(
        "--start",
        help="Start ComfyUI, and go by its nodes. Default: by those that are known since its last "
        "start.",
    ),
]


def convert(
    workflow: WorkflowArgument,
    worker: WorkerChoice,
    output: OutputFileOption = None,
    start: _START = False,
    json: JsonOption = False,
) -> None:
    """Convert a workflow to an API prompt, as the editor's "Export (API)" does.

    The prompt is printed as JSON, or written to a file.

    Example: discomfort convert flux.json -o prompt.json
    """
    check_file(output)
    if start or worker.url is not None:
        prompt = with_worker(
            worker, lambda discomfort: discomfort.Worker.get_prompt_from_workflow(workflow)
        )
    else:
        prompt = _convert_by_known(workflow, worker)
    fields: dict[str, Any] = {"workflow": workflow, "prompt": prompt}
    if output is not None:
        write_json_file(output, prompt)
        fields["file"] = output
        answer(json, "convert", f"{output} is written.", fields)
    elif json:
        answer(json, "convert", "", fields)
    else:
        write_indented(prompt)


def _convert_by_known(workflow: str, worker: WorkerChoice) -> dict[str, Any]:
    from ...graph.convert.to_prompt import to_prompt
    from ...graph.prompt import is_prompt
    from ...inspection.known_classes import known_classes
    from ...workflows.files import read_workflow

    if worker.device is not None or worker.start_timeout is not None:
        raise UsageFailed("--device and --start-timeout are for a start: say --start, too.")
    data = read_workflow(workflow)
    if is_prompt(data):
        return data
    known = known_classes(config_path=worker.config)
    for note in known.notes:
        say(note)
    return to_prompt(data, known.info)
