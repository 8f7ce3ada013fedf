"""ComfyConnector without `await`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..comfy_serverless import ComfyConnector as AsyncConnector
from .blocking import EventStream, Waiting, arguments_of, blocking
from .loop_thread import loop_thread

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ..worker.client.options import StreamOptions


class ComfyConnector(Waiting):
    """The door to one ComfyUI server: as `discomfort.comfy_serverless.ComfyConnector`."""

    _inner: AsyncConnector

    @classmethod
    @arguments_of(AsyncConnector.create)
    def create(cls, *arguments: Any, **options: Any) -> ComfyConnector:
        thread = loop_thread()
        return cls(thread.wait(lambda _: AsyncConnector.create(*arguments, **options)), thread)

    start = blocking(AsyncConnector.start)
    execute = blocking(AsyncConnector.execute)
    run_workflow = blocking(AsyncConnector.run_workflow)
    get_prompt_from_workflow = blocking(AsyncConnector.get_prompt_from_workflow)
    object_info = blocking(AsyncConnector.object_info)
    free_memory = blocking(AsyncConnector.free_memory)
    kill_api = blocking(AsyncConnector.kill_api)
    release = blocking(AsyncConnector.release)
    let_go = blocking(AsyncConnector.let_go)

    def stream(self, prompt: Mapping[str, Any], **options: Unpack[StreamOptions]) -> EventStream:
        """`execute` as an iterator of its events."""
        return EventStream(self._inner.stream(prompt, **options), self._thread)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)  # upload_data, server_address, state ...
