"""The one place where the command line makes a `Discomfort`, and the options for it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from .log import show_log

if TYPE_CHECKING:
    from ..discomfort import Discomfort

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class WorkerChoice:
    """Which ComfyUI works: the options of `Discomfort.create`."""

    config: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="A file like comfy_serverless.json. Default: the packaged one.",
        ),
    ] = None
    url: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="A ComfyUI with this extension that runs already, as 127.0.0.1:8188. Default: "
            "start one of its own.",
        ),
    ] = None
    device: Annotated[
        int | None,
        typer.Option(metavar="N", help="The number of the GPU to use. Default: ComfyUI chooses."),
    ] = None
    start_timeout: Annotated[
        float | None,
        typer.Option(
            metavar="SECONDS",
            help="How long to wait for the start of ComfyUI. Default: as long as it gets on.",
        ),
    ] = None
    keep_warm: Annotated[
        float | None,
        typer.Option(
            metavar="SECONDS",
            help="How long ComfyUI stays, idle, for the next command or script. 0: it ends with "
            "this one. Default: as configured (KEEP_WARM_S, DISCOMFORT_KEEP_WARM), else 300.",
        ),
    ] = None
    verbose: Annotated[
        bool,
        typer.Option("--verbose", help="Show what is done, and the traceback of an error."),
    ] = False


@contextlib.asynccontextmanager
async def opened(choice: WorkerChoice, **options: Any) -> AsyncIterator[Discomfort]:
    """A Discomfort, shut down at the end.

    Args:
        options: further ones of `Discomfort.create`.
    """
    from ..discomfort import Discomfort

    made = await Discomfort.create(
        choice.config,
        url=choice.url,
        cuda_device=choice.device,
        start_timeout=choice.start_timeout,
        keep_warm=_keep_warm(choice),
        **options,
    )
    async with made as discomfort:
        yield discomfort


def _keep_warm(choice: WorkerChoice) -> float | None:
    """What is asked for or configured; on by itself, which is said in a line then."""
    from ..system.config import WorkerConfig, load_config
    from ..worker.keep_warm import DEFAULT_S, keep_warm_s
    from ..worker.launch.settings import CONFIG_NAME

    if choice.url is not None:
        return choice.keep_warm
    config = load_config(WorkerConfig, CONFIG_NAME, choice.config)
    if config.ATTACH_URL:
        return None
    return keep_warm_s(choice.keep_warm, config.KEEP_WARM_S, default_s=DEFAULT_S)


def with_worker(
    choice: WorkerChoice, work: Callable[[Discomfort], Coroutine[Any, Any, T]], **options: Any
) -> T:
    """What `work` gives with a Discomfort, which is made for it."""

    async def run() -> T:
        async with opened(choice, **options) as discomfort:
            return await work(discomfort)

    with show_log(choice.verbose):
        return asyncio.run(run())
