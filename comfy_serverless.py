"""ComfyConnector: launches a nested ComfyUI and drives it. Usable without the rest of the package.

connector = await ComfyConnector.create()
history = await connector.run_workflow("workflow.json")
await connector.kill_api()
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from .config import WorkerConfig, load_config, read_json
from .errors import ExecutionError, WorkerDied, WorkerStartError
from .graph.object_info import index_object_info
from .graph.prompt import is_prompt
from .graph.to_prompt import to_prompt
from .worker.attach import attach
from .worker.client import Client
from .worker.events import Event
from .worker.launch import make_launch
from .worker.runs import RunResult
from .worker.server import Worker
from .worker.stream import EventStream, stream_events
from .worker.uploads import Uploads, target_folder
from .workflow_files import read_workflow

CONFIG_NAME = "comfy_serverless.json"
_HISTORY_WAIT_S = 10.0


class ComfyConnector:
    """The door to one ComfyUI server. `create` gives the process's one for the same arguments."""

    _known: dict[str, ComfyConnector] = {}
    _known_lock = threading.Lock()

    def __init__(
        self,
        config: WorkerConfig,
        *,
        url: str | None = None,
        cuda_device: int | None = None,
        extra_args: Iterable[str] = (),
        extra_custom_nodes: Iterable[str | Path] = (),
    ):
        """Nothing is started yet; `create` does both, and shares."""
        self._config = config
        self._url = url or config.ATTACH_URL
        self._cuda_device = cuda_device
        self._extra_args = (*map(str, config.EXTRA_ARGS), *map(str, extra_args))
        self._extra_custom_nodes = tuple(Path(p).absolute() for p in extra_custom_nodes)
        self._worker: Worker | None = None
        self._attached: Client | None = None
        self._is_killed = False
        self._uploads = Uploads()
        self._key: str | None = None
        self._index: tuple[int, Any] | None = None
        self._users = 0

    @classmethod
    async def create(
        cls,
        config_path: str | Path | None = None,
        *,
        url: str | None = None,
        cuda_device: int | None = None,
        extra_args: Iterable[str] = (),
        extra_custom_nodes: Iterable[str | Path] = (),
    ) -> ComfyConnector:
        """Start a worker, or join the one that this process has for the same arguments.

        Args:
            config_path: a comfy_serverless.json. None: the packaged one.
            url: a ComfyUI that runs already, with this extension; nothing is started or killed
                then.
            cuda_device: which of the devices that this process sees; another number is another
                worker.
            extra_args: for ComfyUI's main.py, after EXTRA_ARGS.
            extra_custom_nodes: folders of further extensions that only this worker sees.

        Raises:
            ConfigError, WorkerStartError.
        """
        config = load_config(WorkerConfig, CONFIG_NAME, config_path)
        extra_args, extra_custom_nodes = tuple(extra_args), tuple(extra_custom_nodes)
        key = repr((config, url, cuda_device, extra_args, extra_custom_nodes))
        with cls._known_lock:
            connector = cls._known.get(key)
            if connector is None:
                connector = cls(
                    config, url=url, cuda_device=cuda_device, extra_args=extra_args,
                    extra_custom_nodes=extra_custom_nodes,
                )  # fmt: skip
                connector._key = key
                cls._known[key] = connector
            connector._users += 1
        try:
            await connector.start()
        except BaseException:
            connector._drop_user()
            raise
        return connector

    async def start(self) -> None:
        """Make sure that a server is there: the first one, or one in place of one that died."""
        starts = self.object_info_version
        client = await self._ensure_client()
        if self.object_info_version != starts and self._config.TEST_PAYLOAD_FILE:
            await client.execute(read_json(self._config.TEST_PAYLOAD_FILE))

    ensure_ready = start

    async def _ensure_client(self) -> Client:
        if self._is_killed:
            raise WorkerStartError(
                "This connector was killed. ComfyConnector.create() makes a new one."
            )
        if self._url:
            if self._attached is None:
                self._attached = await attach(self._url)
            return self._attached
        if self._worker is None:
            launch = make_launch(
                self._config, self._extra_args, self._extra_custom_nodes, self._cuda_device
            )
            self._worker = Worker(launch)
        client = await self._worker.ensure_ready()
        process = self._worker.process
        if process is not None and process.folder is not None:
            self._uploads.keep_journal_in(process.folder)
        return client

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
                not.
            silence_timeout: seconds without any news once it runs.
            on_event: called with every typed event, in this loop. What it raises cancels the run.
            needed: the ids of the nodes that events count; None: all. A prompt may have others
                that no output needs.

        Raises:
            ValidationFailed, NodeFailed, RunTimeout, RunInterrupted, RunLost, WorkerDied,
            WorkerStartError.
        """
        options = {
            "client_data": client_data,
            "timeout": timeout,
            "silence_timeout": silence_timeout,
            "on_event": on_event,
            "needed": needed,
        }
        client = self._client_now() or await self._ensure_client()
        try:
            return await client.execute(prompt, **options)
        except WorkerDied as e:
            if e.prompt_id is not None:
                raise
        # It had died before it got the prompt: nothing is lost.
        return await (await self._ensure_client()).execute(prompt, **options)

    def stream(self, prompt: Mapping[str, Any], **options: Any) -> EventStream:
        """`execute` as an async iterator of its events; leaving the loop cancels the run.

        Args:
            options: those of `execute`, but `on_event`.
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
        data = read_workflow(payload)
        if use_workflow_json and isinstance(data.get("nodes"), list):
            data = await self.get_prompt_from_workflow(data)
        result = await self.execute(data)
        if "prompt" in result.history:
            return result.history
        client = await self._ensure_client()
        # ComfyUI writes the history after it tells the end.
        for _ in range(int(_HISTORY_WAIT_S / 0.01)):
            entry = await client.ask.history(result.prompt_id)
            if entry is not None:
                return entry
            await asyncio.sleep(0.01)
        return result.history

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
        data = read_workflow(workflow)
        if is_prompt(data):
            return data
        return to_prompt(data, await self.object_info_index(), **options)

    async def object_info(self) -> dict[str, Any]:
        """What nodes the server has: its /object_info, asked once per server."""
        client = await self._ensure_client()
        return await client.object_info()

    async def object_info_index(self) -> Any:
        """`object_info` in the form that `graph` works with, made once per server."""
        info, version = await self.object_info(), self.object_info_version
        if self._index is None or self._index[0] != version:
            self._index = (version, index_object_info(info))
        return self._index[1]

    @property
    def object_info_version(self) -> int:
        """Changes whenever another server was started: what was learned from the old one is
        void.
        """
        if self._url:
            return int(self._attached is not None)
        return self._worker.starts if self._worker else 0

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
            FileNotFoundError, ValueError, ExecutionError (no server, or not one of ours).
        """
        ready = self._worker.ready if self._worker else None
        if ready is None:
            why = (
                "it is attached to, so its folders are not known"
                if self._url
                else "it has not been started"
            )
            raise ExecutionError(f"Nothing can be uploaded to this server: {why}.")
        folder = target_folder(
            ready.hello["folders"], ready.hello["models"], folder_type, subfolder
        )
        return str(self._uploads.put(Path(source_path), folder, overwrite, is_ephemeral))

    async def kill_api(self) -> None:
        """End the worker and remove what it left.

        Safe to call twice; an attached server is left alone.
        """
        self._is_killed = True
        self._forget_me()
        client = self._client_now()
        try:
            if self._worker is not None:
                await asyncio.shield(asyncio.to_thread(self._worker.stop))
            if client is not None:
                await asyncio.to_thread(client.listener.close)
                await client.http.close()
        finally:
            self._uploads.remove_ephemeral()

    async def release(self) -> None:
        """Give back one `create()`; the last one kills the worker."""
        if self._drop_user() == 0:
            await self.kill_api()

    def _drop_user(self) -> int:
        with self._known_lock:
            self._users -= 1
            if self._users <= 0 and self._client_now() is None and not self._is_starting():
                self._known.pop(self._key or "", None)
            return self._users

    def _forget_me(self) -> None:
        with self._known_lock:
            if self._key is not None and self._known.get(self._key) is self:
                del self._known[self._key]

    def _is_starting(self) -> bool:
        return self._worker is not None and self._worker.is_starting

    def _client_now(self) -> Client | None:
        """The client, if it can be used at once."""
        if self._is_killed:
            return None
        if self._url:
            return self._attached
        return self._worker.client if self._worker else None

    @property
    def state(self) -> str:
        """ "uninit", "initializing", "ready", "error" or "killed"."""
        if self._is_killed:
            return "killed"
        if self._client_now() is not None:
            return "ready"
        if self._is_starting():
            return "initializing"
        return "error" if self._worker is not None and self._worker.has_failed else "uninit"

    @property
    def server_address(self) -> str | None:
        """For instance "http://127.0.0.1:8188"; None without a server."""
        client = self._client_now()
        return client.http.base_url if client else None

    @property
    def ws_address(self) -> str | None:
        """The websocket's address, with our client id."""
        client = self._client_now()
        if client is None:
            return None
        return f"ws{client.http.base_url[4:]}/ws?clientId={client.listener.client_id}"

    @property
    def client_id(self) -> str | None:
        """The name under which the server sends us events.

        It changes when a socket had to be given up.
        """
        client = self._client_now()
        return client.listener.client_id if client else None

    @property
    def auth_headers(self) -> dict[str, str]:
        """What a client of one's own must send with every request to this worker."""
        ready = self._worker.ready if self._worker else None
        return dict(ready.auth_headers) if ready else {}

    @property
    def pid(self) -> int | None:
        """The worker's process id; None when there is none, or it is not ours."""
        process = self._worker.process if self._worker else None
        return process.pid if process is not None and process.is_alive else None

    @property
    def log_path(self) -> str | None:
        """The worker's own log file."""
        process = self._worker.process if self._worker else None
        return process.log_path if process else None

    def logs(self, tail: int | None = 100) -> str:
        """The worker's output, its newest `tail` lines; None: all that its file has."""
        process = self._worker.process if self._worker else None
        if process is None or process.log_path is None:
            return ""
        if tail is not None:
            return "\n".join(process.last_lines(tail))
        with contextlib.suppress(OSError):
            return Path(process.log_path).read_text(encoding="utf-8", errors="replace")
        return "\n".join(process.last_lines(1000))
