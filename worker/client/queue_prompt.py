"""POST /prompt: puts one prompt into the server's queue, and says what a reply, or none, means."""

from __future__ import annotations

import asyncio

from ...errors import RunLost
from ..launch import account
from ..launch.run_data import KEY
from .failures import refused
from .http import Transport, TransportError, until_connected
from .options import OwnOptions
from .prompt_run import PromptRun
from .queries import Queries

REFUSED_FOR_S = 10.0  # a server that is not ours and refuses connections for so long is gone
DEATH_WAIT_S = 3.0  # between a broken connection and the news of the process's end


async def queue_prompt(
    http: Transport,
    ask: Queries,
    run: PromptRun,
    client_id: str,
    options: OwnOptions,
) -> None:
    """Queue the run's prompt; returns when the server has it, or the run is over.

    Args:
        client_id: the socket that gets its events.
        options: `client_data`, `run_data` and `login` go with it.

    Raises:
        ValidationFailed: refused; with a `prompt_id` when a part of it is in the queue all the
            same.
        RunLost: the connection broke, and the server does not know the prompt.
    """
    body = {
        "prompt": run.state.prompt,
        "prompt_id": run.prompt_id,
        "client_id": client_id,
        "extra_data": dict(options.get("client_data") or {}),
    }
    run_data = options.get("run_data")
    if run_data is not None:
        body[KEY] = run_data
    login = options.get("login")
    if login:
        body[account.KEY] = login.extra_data()
    try:
        reply = await until_connected(
            lambda: http.post("/prompt", body),
            lambda: run.is_given_up or run.done.done(),
            REFUSED_FOR_S,
        )
    except TransportError as e:
        await _check_arrival(ask, run, e)
        return
    answer = reply.json()
    if reply.status != 200 or not isinstance(answer, dict):
        raise refused(run.state.prompt, reply.status, answer, reply.text)
    if answer.get("node_errors"):
        # ComfyUI would run what is left of it (execution.py `validate_prompt`): half a result.
        failure = refused(run.state.prompt, reply.status, answer)
        failure.prompt_id = run.prompt_id
        raise failure
    run.note_queued(answer.get("number") or 0)


async def _check_arrival(ask: Queries, run: PromptRun, error: TransportError) -> None:
    """The connection broke meanwhile: did the server die, or did it get the prompt after all?"""
    if error.is_unsent:
        if run.done.done():
            return
        raise RunLost(
            f"The prompt could not be sent ({error}): the server at {ask.base_url} is gone. It can "
            "be run again."
        )
    await asyncio.wait((run.done,), timeout=DEATH_WAIT_S)
    if run.done.done() or not await ask.says_unknown(run.prompt_id):
        return
    raise RunLost(
        f"The connection broke while the prompt was queued ({error}), and the server "
        "knows nothing of it. It can be run again.",
        prompt_id=run.prompt_id,
    )
