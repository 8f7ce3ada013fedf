"""`discomfort run`: runs workflows with what is typed, and writes what they give."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer

from ..complete import complete_run
from ..options import JsonOption
from ..worker import WorkerChoice, with_worker

_WORDS = Annotated[
    list[str],
    typer.Argument(
        metavar="WORKFLOW|NAME=VALUE",
        autocompletion=complete_run,
        help="Workflows, in the order in which they run, and values: NAME is a port, another "
        "tool's marker, or an input of any node (3.seed, KSampler.seed). VALUE is read by the "
        "port's type; NAME=@FILE takes it from a file (a picture, sound, video, text, JSON), "
        "NAME=@- from standard input, NAME=@@TEXT is a text that begins with @.",
    ),
]


@dataclass(frozen=True, slots=True)
class RunChoice:
    """How workflows are run."""

    iterations: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="How often. Default: 1; with --until no limit."),
    ] = None
    until: Annotated[
        str | None,
        typer.Option(
            metavar="CONDITION",
            help="End when this is true after an iteration: a comparison of ports, as "
            '"quality >= 0.7 and i > 3", where i counts iterations. Default: none.',
        ),
    ] = None
    seed: Annotated[
        int | None,
        typer.Option(
            metavar="N", help="Makes what --randomize-seeds draws repeatable. Default: none."
        ),
    ] = None
    randomize_seeds: Annotated[
        bool,
        typer.Option(
            "--randomize-seeds",
            help="Change seeds as the editor does when it queues. Default: as in the file.",
        ),
    ] = False
    want: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NODE.OUTPUT",
            help="What is wanted beside OUTPUT ports; may be given several times. Default: of a "
            "workflow without OUTPUT ports, what its output nodes show or save.",
        ),
    ] = None
    timeout: Annotated[
        float | None,
        typer.Option(
            metavar="SECONDS",
            help="For each run, without the start of ComfyUI. Default: no limit.",
        ),
    ] = None
    retries: Annotated[
        int,
        typer.Option(
            metavar="N",
            min=0,
            help="How often a workflow is run again when ComfyUI died. Default: 0.",
            show_default=False,
        ),
    ] = 0
    no_api_nodes: Annotated[
        bool,
        typer.Option(
            "--no-api-nodes",
            help="Refuse workflows with API nodes, which cost credits. Default: they run.",
        ),
    ] = False
    record: Annotated[
        str | None,
        typer.Option(
            metavar="TITLE",
            help="Keep a record for the sidebar tab Discomfort of your ComfyUI. Default: none.",
        ),
    ] = None
    watch: Annotated[
        bool,
        typer.Option(
            "--watch",
            help="Run again whenever a workflow or a @FILE has changed, until Ctrl+C.",
        ),
    ] = False
    allow_pickle: Annotated[
        bool,
        typer.Option(
            "--allow-pickle",
            help="Read @FILE.pkl, too, which runs what stands in it. Default: refused.",
        ),
    ] = False


@dataclass(frozen=True, slots=True)
class OutputChoice:
    """Where results go."""

    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            metavar="DIR",
            help="Write all results there: pictures .png, sound .wav, video .mp4, text .txt, other "
            "values .json or .pkl, and what nodes saved. Default: pictures, sound, video and what "
            "nodes saved go to ./output, the rest is only printed.",
        ),
    ] = None
    force: Annotated[
        bool,
        typer.Option(
            "--force",
            help="Replace files of the same names. Default: new ones get a number.",
        ),
    ] = False
    events: Annotated[
        bool,
        typer.Option(
            "--events",
            help="Print what happens as it does, one JSON object a line; the last one is that of "
            "--json.",
        ),
    ] = False


def run(
    words: _WORDS,
    how: RunChoice,
    output: OutputChoice,
    worker: WorkerChoice,
    json: JsonOption = False,
) -> None:
    """Run workflows with the values that are typed, and write what they give.

    A text for a STRING is the text itself; for a number, true or false and lists it is JSON; for a
    dropdown the choice. Progress is shown on standard error while that is a terminal.

    Example: discomfort run flux.json text="a cat" seed=7 picture=@photo.jpg -o out
    """
    from ..run_workflows import Asked, Typed, run_typed

    typed = Typed.of_words(words, how.allow_pickle)
    asked = Asked(how, output, json or output.events)
    asked.where.check()
    with typed.files() as files:
        with_worker(worker, lambda discomfort: run_typed(discomfort, typed, files, asked))
