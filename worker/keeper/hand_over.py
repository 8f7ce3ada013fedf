"""What a keeper asks of its worker between two scripts: to forget the one, to take the next.

Both routes are the keeper's alone (`worker/launch/`), by a token that no script has.
"""

from __future__ import annotations

import http.client
import json
import logging
import secrets
from collections.abc import Mapping
from typing import Any

from ..launch.hello import Ready
from ..launch.inside_comfyui import TOKEN_HEADER
from ..launch.keeping import LET_GO_PATH, TAKE_PATH
from ..launch.tcp_ports import HOST

log = logging.getLogger("discomfort.worker")

IDLE_WAIT_S = 30.0  # for a node to heed its interrupt
_ANSWER_S = 10.0


class HandOver:
    """The keeper's side of one worker.

    Args:
        address: the worker's, "host:port".
        token: the keeper's.
    """

    def __init__(self, address: str, token: str):
        self._address, self._token = address, token

    def let_go(self) -> str | None:
        """Have the worker shut its script out, end what runs, and forget all but its loaders.

        Returns:
            None, or why it could not: then the worker must end.
        """
        answer = self._post(LET_GO_PATH, {"wait_s": IDLE_WAIT_S}, IDLE_WAIT_S + _ANSWER_S)
        if answer.get("is_idle") is True:
            return None
        return str(answer.get("why") or "it does not say that it is idle")

    def take(self, output: str | None) -> Ready:
        """Give the worker its next script, with a token that nobody had before.

        Args:
            output: the folder in which nodes save for that script; None: as before.

        Raises:
            OSError: the worker refuses, or does not answer.
        """
        token = secrets.token_urlsafe(32)
        about = {"token": token} if output is None else {"token": token, "output": output}
        hello = self._post(TAKE_PATH, about, _ANSWER_S)
        if "folders" not in hello:
            raise OSError(f"the worker does not take another script: {hello.get('why')}")
        return Ready(self._address, {TOKEN_HEADER: token}, hello)

    def _post(self, path: str, about: Mapping[str, Any], timeout_s: float) -> dict[str, Any]:
        connection = http.client.HTTPConnection(HOST, _port(self._address), timeout=timeout_s)
        headers = {TOKEN_HEADER: self._token, "Content-Type": "application/json"}
        try:
            connection.request("POST", path, json.dumps(about).encode(), headers)
            reply = connection.getresponse()
            text = reply.read()
        except (OSError, http.client.HTTPException) as e:
            return {"why": f"no answer ({e})"}
        finally:
            connection.close()
        try:
            answer = json.loads(text)
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            return {"why": f"status {reply.status}: {text[:200].decode(errors='replace')}"}
        return answer


def _port(address: str) -> int:
    return int(address.rsplit(":", 1)[1])
