"""Discomfort, the facade: a worker, contexts and tools, and `run`, which puts them together."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if not __package__:
    # A script in this very folder finds this file in place of the package: load the package.
    _spec = importlib.util.spec_from_file_location(
        "discomfort",
        Path(__file__).with_name("__init__.py"),
        submodule_search_locations=[str(Path(__file__).parent)],
    )
    assert _spec and _spec.loader
    sys.modules["discomfort"] = importlib.util.module_from_spec(_spec)
    _spec.loader.exec_module(sys.modules["discomfort"])
    __package__ = "discomfort"
    if __name__ == "__main__":  # `python -m discomfort` in this very folder
        import runpy

        runpy.run_module("discomfort", run_name="__main__")

from .comfy_serverless import ComfyConnector
from .run.options import Options, check_record, check_stream_options
from .system.paused_collector import paused_collector
from .workflow_context import WorkflowContext

# The rest comes with the first use: a script that joins a worker waits for every module.
if TYPE_CHECKING:
    from typing_extensions import Unpack

    from .events import EventStream
    from .inspection.inspection import Inspection
    from .missing.check_result import Check
    from .missing.download_list import Downloads
    from .missing.fetch_models import Confirm, OnProgress
    from .run.dry_run import RunPlan
    from .run.engine import Workflows
    from .run.options import RunOptions
    from .run.results import Results
    from .workflow_functions.function import WorkflowFunction
    from .workflow_functions.function_results import FunctionResults


class Discomfort:
    """Runs workflows with ports on a nested ComfyUI.

    Make one with `await Discomfort.create()`; end it with `await discomfort.shutdown()`, or use
    `async with await Discomfort.create() as discomfort`.

    Attributes:
        Context: the class WorkflowContext.
        Tools: a WorkflowTools.
        Worker: the ComfyConnector.
    """

    Context = WorkflowContext

    def __init__(self, worker: ComfyConnector, record: bool | str | None = None):
        with paused_collector():
            from .run.engine import Engine
            from .workflow_tools import WorkflowTools

        self.Worker = worker
        self.Tools = WorkflowTools(worker=worker)
        self._engine = Engine(worker, lambda: self.Tools.pass_by_rules, record)

    @classmethod
    async def create(
        cls,
        config_path: str | Path | None = None,
        *,
        url: str | None = None,
        cuda_device: int | None = None,
        record: bool | str | None = None,
        output_directory: str | Path | None = None,
        start_timeout: float | None = None,
        keep_warm: float | None = None,
    ) -> Discomfort:
        """Start the worker, or join the one that this process has.

        Args:
            config_path: a file like comfy_serverless.json; None: the packaged one.
            url: a ComfyUI with this extension that runs already; nothing is started then.
            cuda_device: the GPU that the worker is to use; another number is another worker.
            record: keep a record of what runs do (texts, numbers, small pictures, the workflows)
                in the user's data folder, private to the user, for the editor's sidebar tab
                "Discomfort". A text is its title. None: as workflow_context.json says.
            output_directory: where SaveImage and others save. None: a folder of the worker's own,
                which stays until this process ends; `results.save_files(folder)` copies from it.
            start_timeout: seconds to wait for the start of the worker. None: as long as it gets
                on, or as comfy_serverless.json says.
            keep_warm: seconds that the worker waits, idle and empty but for its models, for the
                next script when this one has ended. None: KEEP_WARM_S in comfy_serverless.json,
                else DISCOMFORT_KEEP_WARM in the environment, else 300 in a notebook; elsewhere a
                worker that waits is taken and left as it was, and one that is started ends. 0:
                neither.

        Raises:
            ConfigError: a configuration that can't be used.
            WorkerStartError: no ComfyUI was found, or it did not get ready; says why and what to
                do.
        """
        check_record(record)
        worker = await ComfyConnector.create(
            config_path,
            url=url,
            cuda_device=cuda_device,
            output_directory=output_directory,
            start_timeout=start_timeout,
            keep_warm=keep_warm,
        )
        worker.expect_classes()  # what answers is another process: it does while this one imports
        return cls(worker, record)

    async def run(
        self,
        workflows: Workflows,
        inputs: Mapping[str, Any] | None = None,
        iterations: int | None = 1,
        use_ram: bool = True,
        context: WorkflowContext | None = None,
        *,
        until: Callable[[WorkflowContext], Any] | None = None,
        on_event: Callable[[Any], Any] | None = None,
        progress: bool | None = None,
        timeout: float | None = None,
        retries: int = 0,
        randomize_seeds: bool = False,
        seed: int | None = None,
        record: bool | str | None = None,
        outputs: Sequence[str] | None = None,
        api_nodes: bool | None = None,
    ) -> Results:
        """Run workflows in order, `iterations` times.

        What one saves the next can read, also in the next iteration.

        Args:
            workflows: paths (JSON, or a picture that ComfyUI saved), workflow dicts or API
                prompts; one or many.
            inputs: unique_id -> value; saved to the context first. Also `"node.input"`, by the
                node's id, title or class: a widget, a socket, a subgraph's widget. That acts in
                this call alone, and is not saved.
            iterations: how often; None only with `until`.
            use_ram: keep what is saved in shared memory (else on disk).
            context: where values are kept. None: a temporary one, removed at the end.
            until: called with the context after each iteration (plain or async); true ends the run.
            on_event: called with each event (events.py), on the event loop. Whatever it raises ends
                the run, interrupts the worker, and is raised once that is idle.
            progress: show a bar; None: in a terminal or notebook only.
            timeout: seconds for the whole call, without the start of a worker; then RunTimeout. The
                worker has 5 s more to end what runs; one that has not by then (or does not answer)
                is not waited for, and the error says what may still run.
            retries: how often a workflow is run again when the worker died, at its start too.
            randomize_seeds: change the seeds before each run of a workflow, as the editor does
                when it queues: as the "control after generate" beside each says. False: a seed
                has the value in the file. References keep the value in the file.
            seed: makes what `randomize_seeds` draws repeatable.
            record: whether this run is recorded, and its title; None: as `create` was told.
                Recorded runs on one context, or on none, are one record.
            outputs: what is wanted beside the OUTPUT ports: `"node.output"`, or a node alone, by
                id, title or class. None: of a workflow without OUTPUT ports, what its output nodes
                show or save. These are results only, and are not saved to the context.
            api_nodes: False refuses workflows, and references that they read, with API nodes, which
                work elsewhere for credits, before anything is queued. None, True: they run, with
                the key in COMFY_ORG_API_KEY (environment or comfy_serverless.json), which goes to
                ComfyUI's own API nodes and nowhere else.

        Returns:
            A dict, `Results`: unique_id -> last value of every OUTPUT; a reference gives the
            workflow that makes it. Of a workflow without OUTPUTs, what its output nodes show or
            save, by their titles. Its `files` are those that nodes saved, and
            `save_files(folder)` copies them. A VIDEO is a dict of "images", "audio", "frame_rate"
            and "file", the bytes of the file that it was read from.
            Tensors may be mapped from shared memory; changing them changes nothing in the store.
            An object whose class this process does not have can be saved and given to another run;
            anything else that is asked of it raises UnopenedValueError.

        Raises:
            FileNotFoundError, TypeError, ValueError (WorkflowError, MissingInputError): before
                anything runs.
            ExecutionError: ValidationFailed, NodeFailed, WorkerDied, RunTimeout, RunInterrupted.
                The worker and the context can be used again, and what was saved is still there.
        """
        options = Options(
            iterations=iterations,
            use_ram=use_ram,
            until=until,
            on_event=on_event,
            progress=progress,
            timeout=timeout,
            retries=retries,
            randomize_seeds=randomize_seeds,
            seed=seed,
            record=record,
            outputs=outputs,
            api_nodes=api_nodes,
        )
        return await self._engine.run(workflows, inputs, options, context)

    def workflow(self, workflows: Workflows) -> WorkflowFunction[FunctionResults]:
        """A workflow as a function: `result = await enhance(picture=picture, detail=0.01)`.

        Inputs are its ports, by name; what the file has a value for may be left out.
        `help(enhance)` shows them with types, values, ranges and choices; `result.picture` is
        `result["picture"]`. `enhance.using(timeout=60, context=context)` is the same function with
        options of `run`. A file that has changed is seen by the next call.

        Args:
            workflows: as of `run`; several run in turn.

        Raises:
            FileNotFoundError, TypeError, WorkflowError: it is no workflow.
        """
        from .workflow_functions.function import WorkflowFunction

        return WorkflowFunction(self._engine, workflows)

    def stream(
        self,
        workflows: Workflows,
        inputs: Mapping[str, Any] | None = None,
        iterations: int | None = 1,
        use_ram: bool = True,
        context: WorkflowContext | None = None,
        **options: Unpack[RunOptions],
    ) -> EventStream:
        """`run` as an async iterator of its events (events.py); the last has the results.

            async with discomfort.stream("workflow.json", {"picture": picture}) as events:
                async for event in events:
                    if isinstance(event, Preview) and is_bad(event.image):
                        break

        Leaving the loop ends the run and interrupts the worker; the end of the block waits until
        the worker is idle. A slow loop keeps nothing waiting: it gets all events, but of each
        node's steps and previews that wait only the newest.

        Args:
            options: the others of `run`, but `on_event`.

        Raises:
            What `run` raises, in the loop.
        """
        check_stream_options(options)
        chosen = Options(iterations=iterations, use_ram=use_ram, **options)
        return self._engine.stream(workflows, inputs, chosen, context)

    async def plan(
        self,
        workflows: Workflows,
        inputs: Mapping[str, Any] | None = None,
        context: WorkflowContext | None = None,
        *,
        outputs: Sequence[str] | None = None,
        api_nodes: bool | None = None,
    ) -> RunPlan:
        """What `run` with these arguments would do in its first iteration.

        Nothing is executed, and nothing is saved: inputs are looked at only. A missing input is
        told in the plan. Whether ComfyUI takes the values in the workflow (a number out of range, a
        file that is not there) shows when it is queued, and not here.

        Args: as of `run`.

        Returns:
            A plan to print, or to look at in a notebook; `plan.save("plan.svg")` draws it.

        Raises:
            FileNotFoundError, TypeError, WorkflowError: what `run` would raise before it starts,
                but for missing inputs.
        """
        return await self._engine.plan(workflows, inputs, context, outputs, api_nodes)

    async def check(
        self,
        workflows: Workflows,
        inputs: Mapping[str, Any] | None = None,
        context: WorkflowContext | None = None,
    ) -> Check:
        """What the workflows need and the server lacks, all at once, with the remedy.

        Node packs with the command that installs each, packs that did not load with the reason,
        models and input files with the nearest name and where the workflow says they are from,
        nodes that ask a paid service. Also of references. Nothing is executed or saved.

        Args: as of `run`.

        Returns:
            A `Check` to print, or to look at: `is_ready`, `packs`, `models`, `to_json()`, ...

        Raises:
            FileNotFoundError, TypeError, WorkflowError: what is no workflow.
        """
        from .missing.check import check

        return await check(self._engine, workflows, inputs, context)

    async def fetch_models(
        self,
        workflows: Workflows,
        inputs: Mapping[str, Any] | None = None,
        context: WorkflowContext | None = None,
        *,
        confirm: Confirm = None,
        allow_pickle: bool = False,
        allow_private: bool = False,
        progress: bool | OnProgress | None = None,
    ) -> Downloads:
        """Download the models that the workflows need and the server lacks, from where they say.

        Each goes into ComfyUI's folder of its kind, and replaces nothing. One that broke is gone
        on with by the next call.

        Args:
            confirm: None: nothing is downloaded, only listed. True: all. A function (plain or
                async) is asked for each, with its `url`, `size_bytes`, `folder` and `sha256`.
            allow_pickle: also formats that may run code when they are read (.ckpt, .pt, ...).
            allow_private: also from this machine and private networks.
            progress: show a bar, or call a function with (download, bytes so far, bytes in all);
                None: a bar in a terminal or notebook only.

        Returns:
            What was asked for, one `Download` each, with its `state` and the reason.

        Raises:
            DownloadError: some did not come; `downloads` has all.
            What `check` raises.
        """
        from .missing.fetch_models import FetchOptions, fetch_models

        options = FetchOptions(confirm, allow_pickle, allow_private, progress)
        return await fetch_models(self._engine, workflows, inputs, context, options)

    def inspect(self, workflow: str | Path | Mapping[str, Any]) -> Inspection:
        """What a workflow is made of: its ports, other tools' markers, and all that could be given
        or asked for by an address. Runs nothing; needs no ComfyUI that is started.

        It goes by the node classes of this worker; before its first run or plan by the last that
        are known of its ComfyUI. `discomfort.inspect(workflow)` does the same without an object.

        Raises:
            FileNotFoundError, TypeError, WorkflowError: it is no workflow.
        """
        from .inspection.inspect import inspect_on

        return inspect_on(workflow, self.Worker)

    async def free(self, unique_id: str | None = None) -> None:
        """Have the worker let go of models that it keeps for the next run.

        The references stay; the next use loads again. Without being asked, the models that were
        not used for longest go when another needs the room.

        Args:
            unique_id: the reference whose models are not needed for now. None: all, and whatever
                else ComfyUI has cached. A worker whose cache mode was set in EXTRA_ARGS, to
                --cache-lru for instance, lets go of all only. One that nothing is kept for is
                told in the log.
        """
        await self._engine.free(unique_id)

    async def shutdown(self) -> None:
        """End the worker, if nobody else in this process uses it. May be called twice."""
        await self._engine.shutdown()

    async def __aenter__(self) -> Discomfort:
        self._engine.check_open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.shutdown()
