"""OUTPUT ports inside a native loop, which ComfyUI would refuse: told before anything is queued.

From a StartLoop node to its EndLoop, newer ComfyUIs run a part of the prompt several times. An
output node in there is an escape from the loop to them, and a port's saver is one.
"""

from __future__ import annotations

from ...errors import WorkflowError
from ..prompt import Prompt, links_of
from .find_ports import Ports

START, END = "StartLoop", "EndLoop"


def refuse_outputs_in_loops(prompt: Prompt, ports: Ports, name: str) -> None:
    """See that every OUTPUT port stands behind the end of the loops that its value comes from.

    Raises:
        WorkflowError: names the ports.
    """
    if not any(node["class_type"] == START for node in prompt.values()):
        return
    loops = _OpenLoops(prompt)
    problems = [
        port.problem(
            f"this OUTPUT port stands inside a loop: between node {start} ({START}) and the loop's "
            f"{END}, where ComfyUI takes no outputs from. Link it to an output of the {END} node"
        )
        for port in ports.outputs.values()
        for start in sorted(loops.at(port.node_id))[:1]
    ]
    if problems:
        raise WorkflowError(f"{name} can't be run:", problems)


class _OpenLoops:
    """Which loops have begun and not ended where a node stands: the ids of their StartLoops."""

    def __init__(self, prompt: Prompt):
        self._prompt = prompt
        self._known: dict[str, frozenset[str]] = {}

    def at(self, node_id: str) -> frozenset[str]:
        """Those around a node; around a StartLoop, its own is not yet one."""
        pending = [node_id]
        while pending:
            current = pending[-1]
            sources = {s.node_id for _, s in links_of(self._prompt[current])} & self._prompt.keys()
            missing = [s for s in sources if s not in self._known and s not in pending]
            if missing:
                pending += missing
                continue
            pending.pop()
            self._known[current] = frozenset().union(*map(self._behind, sources))
        return self._known[node_id]

    def _behind(self, node_id: str) -> frozenset[str]:
        """Those in which a value is that comes out of a node, whose own are known."""
        around = self._known.get(node_id, frozenset())
        kind = self._prompt[node_id]["class_type"]
        if kind == START:
            return around | {node_id}
        return around - self._ended_by(node_id, around) if kind == END else around

    def _ended_by(self, end_id: str, around: frozenset[str]) -> frozenset[str]:
        """The loop that an EndLoop ends: the one that it is linked to, else the innermost."""
        linked = {s.node_id for _, s in links_of(self._prompt[end_id])} & around
        candidates = linked or around
        outer = {o for c in candidates for o in self._known.get(c, frozenset())}
        return frozenset(candidates - outer)
