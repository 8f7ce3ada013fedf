"""Uses a ComfyUI that runs already: nothing is started, guarded or killed."""

from __future__ import annotations

from ..errors import WorkerStartError
from .client import Client
from .transport import Transport, TransportError

_TIMEOUT_S = 10.0
_OUR_NODE = "DiscomfortContextLoader"


async def attach(url: str) -> Client:
    """A client for the server at `url`, once it is known to have this extension.

    Raises:
        WorkerStartError: nobody answers, it is no ComfyUI, or it lacks the extension.
    """
    http = Transport(url, {})
    try:
        reply = await http.get(f"/object_info/{_OUR_NODE}", _TIMEOUT_S)
    except TransportError as e:
        raise WorkerStartError(
            f"No ComfyUI answers at {url} ({e}). Start it, or take ATTACH_URL out."
        ) from e
    finally:
        await http.close()
    if reply.status == 401:
        raise WorkerStartError(
            f"The server at {url} is another script's worker; it can't be shared."
        )
    found = reply.json()
    if reply.status != 200 or not isinstance(found, dict):
        raise WorkerStartError(f"{url} answers, but not as a ComfyUI does (status {reply.status}).")
    if _OUR_NODE not in found:
        raise WorkerStartError(
            f"The ComfyUI at {url} does not have this extension. Put this project into its "
            "custom_nodes folder (or a link to it) and start it again."
        )
    return Client(url, {})
