"""`discomfort stitch`: several workflows as one."""

from __future__ import annotations

from typing import Annotated

import typer

from ..named_files import check_file, write_json_file
from ..options import JsonOption, OutputFileOption, WorkflowsArgument
from ..output import answer, write_indented

_INPUTS = Annotated[
    bool,
    typer.Option(
        "--delete-input-ports",
        help="Leave out INPUT ports that nothing feeds then. Default: they stay.",
    ),
]
_OUTPUTS = Annotated[
    bool,
    typer.Option(
        "--delete-output-ports",
        help="Leave out OUTPUT ports that nothing uses then. Default: they stay.",
    ),
]


def stitch(
    workflows: WorkflowsArgument,
    output: OutputFileOption = None,
    delete_input_ports: _INPUTS = False,
    delete_output_ports: _OUTPUTS = False,
    json: JsonOption = False,
) -> None:
    """Join workflows at their ports into one that opens in the editor, side by side.

    An OUTPUT of an earlier one is linked to the INPUTs of its name in later ones. The workflow is
    printed as JSON, or written to a file. Nothing is started.

    Example: discomfort stitch load.json sample.json decode.json -o all.json
    """
    from ...workflow_tools import WorkflowTools

    check_file(output)
    made = WorkflowTools().stitch_workflows(
        list(workflows), delete_input_ports, delete_output_ports
    )
    fields = {"workflows": workflows, **made}
    if output is not None:
        write_json_file(output, made["stitched_workflow"])
        fields["file"] = output
        answer(json, "stitch", f"{output} is written.", fields)
    elif json:
        answer(json, "stitch", "", fields)
    else:
        write_indented(made["stitched_workflow"])
