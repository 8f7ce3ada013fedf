"""`discomfort plan`: what a run would do."""

from __future__ import annotations

import os
from typing import Annotated, Any

import typer

from ..complete import complete_run
from ..failures import DONE, REFUSED, UsageFailed
from ..options import JsonOption
from ..output import answer
from ..shell_words import in_shell_words
from ..worker import WorkerChoice, with_worker

_WORDS = Annotated[
    list[str],
    typer.Argument(
        metavar="WORKFLOW|NAME=VALUE",
        autocompletion=complete_run,
        help="Workflows and values, as `discomfort run` takes them.",
    ),
]
_SVG = Annotated[
    str | None,
    typer.Option(
        "--svg", metavar="FILE", help="Draw it, too: a file that ends in .svg. Default: none."
    ),
]
_PICKLE = Annotated[
    bool,
    typer.Option(
        "--allow-pickle",
        help="Read @FILE.pkl, too, which runs what stands in it. Default: refused.",
    ),
]


def plan(
    words: _WORDS,
    worker: WorkerChoice,
    svg: _SVG = None,
    allow_pickle: _PICKLE = False,
    json: JsonOption = False,
) -> int:
    """Tell what a run would do, and run nothing: ports, values, nodes that run, what is cached.

    ComfyUI is started and asked for its nodes. The exit code is 4 when a value is missing, else 0.

    Example: discomfort plan flux.json text="a cat" --svg plan.svg
    """
    from ..named_files import check_file, write_text_file
    from ..plan_as_json import plan_as_json
    from ..run_workflows import Typed
    from ..typed_inputs import inputs_of

    _check_svg(svg)
    check_file(svg)
    typed = Typed.of_words(words, allow_pickle)

    async def work(discomfort: Any) -> Any:
        inputs, _ = await inputs_of(discomfort, typed.workflows, typed.given, files)
        return await discomfort.plan(list(typed.workflows), inputs)

    with typed.files() as files:
        found = with_worker(worker, work)
    fields = {"workflows": list(typed.workflows), **plan_as_json(found)}
    if svg is not None:
        write_text_file(svg, found.svg())
        fields["svg"] = svg
    answer(json, "plan", in_shell_words(str(found)), fields)
    return REFUSED if found.missing else DONE


def _check_svg(name: str | None) -> None:
    if name and not os.path.splitext(name)[1].lower() == ".svg":
        raise UsageFailed(f"A plan is drawn as a picture: the name must end in .svg: {name}")
