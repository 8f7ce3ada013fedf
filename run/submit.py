"""Sends the prompts of a run to the worker: with what is kept in them, and room for it.

A prompt that the worker's memory did not do for is sent once more with nothing else in it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from ..context.frozen_values import FROZEN_PREFIX
from ..context.handoff import Loan
from ..errors import NodeFailed, RunTimeout, ValidationFailed
from ..graph.plan.expected_cache import Sent
from ..graph.plan.swap_ports import Swapped, run_data
from ..references.kept_models import is_out_of_memory
from ..references.model_room import let_go_of_all, make_room, without
from ..system.login import Login
from .environment import Environment
from .refused_values import completed

if TYPE_CHECKING:
    from ..comfy_serverless import RunResult

OnEvent: TypeAlias = "Callable[[Any], Any] | None"

log = logging.getLogger("discomfort.run")


class Submission(NamedTuple):
    """A prompt, and all that goes with it."""

    name: str
    swapped: Swapped
    loan: Loan
    client_data: dict[str, Any] | None
    on_event: OnEvent
    optional: tuple[str, ...] = ()  # outputs that may be left out


class Submitter:
    """Sends prompts for one run.

    Args:
        environment: its pins are put into every prompt, and the prompt is noted as sent.
        timeout: seconds for all of them together, from now on; None: no limit.
        login: for API nodes; None: that of the worker's settings.
    """

    def __init__(self, environment: Environment, timeout: float | None, login: Login | None = None):
        self._login = login
        self._worker, self._sent = environment.worker, environment.sent
        self._pins, self._info = environment.references.pins, environment.preparer.info
        self._timeout = timeout
        self._deadline = None if timeout is None else time.monotonic() + timeout

    async def submit(self, submission: Submission) -> RunResult:
        """Run a prompt; once more with nothing else in the worker, if its memory did not do."""
        swapped = make_room(self._worker, self._pins, submission.swapped)
        try:
            return await self._submit_once(submission, swapped)
        except NodeFailed as e:
            unneeded = self._pins.not_in(swapped.needed)
            if not is_out_of_memory(e) or not unneeded:
                raise
            log.warning(
                "%s ran out of memory. It is run again without the %d references that were kept "
                "for later.",
                submission.name,
                len(unneeded),
            )
        self._pins.drop(unneeded)
        await let_go_of_all(self._worker)
        return await self._submit_once(submission, without(swapped))

    async def _submit_once(self, submission: Submission, swapped: Swapped) -> RunResult:
        loan, timeout = submission.loan, self._time_left()
        try:
            result = await self._worker.execute_own(
                swapped.prompt,
                run_data=run_data(
                    swapped,
                    loan.save_order.to_json(),
                    _frozen_versions(loan),
                    submission.optional,
                ),
                client_data=submission.client_data,
                timeout=timeout,
                on_event=submission.on_event,
                needed=swapped.needed,
                login=self._login,
            )
        except ValidationFailed as e:  # refused: what ComfyUI had it has
            raise completed(e, swapped, self._info) from None
        except BaseException as e:
            self._sent.append(Sent(swapped.prompt, swapped.needed, False))
            if isinstance(e, RunTimeout):
                raise _with_name(e, submission.name) from None
            raise
        finally:
            self._pins.note_sent(swapped.prompt, swapped.needed)
        self._sent.append(Sent(swapped.prompt, swapped.needed, True))
        return result

    def _time_left(self) -> float | None:
        if self._deadline is None:
            return None
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise RunTimeout(
                f"The run took longer than its timeout of {self._timeout} s. What was "
                "saved until then is in the context. Pass a larger timeout=, or fewer iterations."
            )
        return left


def _frozen_versions(loan: Loan) -> dict[str, str]:
    """Where the frozen values are that a run loads: content -> version."""
    return {
        key.removeprefix(FROZEN_PREFIX): version
        for key, version in loan.versions.items()
        if key.startswith(FROZEN_PREFIX)
    }


def _with_name(error: RunTimeout, name: str) -> RunTimeout:
    """The error, with the workflow that was running."""
    return RunTimeout(f"{name}: {error}", **error.__dict__)
