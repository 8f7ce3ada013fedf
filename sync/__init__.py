"""The same API without `await`: for scripts, web handlers and plug-ins that have no event loop.

    from discomfort.sync import Discomfort

    with Discomfort.create() as discomfort:
        results = discomfort.run("workflow.json", {"text": "a fox"})

There is one implementation, the asynchronous one: it runs in a thread of its own, which all of a
process share.
"""

from __future__ import annotations

from .connector import ComfyConnector
from .facade import Discomfort
from .tools import WorkflowTools
from .workflow_function import WorkflowFunction

__all__ = ["ComfyConnector", "Discomfort", "WorkflowFunction", "WorkflowTools"]
