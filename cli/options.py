"""Arguments and options that several commands have, each with its words, in one place."""

from __future__ import annotations

from typing import Annotated

import typer

from .complete import complete_workflow

JsonOption = Annotated[
    bool,
    typer.Option("--json", help="Print one JSON object on standard output, and nothing else."),
]
WorkflowArgument = Annotated[
    str,
    typer.Argument(
        metavar="WORKFLOW",
        autocompletion=complete_workflow,
        help="A workflow (JSON), an API prompt, or a picture that ComfyUI saved.",
    ),
]
WorkflowsArgument = Annotated[
    list[str],
    typer.Argument(
        metavar="WORKFLOW",
        autocompletion=complete_workflow,
        help="Workflows (JSON), API prompts, or pictures that ComfyUI saved, in order.",
    ),
]
ConfigOption = Annotated[
    str | None,
    typer.Option(
        metavar="FILE",
        help="A file like comfy_serverless.json. Default: the packaged one.",
    ),
]
OutputFileOption = Annotated[
    str | None,
    typer.Option(
        "--output",
        "-o",
        metavar="FILE",
        help="Write it to this file, in place of what is there. Default: it is printed.",
    ),
]
