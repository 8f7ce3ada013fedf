"""Prepared workflows: what depends on the file and the server alone, made once and kept.

A loop over the same file parses, converts and looks for ports in it once.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..errors import Problem, WorkflowError
from ..graph.convert.to_prompt import to_prompt
from ..graph.node_classes.widgets import ObjectInfo
from ..graph.plan.internal_nodes import refuse_internal
from ..graph.ports.find_ports import Ports, find_ports, find_ports_in_prompt
from ..graph.prompt import Prompt, is_prompt, parse_prompt
from ..graph.workflow.model import Workflow
from ..graph.workflow.parse import parse_workflow
from .sources import Source, source_of

_KEPT = 128


@dataclass(frozen=True, slots=True)
class Prepared:
    """A workflow or API prompt, ready to be planned. `workflow` is None for a prompt."""

    name: str
    digest: str
    workflow: Workflow | None
    prompt: Prompt
    ports: Ports


class Preparer:
    """Keeps the prepared form of the last workflows, for one server's /object_info."""

    def __init__(self, info: ObjectInfo):
        self.info = info
        self._kept: OrderedDict[str, Prepared] = OrderedDict()

    def prepare(self, data: Mapping[str, Any], name: str) -> Prepared:
        """Convert a workflow (or check a prompt) and find its ports.

        Raises:
            WorkflowError: with all that is wrong with it.
        """
        source = source_of(data, name)
        return self._find(source) or self._keep(source, _prepare(source, self.info))

    async def prepare_aside(self, source: Source) -> Prepared:
        """`prepare`, in a thread if there is something to convert."""
        found = self._find(source)
        if found is not None:
            return found
        return self._keep(source, await asyncio.to_thread(_prepare, source, self.info))

    def _find(self, source: Source) -> Prepared | None:
        found = self._kept.get(source.digest)
        if found is None:
            return None
        self._kept.move_to_end(source.digest)
        return found if found.name == source.name else replace(found, name=source.name)

    def _keep(self, source: Source, prepared: Prepared) -> Prepared:
        if not source.is_dated:
            self._kept[source.digest] = prepared
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return prepared


def _prepare(source: Source, info: ObjectInfo) -> Prepared:
    data, name, digest = source.load(), source.name, source.digest
    refuse_internal(data, name)
    if is_prompt(data):
        prompt = parse_prompt(data)
        _check_classes(prompt, info)
        return Prepared(name, digest, None, prompt, find_ports_in_prompt(prompt, info))
    workflow = parse_workflow(data)
    prompt = to_prompt(workflow, info)
    refuse_internal(prompt, name)  # whatever it was made of
    return Prepared(name, digest, workflow, prompt, find_ports(workflow, info))


def _check_classes(prompt: Prompt, info: ObjectInfo) -> None:
    """What conversion checks of a workflow: ComfyUI would not look at nodes that nothing needs."""
    problems = [
        Problem("the server does not know this node type", node_id, node["class_type"])
        for node_id, node in prompt.items()
        if node["class_type"] not in info
    ]
    if problems:
        raise WorkflowError("The prompt can't be run:", problems)
