"""The key of a step: equal for two runs of workflows that would give the same, and only for these.

It is the SHA-256 of a canonical form, in lines: what all that would run is, and what of the world
it hangs on. Two equal nodes are one in it, as one node that is used twice: ComfyUI's cache gives
the second what the first has made, and a node for which that is wrong says so. Ids, titles, order
and nodes that nothing needs don't count; the order of a node's inputs does not count for ComfyUI's
cache either.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ...errors import Problem
from ..node_classes.input_specs import hidden_kinds
from ..node_classes.object_info import ObjectInfo
from ..plan.canonical import canonical_text, name_nodes
from ..plan.internal_nodes import INTERNAL, LOADER, SAVER
from ..plan.recipe import NOT_IDENTITY
from ..plan.swap_ports import Swapped
from ..prompt import PromptNode, links_of
from .facts import ClassFacts, Facts
from .named_files import find_named_files
from .questions import needed_part

_FORMAT = 1  # of the lines; another one makes other keys
_NO_JSON = (TypeError, ValueError, RecursionError)
_SEES_PROMPT = frozenset({"PROMPT", "DYNPROMPT", "EXTRA_PNGINFO"})
_SEES_WORKFLOW = "EXTRA_PNGINFO"


@dataclass(frozen=True, slots=True)
class StepKey:
    """The key of a step.

    Attributes:
        key: 64 hex digits.
        form: what it is the SHA-256 of. It has all literals of the prompt: not to be stored.
        why_never: the nodes for which the step is never reused, each with its reason.
    """

    key: str
    form: bytes
    why_never: tuple[Problem, ...] = ()


def make_key(swapped: Swapped, info: ObjectInfo, facts: Facts) -> StepKey:
    """The key of the step that would run this prompt.

    Raises:
        WorkflowError: the prompt can't be run: a cycle, a link to a node that is absent.
        KeyError: a fact is missing that `ask` asks for.
    """
    writer = _Writer(swapped, info, facts)
    names = name_nodes(writer.part, writer.part, writer.give_name, "The prompt can't be run:")
    ends = [names[n] for n, node in writer.part.items() if writer.is_end(node)]
    form = "\n".join(
        [
            canonical_text(["step", _FORMAT]),
            canonical_text(["server", facts.server]),
            *_lines("kept", facts.kept.items()),
            *_lines("class", ((k, facts.classes[k].digest) for k in writer.classes())),
            *_lines("file", writer.files()),
            *_lines("end", ((name,) for name in ends)),
            *sorted(f'["node","{name}",{text}]' for name, text in writer.nodes.items()),
            *writer.whole(),
        ]
    ).encode()
    problems = (p for n in writer.part for p in writer.problems.get(n, ()))
    return StepKey(hashlib.sha256(form).hexdigest(), form, tuple(problems))


def _lines(kind: str, entries: Iterable[tuple[Any, ...]]) -> list[str]:
    return sorted(canonical_text([kind, *entry]) for entry in entries)


class _Writer:
    """Writes the form of one step: `nodes` by name, and the `problems` of nodes by id."""

    def __init__(self, swapped: Swapped, info: ObjectInfo, facts: Facts):
        self.info, self.facts = info, facts
        self.swapped, self.part = swapped, needed_part(swapped)
        self.nodes: dict[str, str] = {}
        self.problems: dict[str, list[Problem]] = {}

    def is_end(self, node: PromptNode) -> bool:
        kind = node["class_type"]
        return kind == SAVER or self.info.is_output_node(kind)

    def classes(self) -> set[str]:
        return {node["class_type"] for node in self.part.values()} - INTERNAL

    def files(self) -> list[tuple[str, str, tuple[Any, ...]]]:
        """What is found. Under which other names nothing is, the nodes tell already."""
        named = find_named_files(self.part, self.info)
        found = [(file, self.facts.files[file]) for file in named]
        return [(file.place.value, file.name, stamps) for file, stamps in found if stamps]

    def give_name(self, node_id: str, node: PromptNode, inputs: dict[str, Any]) -> str:
        """The name of a node, of all that makes its outputs what they are."""
        kind = node["class_type"]
        more = {} if kind in INTERNAL else self._more(node_id, node)
        inputs = {**self._as_content(kind, inputs), **dict.fromkeys(more.get("undated", ()))}
        text = self._text(node_id, [kind, inputs, more] if more else [kind, inputs])
        name = hashlib.sha256(text.encode()).hexdigest()
        self.nodes[name] = text
        return name

    def _text(self, node_id: str, identity: list[Any]) -> str:
        try:
            return canonical_text(identity)
        except _NO_JSON:
            inputs = identity[1]
        for name in [n for n, value in inputs.items() if not _is_json(value)]:
            inputs[name] = None
            self._never(node_id, f"its input {name!r} can't be written as JSON")
        return canonical_text(identity)

    def whole(self) -> list[str]:
        """The whole prompt, as it is, if a node gets to see it that does not only save it."""
        asking = {n: self._hidden(node) for n, node in self.part.items() if self._may_see(node)}
        asking = {n: kinds for n, kinds in asking.items() if kinds & _SEES_PROMPT}
        if not asking:
            return []
        sees_workflow = any(_SEES_WORKFLOW in kinds for kinds in asking.values())
        workflow = self.facts.workflow if sees_workflow else None
        seen = [self._queued(), self.swapped.shown, workflow]
        try:
            text = json.dumps(seen, separators=(",", ":"))  # here order counts
        except _NO_JSON:
            for node_id in asking:
                self._never(node_id, "it gets the whole prompt, which can't be written as JSON")
            return []
        return [f'["whole",{text}]']

    def _may_see(self, node: PromptNode) -> bool:
        return node["class_type"] not in INTERNAL and not self.is_end(node)

    def _hidden(self, node: PromptNode) -> frozenset[str]:
        return hidden_kinds(self.info.raw.get(node["class_type"]))

    def _queued(self) -> dict[str, PromptNode]:
        return {
            n: {**node, "inputs": self._as_content(node["class_type"], node["inputs"])}
            for n, node in self.part.items()
        }

    def _as_content(self, kind: str, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
        """The inputs, with a value by its content, and not by where it lies."""
        if kind != LOADER:
            return inputs
        key = inputs.get("unique_id")
        content = self.facts.values[key] if key else inputs["version"]
        kept = {k: v for k, v in inputs.items() if k not in NOT_IDENTITY}
        return {**kept, "version": content}

    def _more(self, node_id: str, node: PromptNode) -> dict[str, Any]:
        """What beside its class and inputs makes a node what it is."""
        kind, more = node["class_type"], {}
        if "UNIQUE_ID" in self._hidden(node):
            more["id"] = node_id
        raw = {name: source.node_id for name, source in links_of(node) if self._is_raw(kind, name)}
        if raw:
            more["raw"] = raw
        undated = dict(self._undated(node_id, node))
        if undated:
            more["undated"] = undated
        answer = self.facts.answers[node_id]
        if answer.said:
            more["said"] = answer.said
        for reason in (answer.never, *_why_never(self.facts.classes[kind])):
            if reason:
                self._never(node_id, reason)
        return more

    def _undated(self, node_id: str, node: PromptNode) -> Iterator[tuple[str, str]]:
        """The inputs in which a date was filled in, and not given through a port since."""
        for name, value in node["inputs"].items():
            at = node_id, name
            text = self.facts.undated.get(at)
            if text is not None and isinstance(value, str) and at not in self.swapped.literals:
                yield name, text

    def _is_raw(self, kind: str, name: str) -> bool:
        """Whether a node gets the link itself, and so the id of what feeds it (`rawLink`)."""
        spec = self.info.input_spec(kind, name)
        return spec is not None and bool(spec[1].get("rawLink"))

    def _never(self, node_id: str, reason: str) -> None:
        node = self.part[node_id]
        meta = node.get("_meta")
        title = meta.get("title") if isinstance(meta, Mapping) else None
        title = title if isinstance(title, str) else None
        problem = Problem(reason, node_id, node["class_type"], title)
        self.problems.setdefault(node_id, []).append(problem)


def _why_never(known: ClassFacts) -> list[str]:
    reasons = []
    if not known.is_idempotent:
        reasons.append("its class says that it gives something else each time (NOT_IDEMPOTENT)")
    if known.reads_unseen:
        reasons.append("a rule says that its class reads what can't be seen from outside")
    if known.digest is None:
        reasons.append("it is not known which source files its class was loaded from")
    return reasons


def _is_json(value: Any) -> bool:
    try:
        canonical_text(value)
    except _NO_JSON:
        return False
    return True
