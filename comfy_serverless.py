"""ComfyConnector: launches a nested ComfyUI and drives it. Usable without the rest of the package.

connector = await ComfyConnector.create()
history = await connector.run_workflow("workflow.json")
await connector.kill_api()
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import ExecutionError, WorkerDied
from .graph.plan.internal_nodes import refuse_internal
from .graph.prompt import is_prompt
from .system.config import WorkerConfig, read_json
from .system.ctrl_c import heard
from .system.login import Login
from .worker.client.event_stream import EventStream, stream_events
from .worker.client.events import Event
from .worker.client.options import ExecuteOptions, OwnOptions, StreamOptions
from .worker.client.run_state import RunResult
from .worker.client.uploads import target_folder
from .worker.keep_warm import keep_warm_s
from .worker.kept_classes import Identity, identity_of, keep_later, keep_now
from .worker.launch.settings import WorkerOptions, read_config
from .worker.own_output import say_where
from .worker.server_holder import ServerHolder
from .worker.shared import Shared
from .workflows.files import read_workflow

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from .workflows.server_classes import ServerClasses

NO_MODELS = ("custom_nodes", "configs")  # among the kinds of ComfyUI's model folders


class ComfyConnector(ServerHolder):
    """The door to one ComfyUI server. `create` gives the process's one for the same arguments."""

    _shared: Shared[ComfyConnector] = Shared()

    def __init__(self, config: WorkerConfig, options: WorkerOptions | None = None):
        """Nothing is started yet; `create` does both, and shares."""
        super().__init__(config, options)

    @functools.cached_property
    def _classes(self) -> ServerClasses:
        from .workflows.server_classes import ServerClasses

        def keep(info: dict[str, Any], rules: dict[str, Any]) -> None:
            keep_later(self.identity, info, rules)

        return ServerClasses(self._ensure_client, lambda: self.object_info_version, keep)

    @classmethod
    async def create(
        cls,
        config_path: str | Path | None = None,
        *,
        url: str | None = None,
        cuda_device: int | None = None,
        output_directory: str | Path | None = None,
        extra_args: Iterable[str] = (),
        extra_custom_nodes: Iterable[str | Path] = (),
        start_timeout: float | None = None,
        keep_warm: float | None = None,
    ) -> ComfyConnector:
        """Start a worker, or join the one that this process has for the same arguments.

        Args:
            config_path: a comfy_serverless.json. None: the packaged one.
            url: a ComfyUI that runs already, with this extension; nothing is started or killed
                then.
            cuda_device: which of the devices that this process sees; another number is another
                worker.
            output_directory: where SaveImage and others save. None: a folder of the worker's own,
                which stays until this process ends, also when the worker is killed or dies.
            extra_args: for ComfyUI's main.py, after EXTRA_ARGS.
            extra_custom_nodes: folders of further extensions that only this worker sees.
            start_timeout: seconds that this call waits for the start. None: as long as it makes
                progress (a start without a line in its log, CPU or disk for 120 s has failed), or
                as the configuration says.
            keep_warm: seconds that the worker waits, idle and empty but for its models, for the
                next script when this one has ended. None: KEEP_WARM_S of the configuration, else
                DISCOMFORT_KEEP_WARM of the environment, else 300 in a notebook; elsewhere a worker
                that waits is taken and left as it was, and one that is started ends. 0: neither.

        Raises:
            ConfigError, WorkerStartError.
        """
        options = WorkerOptions(
            url=url,
            cuda_device=cuda_device,
            output_directory=output_directory,
            extra_args=extra_args,
            extra_custom_nodes=extra_custom_nodes,
            start_timeout=start_timeout,
            keep_warm=keep_warm,
        )
        config = read_config(config_path, options)
        keep_s = 0.0 if config.ATTACH_URL else keep_warm_s(keep_warm, config.KEEP_WARM_S)
        # What a repr does not show, and what makes another worker whatever its number is.
        key = (repr((config, options)), config.COMFY_ORG_API_KEY, keep_s and True)
        connector = cls._shared.join(key, lambda: cls(config, options))
        connector._keep_warm(keep_s)
        try:
            await connector.start(start_timeout)
        except BaseException:
            await connector.release()  # the start that no other caller waits for ends, too
            raise
        return connector

    async def start(self, start_timeout: float | None = None) -> None:
        """Make sure that a server is there: the first one, or one in place of one that died.

        Args:
            start_timeout: as of `create`.
        """
        starts = self.object_info_version
        with heard(lambda: "ComfyUI is not started"):
            client = await self._ensure_client(start_timeout)
        if self.object_info_version != starts and self._config.TEST_PAYLOAD_FILE:
            await client.execute(read_json(self._config.TEST_PAYLOAD_FILE))

    ensure_ready = start

    async def execute(
        self,
        prompt: Mapping[str, Any],
        *,
        client_data: Mapping[str, Any] | None = None,
        timeout: float | None = None,
        silence_timeout: float | None = None,
        on_event: Callable[[Event], Any] | None = None,
        needed: Collection[str] | None = None,
    ) -> RunResult:
        """Queue a prompt (API form) and wait for its end.

        A worker that died before is replaced first. A cancellation deletes or interrupts the
        prompt and goes on when the worker is done with it.

        Args:
            client_data: goes into the prompt's `extra_data`.
            timeout: seconds for the run, its time in the queue included; the start of a worker is
                not. The worker has 5 s more to end it, and is not waited for any longer.
            silence_timeout: seconds without any news once it runs.
            on_event: called with every typed event, in this loop. What it raises cancels the run.
            needed: the ids of the nodes that events count; None: all. A prompt may have others
                that no output needs.

        Raises:
            WorkflowError: it has nodes that only Discomfort writes.
            ValidationFailed, NodeFailed, RunTimeout, RunInterrupted, RunLost, WorkerDied,
            WorkerStartError.
        """
        refuse_internal(prompt, "The prompt")
        options: ExecuteOptions = {
            "client_data": client_data,
            "timeout": timeout,
            "silence_timeout": silence_timeout,
            "on_event": on_event,
            "needed": needed,
        }
        return await self.execute_own(prompt, **options)

    async def execute_own(
        self, prompt: Mapping[str, Any], **options: Unpack[OwnOptions]
    ) -> RunResult:
        """`execute`, for prompts that Discomfort itself has made.

        Args:
            options: without a `login`, that of this connector.
        """
        client = self._client_now() or await self._ensure_client()
        options["login"] = await self._login_for(prompt, options.get("login"))
        try:
            result = await client.execute(prompt, **options)
        except WorkerDied as e:
            if e.prompt_id is not None:
                raise
            # It had died before it got the prompt: nothing is lost.
            result = await (await self._ensure_client()).execute(prompt, **options)
        finally:
            keep_now()
        process = self._server.process if self._server else None
        say_where(result.files, process.folder if process else None)
        return result

    async def _login_for(self, prompt: Mapping[str, Any], given: Login | None) -> Login | None:
        if not (self.has_login if given is None else given):
            return None
        from .workflows.account import takes_login

        info, about = await self.object_info_index(), self._server and self._server.hello
        if not takes_login(prompt, info, bool(about and about.get("takes_login"))):
            return None
        return self.login if given is None else given

    def stream(self, prompt: Mapping[str, Any], **options: Unpack[StreamOptions]) -> EventStream:
        """`execute` as an async iterator of its events; leaving the loop cancels the run.

        Args:
            options: those of `execute` without `on_event`.
        """
        return stream_events(lambda on_event: self.execute(prompt, on_event=on_event, **options))

    async def run_workflow(
        self, payload: str | Path | Mapping[str, Any], use_workflow_json: bool = True
    ) -> dict[str, Any]:
        """Run a workflow, or a prompt, and give its entry in ComfyUI's history.

        Args:
            payload: a path (of a picture that ComfyUI saved, too), or the JSON itself.
            use_workflow_json: the payload is the editor's JSON. False: it is the API's, as it is.

        Returns:
            `{"prompt", "outputs", "status", "meta"}`.
        """
        data = await _read(payload)
        if use_workflow_json and isinstance(data.get("nodes"), list):
            data = await self.get_prompt_from_workflow(data)
        result = await self.execute(data)
        if "prompt" in result.history:
            return result.history
        client = await self._ensure_client()
        written = await client.ask.written_history(result.prompt_id)
        return result.history if written is None else written

    async def get_prompt_from_workflow(
        self, workflow: str | Path | Mapping[str, Any], **options: Any
    ) -> dict[str, Any]:
        """Convert the editor's JSON to the API's, as the editor's "Export (API)" does.

        Args:
            workflow: a path, the JSON itself, or a picture that ComfyUI saved; a prompt comes back
                as it is.
            options: `randomize_seeds` and `seed`, see `graph.to_prompt.convert`.

        Raises:
            WorkflowError: it can't be used; every problem is named.
        """
        data = await _read(workflow)
        if is_prompt(data):
            return data
        return await self._classes.to_prompt(data, **options)

    async def object_info(self) -> dict[str, Any]:
        """What nodes the server has: its /object_info, asked once per server."""
        return (await self._classes.ask())[0]

    async def object_info_index(self) -> Any:
        """`object_info` in the form that `graph` works with, with the rules of node packs: another
        object when the server is another one, or a rule of the user's has changed.
        """
        return await self._classes.index()

    async def look_again(self) -> None:
        """Ask for /object_info anew: files were added, or may have been.

        Where nothing has changed, `object_info_index` gives the very same index.
        """
        client = await self._ensure_client()
        client.ask.forget()
        await self._classes.look_again()

    async def model_names(self) -> dict[str, list[str]]:
        """Kind of model ("vae") -> the names of the files that the server has now."""
        client = await self._ensure_client()
        kinds = [kind for kind in self.model_folders if kind not in NO_MODELS]
        names = await asyncio.gather(*(client.ask.file_names(kind) for kind in kinds))
        return dict(zip(kinds, names, strict=True))

    @property
    def known_classes(self) -> Any:
        """`object_info_index` without asking: of the server that is there now; None: not yet
        asked.
        """
        return self._classes.known

    def identity(self) -> Identity:
        """Which ComfyUI this one is, or will be when it is started.

        Raises:
            WorkerStartError: there is none.
        """
        return identity_of(self._config, self._options)

    async def node_replacements(self) -> dict[str, Any]:
        """Which node classes the server has replaced by others; a ComfyUI that knows none of that
        (0.3.64) says nothing.
        """
        client = await self._ensure_client()
        return await client.node_replacements()

    def upload_data(
        self,
        source_path: str | Path,
        folder_type: str = "input",
        subfolder: str | None = None,
        overwrite: bool = False,
        is_ephemeral: bool = False,
    ) -> str:
        """Copy a file into a folder of the server.

        Args:
            folder_type: "input", "output", "temp", or "models", which needs a `subfolder` such as
                "checkpoints".
            overwrite: replace another file of that name; else the copy gets a number.
            is_ephemeral: delete the copy when the server is killed.

        Returns:
            The copy's absolute path; a LoadImage node takes it as its `image`.

        Raises:
            FileNotFoundError, ValueError, ExecutionError (no server).
        """
        server = self._server
        if server is None or server.hello is None:
            raise ExecutionError(
                "Nothing can be uploaded: no server runs. `await connector.start()` starts one."
            )
        folder = target_folder(
            server.hello["folders"], server.hello["models"], folder_type, subfolder
        )
        if is_ephemeral:
            self._uploads.keep_journal_in(server.journal_folder())
        return str(self._uploads.put(Path(source_path), folder, overwrite, is_ephemeral))

    async def free_memory(self) -> None:
        """Ask ComfyUI to drop all models and cached results; it does between two prompts."""
        client = await self._ensure_client()
        await client.ask.free_memory()

    async def kill_api(self) -> None:
        """End the worker and remove what it left.

        Safe to call twice; an attached server is left alone.
        """
        self._shared.forget(self)
        await self._end_server()

    async def release(self) -> None:
        """Give back one `create()`; the last one ends the worker, or lets it go if it is kept."""
        if self._shared.leave(self):
            await self.let_go()

    async def let_go(self) -> None:
        """End the worker, or leave it to the next script, where it is kept (`keep_warm`).

        It can't be used any more, by anybody in this process. Safe to call twice.
        """
        self._shared.forget(self)
        await self._end_server(lets_go=True)


async def _read(source: str | Path | Mapping[str, Any]) -> dict[str, Any]:
    """`read_workflow`; a file, which may be large, in a thread."""
    if isinstance(source, Mapping):
        return read_workflow(source)
    return await asyncio.to_thread(read_workflow, source)
