"""Looks at workflows, at what they are given, and at the references that they would use."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..errors import Problem, WorkflowError
from ..graph.needs.model_sources import model_sources
from ..graph.needs.values import ModelSource
from ..graph.ports.find_ports import Ports
from ..graph.prompt import Prompt
from ..run.addresses import with_call_ports
from ..run.bindings import is_given_by_reference, stored_value
from ..run.environment import Environment
from ..workflows.look import Look, look_at
from ..workflows.prepare import Prepared
from ..workflows.sources import Source, source_of

if TYPE_CHECKING:
    from ..workflow_context import WorkflowContext

_MOST_TEXT_BYTES = 1 << 16  # a longer value names no file


@dataclass(frozen=True, slots=True)
class Looked:
    """One workflow, or a reference that one would use, with what it says of models."""

    name: str
    look: Look
    sources: list[ModelSource]


class Looker:
    """Looks at what a run with these inputs and this context would use. It saves nothing."""

    def __init__(
        self, environment: Environment, context: WorkflowContext, given: Mapping[str, Any]
    ):
        self._preparer, self._rules = environment.preparer, environment.rules
        self._context, self._given = context, given
        self._seen: set[str] = set()
        self._prepared: dict[str, Prepared] = {}

    async def prepare(self, sources: list[Source]) -> tuple[Problem, ...]:
        """Prepare those that can be, with ports at the addresses that are given.

        Returns:
            What is wrong with the addresses.
        """
        prepared: list[Prepared] = []
        for source in sources:
            with contextlib.suppress(WorkflowError):  # `look` says what is wrong with it
                prepared.append(await self._preparer.prepare_aside(source))
        try:
            made = with_call_ports(prepared, self._given, [], self._preparer, self._rules)
        except WorkflowError as e:
            return e.problems
        self._prepared = {p.digest: p for p in made}
        return ()

    async def look(self, source: Source) -> list[Looked]:
        """The workflow, and then its references.

        Raises:
            WorkflowError: it is none, or has nodes that only Discomfort writes.
        """
        if source.digest in self._seen:
            return []
        self._seen.add(source.digest)
        look = await self._look(source)
        prompt = self._filled_in(look.prompt, look.ports)
        look = Look(prompt, look.ports, look.unknown, look.problems)
        found = [Looked(source.name, look, model_sources(source.load()))]
        for name, data in self._references(look.ports):
            found += await self.look(source_of(data, name))
        return found

    async def _look(self, source: Source) -> Look:
        if source.digest in self._prepared:
            prepared = self._prepared[source.digest]
            return Look(prepared.prompt, prepared.ports)
        try:
            prepared = await self._preparer.prepare_aside(source)
        except WorkflowError as e:
            replacements = await self._preparer.replacements()
            return await asyncio.to_thread(look_at, source, self._preparer.info, replacements, e)
        return Look(prepared.prompt, prepared.ports)

    def _filled_in(self, prompt: Prompt, ports: Ports) -> Prompt:
        """The prompt with the texts that its INPUT ports are given, or have while they are given
        nothing: they may name files.
        """
        filled = {**prompt}
        for unique_id, group in ports.inputs.items():
            value, default = self._text(unique_id), ports.default(unique_id)
            if not self._has_value(unique_id) and default is not None:
                texts = {use: v for use, v in default.under.items() if isinstance(v, str)}
            else:
                texts = {use: value for port in group for use in port.uses if value is not None}
            for use, text in texts.items():
                node = filled.get(use.node_id)
                if node is not None:
                    inputs = {**node["inputs"], use.input_name: text}
                    filled[use.node_id] = {**node, "inputs": inputs}
        return filled

    def _has_value(self, unique_id: str) -> bool:
        return unique_id in self._given or unique_id in self._context.list_keys()

    def _text(self, unique_id: str) -> str | None:
        value = self._given.get(unique_id)
        if unique_id not in self._given and unique_id in self._context.list_keys():
            receipt = self._context.internal.get_receipt(unique_id)
            if receipt.pass_by != "ref" and receipt.size_bytes <= _MOST_TEXT_BYTES:
                value = stored_value(self._context, unique_id)
        return value if isinstance(value, str) else None

    def _references(self, ports: Ports) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """The name and the workflow of each reference that the INPUT ports would get."""
        for unique_id in ports.inputs:
            name, kind = f"the reference {unique_id!r}", ports.input_type(unique_id)
            is_stored = unique_id not in self._given and unique_id in self._context.list_keys()
            if is_given_by_reference(self._given.get(unique_id), [kind], self._rules):
                yield name, self._given[unique_id]
            elif is_stored and self._context.internal.get_receipt(unique_id).pass_by == "ref":
                yield name, self._context.internal.load_reference(unique_id)
