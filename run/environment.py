"""What the runs of one engine share: the worker, what is known of references, how values travel."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..graph.plan.expected_cache import Sent
from ..references.registry import References
from ..workflows.prepare import Preparer

if TYPE_CHECKING:
    from ..comfy_serverless import ComfyConnector


@dataclass(frozen=True, slots=True)
class Environment:
    """Where runs and plans happen.

    Attributes:
        rules: ComfyUI type -> "val" or "ref".
        preparer: the prepared workflows of the server that the worker is now.
        sent: the last prompts, from which a plan tells what ComfyUI's cache still has.
    """

    worker: ComfyConnector
    references: References
    rules: Mapping[str, str]
    preparer: Preparer
    sent: deque[Sent]
