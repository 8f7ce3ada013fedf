"""The node classes of a connector's server: asked for, indexed, and made use of for a conversion.

`ComfyConnector` has one, which comes with its first use: what it imports, a script that joins a
worker need not have before.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

from ..graph.convert.replace_nodes import (
    lacks_classes,
    read_replacements,
    replace_in_workflow,
)
from ..graph.convert.to_prompt import to_prompt
from ..graph.node_classes.object_info import ObjectInfo
from ..graph.workflow.parse import parse_workflow
from .rule_files import ClassIndex


class Answers(Protocol):
    """What is asked of a server's client."""

    async def object_info(self) -> dict[str, Any]: ...
    async def pack_rules(self) -> dict[str, Any]: ...
    async def node_replacements(self) -> dict[str, Any]: ...


class ServerClasses:
    """What is known of the classes, of one server after the other.

    Args:
        client: that of a living server.
        version: changes with every new server.
        keep: is given each new server's answers.
    """

    def __init__(
        self,
        client: Callable[[], Awaitable[Answers]],
        version: Callable[[], int],
        keep: Callable[[dict[str, Any], dict[str, Any]], None],
    ):
        self._client, self._version, self._keep = client, version, keep
        self._index = ClassIndex()
        self._indexed = self._kept_of = 0  # versions of the server

    async def ask(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """The server's /object_info, and what its node packs brought."""
        client = await self._client()
        info, rules = await client.object_info(), await client.pack_rules()
        if self._kept_of != self._version():
            self._kept_of = self._version()
            self._keep(info, rules)
        return info, rules

    async def index(self) -> ObjectInfo:
        """See `ComfyConnector.object_info_index`."""
        info, rules = await self.ask()
        self._indexed = self._version()
        return self._index.of(info, rules)

    async def look_again(self) -> None:
        """Where the answers are what is known, `index` gives the very same index."""
        client = await self._client()
        self._index.keep(await client.object_info(), await client.pack_rules())

    @property
    def known(self) -> ObjectInfo | None:
        """`index` without asking; None: not yet asked."""
        return self._index.latest if self._indexed == self._version() else None

    async def to_prompt(self, workflow: Mapping[str, Any], **options: Any) -> dict[str, Any]:
        """The editor's JSON as the API's, with what replaces classes that the server lacks.

        Args:
            options: see `graph.convert.to_prompt`.
        """
        info, parsed = await self.index(), parse_workflow(workflow)
        if lacks_classes(parsed, info):
            client = await self._client()
            replacements = read_replacements(await client.node_replacements())
            parsed = replace_in_workflow(parsed, info, replacements)
        return to_prompt(parsed, info, **options)
