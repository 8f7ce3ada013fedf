"""Prepared workflows: what depends on the file and the server alone, made once and kept.

A loop over the same file parses, converts and looks for ports in it once.
"""

from __future__ import annotations

import hashlib
import json
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from .errors import Problem, WorkflowError
from .graph.model import Workflow, parse_workflow
from .graph.ports import Ports, find_ports, find_ports_in_prompt
from .graph.prompt import Prompt, is_prompt, parse_prompt
from .graph.to_prompt import to_prompt
from .graph.widgets import ObjectInfo
from .workflow_files import read_workflow

_KEPT = 128
_DATE = "%date:"  # what the front end replaces in a filename_prefix when it queues


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
        text = _to_text(data, name)
        digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
        found = self._kept.get(digest)
        if found is None:
            found = self._prepare(json.loads(text), name, digest)
            if _DATE in text:
                return found  # a file name with the time of each call in it
            self._kept[digest] = found
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(digest)
        return found if found.name == name else replace(found, name=name)

    def _prepare(self, data: dict[str, Any], name: str, digest: str) -> Prepared:
        if is_prompt(data):
            prompt = parse_prompt(data)
            _check_classes(prompt, self.info)
            return Prepared(name, digest, None, prompt, find_ports_in_prompt(prompt, self.info))
        workflow = parse_workflow(data)
        prompt = to_prompt(workflow, self.info)
        return Prepared(name, digest, workflow, prompt, find_ports(workflow, self.info))


def _check_classes(prompt: Prompt, info: ObjectInfo) -> None:
    """What conversion checks of a workflow: ComfyUI would not look at nodes that nothing needs."""
    problems = [
        Problem("the server does not know this node type", node_id, node["class_type"])
        for node_id, node in prompt.items()
        if node["class_type"] not in info
    ]
    if problems:
        raise WorkflowError("The prompt can't be run:", problems)


def _to_text(data: Mapping[str, Any], name: str) -> str:
    try:
        return json.dumps(data)
    except (TypeError, ValueError, RecursionError) as e:
        raise WorkflowError(f"{name} is no JSON: {e}.") from e


def read_workflows(workflows: Any) -> list[tuple[str, dict[str, Any]]]:
    """(name, JSON) of each workflow; a single one need not be in a list.

    Raises:
        TypeError: something that is neither a path nor a dict, or no list of them.
        ValueError: an empty list.
        FileNotFoundError: a file is not there.
    """
    if isinstance(workflows, (str, Path, Mapping)):
        workflows = [workflows]
    if not isinstance(workflows, Sequence) or isinstance(workflows, (bytes, bytearray)):
        raise TypeError(
            f"workflows must be a path, a dict or a list of these, not {type(workflows).__name__}."
        )
    if not workflows:
        raise ValueError("There is nothing to run: workflows is empty.")
    found = []
    for i, item in enumerate(workflows, start=1):
        name = Path(item).name if isinstance(item, (str, Path)) else f"workflow {i}"
        found.append((name, read_workflow(item)))
    return found
