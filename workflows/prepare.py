"""Prepared workflows: what depends on the file and the server alone, made once and kept.

A loop over the same file parses, converts and looks for ports in it once. Which classes the server
has replaced by others is asked once, and only when it does not know one.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from ..errors import CHECK_HINT, Problem, WorkflowError
from ..graph.addresses.call_ports import CallPorts, ports_with, put_in, shown_anew
from ..graph.addresses.directory import Directory, directory_of
from ..graph.convert.missing_classes import unknown_class
from ..graph.convert.replace_nodes import (
    Replacement,
    lacks_classes,
    read_replacements,
    replace_in_prompt,
    replace_in_workflow,
)
from ..graph.convert.to_prompt import convert
from ..graph.markers.find import find_markers, may_have_markers, with_marker_ports
from ..graph.markers.model import Markers
from ..graph.markers.stand_ins import put_stand_ins, types_in, with_lacking
from ..graph.node_classes.widgets import ObjectInfo
from ..graph.plan.internal_nodes import refuse_internal
from ..graph.ports.defaults import with_defaults
from ..graph.ports.find_ports import Ports, find_ports, find_ports_in_prompt
from ..graph.ports.native_loops import refuse_outputs_in_loops
from ..graph.prompt import Prompt, PromptNode, is_prompt, parse_prompt
from ..graph.workflow.model import Workflow
from ..graph.workflow.parse import parse_workflow
from .sources import Source, source_of

_KEPT = 128

T = TypeVar("T")
K = TypeVar("K")


@dataclass(frozen=True, slots=True)
class Prepared:
    """A workflow or API prompt, ready to be planned. `workflow` is None for a prompt.

    Attributes:
        under: what the widgets have that ports feed.
        call: the ports that it has for one call alone; they are in `prompt` and `ports`.
        markers: those of other tools; the ports of theirs are in `prompt` and `ports`, too.
        unmarked: the prompt as the file has it, without their ports; None: it is `prompt`.
    """

    name: str
    digest: str
    workflow: Workflow | None
    prompt: Prompt
    ports: Ports
    under: Mapping[tuple[str, str], Any] = field(default_factory=dict)
    call: CallPorts = CallPorts()
    markers: Markers = Markers()
    unmarked: Prompt | None = None

    @property
    def written(self) -> Prompt:
        """The prompt as the file has it, with DiscomfortPorts only; of a call, with its ports."""
        return self.prompt if self.unmarked is None else self.unmarked


class _Unasked(WorkflowError):
    """The server lacks a class, and was not yet asked for its replacements."""


class Preparer:
    """Keeps the prepared form of the last workflows, for one server's /object_info.

    Args:
        ask: gives that server's /node_replacements.
        ask_now: the same where this process is the server; with neither, there are none.
    """

    def __init__(
        self,
        info: ObjectInfo,
        ask: Callable[[], Awaitable[Any]] | None = None,
        ask_now: Callable[[], Any] | None = None,
    ):
        self.info = info
        self._ask = ask
        self._ask_now = dict if ask is None and ask_now is None else ask_now
        self._replacements: Mapping[str, Replacement] | None = None
        self._kept: OrderedDict[str, Prepared] = OrderedDict()
        self._directories: OrderedDict[str, Directory] = OrderedDict()
        self._with_calls: OrderedDict[Any, Prepared] = OrderedDict()

    def prepare(self, data: Mapping[str, Any], name: str) -> Prepared:
        """Convert a workflow (or check a prompt) and find its ports; to be called in `decide`.

        Raises:
            WorkflowError: with all that is wrong with it.
        """
        source = source_of(data, name)
        return self._find(source) or self._keep(source, self._prepare(source))

    async def prepare_aside(self, source: Source) -> Prepared:
        """`prepare`, in a thread if there is something to convert."""
        found = self._find(source)
        if found is not None:
            return found
        try:
            prepared = await asyncio.to_thread(self._prepare, source)
        except _Unasked:
            await self._ask_replacements()
            prepared = await asyncio.to_thread(self._prepare, source)
        return self._keep(source, prepared)

    def directory(self, prepared: Prepared) -> Directory:
        """What addresses can name in a workflow; made once for each."""
        found = self._directories.get(prepared.digest)
        if found is None or found.prompt is not prepared.written:
            found = directory_of(prepared.written, self.info, prepared.workflow)
            _remember(self._directories, prepared.digest, found)
        return found

    def with_call(self, prepared: Prepared, call: CallPorts) -> Prepared:
        """The workflow with the ports of a call; made once for each set of them."""
        if not call:
            return prepared
        key = prepared.digest, tuple(call.inputs.items()), tuple(call.outputs.items())
        found = self._with_calls.get(key)
        if found is None or found.name != prepared.name or found.under is not prepared.under:
            prompt = put_in(prepared.prompt, call)
            under = prepared.under
            ports = ports_with(prepared.ports, call, prepared.prompt, self.info, under)
            prompt, ports = shown_anew(prepared.prompt, prompt, ports)
            found = _checked(replace(prepared, prompt=prompt, ports=ports, call=call))
            _remember(self._with_calls, key, found)
        return found

    async def decide(self, decision: Callable[[], T]) -> T:
        """What a decision gives that may prepare workflows: made again, if it met a class of which
        the server must be asked first what has replaced it.
        """
        try:
            return decision()
        except _Unasked:
            await self._ask_replacements()
            return decision()

    async def replacements(self) -> Mapping[str, Replacement]:
        """What has replaced which class; asked for once."""
        await self._ask_replacements()
        return self._known_replacements()

    async def _ask_replacements(self) -> None:
        if self._replacements is None and self._ask is not None:
            self._replacements = read_replacements(await self._ask())

    def _known_replacements(self) -> Mapping[str, Replacement]:
        if self._replacements is None:
            if self._ask_now is None:
                raise _Unasked("The server was not yet asked which node classes it has replaced.")
            self._replacements = read_replacements(self._ask_now())
        return self._replacements

    def _prepare(self, source: Source) -> Prepared:
        return _prepare(source, self.info, self._known_replacements)

    def _find(self, source: Source) -> Prepared | None:
        found = self._kept.get(source.digest)
        if found is None:
            return None
        self._kept.move_to_end(source.digest)
        return found if found.name == source.name else replace(found, name=source.name)

    def _keep(self, source: Source, prepared: Prepared) -> Prepared:
        if not source.is_dated:
            _remember(self._kept, source.digest, prepared)
        return prepared


def _remember(kept: OrderedDict[K, T], key: K, value: T) -> None:
    kept[key] = value
    kept.move_to_end(key)
    while len(kept) > _KEPT:
        kept.popitem(last=False)


def _prepare(
    source: Source, info: ObjectInfo, replacements: Callable[[], Mapping[str, Replacement]]
) -> Prepared:
    data, name, digest = source.load(), source.name, source.digest
    refuse_internal(data, name)
    if is_prompt(data):
        prompt, stood_for = put_stand_ins(parse_prompt(data), info)
        if lacks_classes(prompt, info):
            prompt = replace_in_prompt(prompt, info, replacements())
            _check_classes(prompt, info)
        ports = find_ports_in_prompt(prompt, info)
        return _with_markers(_checked(Prepared(name, digest, None, prompt, ports)), info, stood_for)
    workflow = parse_workflow(data)
    if lacks_classes(workflow, info):
        workflow = replace_in_workflow(workflow, info, replacements())
    made = convert(workflow, with_lacking(info, types_in(workflow)))
    prompt, stood_for = put_stand_ins(made.prompt, info)
    refuse_internal(prompt, name)  # whatever it was made of
    ports = with_defaults(find_ports(workflow, info), made.under)
    prepared = Prepared(name, digest, workflow, prompt, ports, made.under)
    return _with_markers(_checked(prepared), info, stood_for)


def _with_markers(
    made: Prepared, info: ObjectInfo, stood_for: Mapping[str, PromptNode]
) -> Prepared:
    """The workflow with the ports that other tools' markers are."""
    if not stood_for and not may_have_markers(made.prompt, made.workflow):
        return made
    directory = directory_of(made.prompt, info, made.workflow)
    markers = find_markers(directory, made.ports, made.workflow, stood_for)
    ports = with_marker_ports(made.ports, markers, made.prompt, info, made.under)
    prompt = put_in(made.prompt, markers.call)
    return replace(made, prompt=prompt, ports=ports, markers=markers, unmarked=made.prompt)


def _checked(made: Prepared) -> Prepared:
    refuse_outputs_in_loops(made.prompt, made.ports, made.name)
    return made


def _check_classes(prompt: Prompt, info: ObjectInfo) -> None:
    """What conversion checks of a workflow: ComfyUI would not look at nodes that nothing needs."""
    problems = [
        Problem(unknown_class(node.get("_meta")), node_id, node["class_type"])
        for node_id, node in prompt.items()
        if node["class_type"] not in info
    ]
    if problems:
        raise WorkflowError("The prompt can't be run:", problems, CHECK_HINT)
