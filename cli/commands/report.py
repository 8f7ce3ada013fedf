"""`discomfort report`: a file for a bug report."""

from __future__ import annotations

from typing import Annotated

import typer

from ..options import ConfigOption, JsonOption
from ..output import answer, for_terminal, write

_OUTPUT = Annotated[
    str,
    typer.Option(
        "--output",
        "-o",
        metavar="FILE",
        show_default=False,
        help="The file; - prints it. Default: discomfort-report.txt.",
    ),
]


def report(
    output: _OUTPUT = "discomfort-report.txt", config: ConfigOption = None, json: JsonOption = False
) -> None:
    """Write a file to attach to a bug report: versions, findings, logs, no secrets.

    Keys, your name, home folder and the machine's name are taken out. Logs may hold texts of your
    workflows: look through it before you send it.

    Example: discomfort report -o report.txt
    """
    from ..bug_report import make_report
    from ..named_files import check_file, write_text_file

    check_file(output)
    text = make_report(config)
    if output == "-" and not json:
        write(for_terminal(text))
        return
    if output != "-":
        write_text_file(output, text)
    is_told = f"{output} is written. Look through it before you send it: logs may hold texts."
    answer(json, "report", is_told, {"file": output} if output != "-" else {"report": text})
