"""`discomfort stubs`: the ports of workflows, for editors and type checkers."""

from __future__ import annotations

from typing import Annotated

import typer

from ..complete import complete_workflow
from ..failures import DONE, FAILED
from ..options import ConfigOption, JsonOption
from ..output import answer, say

FilesArgument = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="WORKFLOW",
        autocompletion=complete_workflow,
        help="Workflow files. Default: those that the stub there was made of.",
    ),
]
StubOption = Annotated[
    str,
    typer.Option(
        "--output",
        "-o",
        metavar="FILE",
        show_default=False,
        help="The stub; the module that loads the workflows is written beside it, as .py. Default: "
        "workflows.pyi.",
    ),
]
CheckOption = Annotated[
    bool,
    typer.Option(
        "--check", help="Write nothing: tell whether the stub is stale, with exit code 1 if it is."
    ),
]


def stubs(
    workflows: FilesArgument = None,
    output: StubOption = "workflows.pyi",
    is_check: CheckOption = False,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> int:
    """Write what editors and type checkers need to know of workflows: their ports, with types.

    `import workflows` then has each workflow as a function, whose arguments are completed and
    checked. Nothing is started.

    Example: discomfort stubs enhance.json soften.json -o workflows.pyi
    """
    from ...workflow_functions.stub_files import find_stale, write_stubs

    files = workflows or []
    if is_check:
        stale = find_stale(files, output, config_path=config)
        again = "\nWrite it again: discomfort stubs -o " + output
        text = "\n".join(stale) + again if stale else f"{output} is up to date."
        answer(json, "stubs", text, {"stub": output, "is_stale": bool(stale), "reasons": stale})
        return FAILED if stale else DONE
    made = write_stubs(files, output, config_path=config)
    if not json:
        for note in made.notes:
            say(f"Note: {note}")
    written = [str(path) for path in made.paths]
    answer(json, "stubs", "\n".join(written), {"files": written, "notes": made.notes})
    return DONE
