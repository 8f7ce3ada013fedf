"""What `Discomfort.check` gives: all that workflows need and the server lacks, as data and text."""

from __future__ import annotations

import dataclasses
import html
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ..errors import Problem, printable, visible
from ..graph.needs.packs import is_of_folder
from ..graph.needs.values import MissingFile, MissingPack, OddChoice, Place
from .import_failures import FailedPack

_PLACES = 4  # that are shown for one thing
_LONGEST = 300


@dataclass(frozen=True, slots=True)
class Check:
    """What workflows need and the server lacks. Print it, or let a notebook show it.

    Attributes:
        packs: the node packs whose classes are missing, each with the command that installs it.
        failed_packs: those that are installed and may be the reason, since they did not load; None
            where the log is not known, since the server is not ours.
        models: the model files; `source` is what the workflow says of one.
        input_files: pictures, sounds and others that nodes load.
        choices: other values that the server does not list; those that `is_sure` are refused.
        api_nodes: nodes that ask a paid service.
        has_api_key: there is a key for it.
        problems: what else keeps a workflow from being run.
    """

    packs: tuple[MissingPack, ...] = ()
    failed_packs: tuple[FailedPack, ...] | None = ()
    models: tuple[MissingFile, ...] = ()
    input_files: tuple[MissingFile, ...] = ()
    choices: tuple[OddChoice, ...] = ()
    api_nodes: tuple[Place, ...] = ()
    has_api_key: bool = False
    problems: tuple[Problem, ...] = ()

    @property
    def is_ready(self) -> bool:
        """Nothing that is known of keeps ComfyUI from running the workflows.

        What no output needs counts as little as choices that a node pack may take all the same.
        """
        files = (*self.models, *self.input_files)
        return not (
            self.packs
            or self.problems
            or any(not file.is_idle for file in files)
            or any(choice.is_sure and not choice.place.is_idle for choice in self.choices)
            or (not self.has_api_key and any(not place.is_idle for place in self.api_nodes))
        )

    def to_json(self) -> dict[str, Any]:
        """All of it as dicts and lists, for `json.dumps`."""
        return {**_plain(dataclasses.asdict(self)), "is_ready": self.is_ready}

    def __str__(self) -> str:
        lines = list(_Text(self).lines())
        return printable("\n".join(lines)) if lines else "Nothing is missing."

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(str(self))}</pre>"


def shown(text: str) -> str:
    """A stranger's text in one line, without what a terminal would obey."""
    clean = visible(text)
    return clean if len(clean) <= _LONGEST else clean[:_LONGEST] + "..."


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    return [_plain(v) for v in value] if isinstance(value, (list, tuple)) else value


class _Text:
    """A check in words, line by line. Workflows are named only where there are several."""

    def __init__(self, check: Check):
        self._check = check
        self._names_workflows = len({place.where for place in _places(check)}) > 1

    def lines(self) -> Iterator[str]:
        check = self._check
        yield from _section("Node packs that are missing:", self._packs())
        failed = [line for pack in check.failed_packs or () for line in _failed(pack)]
        yield from _section("Node packs that are installed and did not load:", failed)
        yield from _section("Models that are missing:", self._models())
        files = [line for file in check.input_files for line in self._input_file(file)]
        if files:
            files.append(
                "Put them into ComfyUI's input folder (`discomfort.Worker.upload_data(path)` "
                "copies one there), or give others in inputs, by the node's address."
            )
        yield from _section("Input files that are missing:", files)
        sure = [self._choice(choice) for choice in check.choices if choice.is_sure]
        yield from _section("Values that this ComfyUI does not know:", sure)
        unsure = [self._choice(choice) for choice in check.choices if not choice.is_sure]
        yield from _section("Values that are not listed, and may be taken all the same:", unsure)
        yield from _section("Nodes that ask a paid service:", self._api_nodes())
        yield from _section("What else is wrong:", [shown(str(p)) for p in check.problems])

    def _packs(self) -> list[str]:
        lines, failed = [], self._check.failed_packs
        for pack in self._check.packs:
            for kind, places in pack.classes:
                lines.append(f"{_name(pack)}: {shown(kind)}, {self._at(places)}")
            lines.append(f"    {_remedy(pack, failed or ())}")
        if self._check.packs and failed is None:
            lines.append("Whether a pack did not load is in that ComfyUI's own log.")
        return lines

    def _models(self) -> list[str]:
        lines = []
        for file in self._check.models:
            folder = shown(file.folder) if file.folder else "a folder that is not known"
            idle = " (no output needs it)" if file.is_idle else ""
            lines.append(f"{shown(file.name)} in {folder}, {self._at(file.places)}{idle}")
            if file.nearest is not None:
                where = f" in {file.nearest_folder}" if file.nearest_folder else ""
                lines.append(f"    this ComfyUI has {shown(file.nearest)}{where}")
            if file.source is not None:
                digest = f"sha256 {file.source.sha256}" if file.source.sha256 else "no hash"
                lines.append(f"    {shown(file.source.url)} ({digest})")
        if any(file.source is not None for file in self._check.models):
            lines.append("`await discomfort.fetch_models(workflow)` lists what it would download.")
        return lines

    def _input_file(self, file: MissingFile) -> Iterator[str]:
        idle = " (no output needs it)" if file.is_idle else ""
        yield f"{shown(file.name)}, {self._at(file.places)}{idle}"
        if file.nearest is not None:
            yield f"    this ComfyUI has {shown(file.nearest)}"

    def _choice(self, choice: OddChoice) -> str:
        nearest = f", nearest: {shown(choice.nearest)}" if choice.nearest is not None else ""
        return f"{shown(choice.value)}, {self._at((choice.place,))}{nearest}"

    def _api_nodes(self) -> list[str]:
        if not self._check.api_nodes:
            return []
        key = "no key is given: set COMFY_ORG_API_KEY"
        if self._check.has_api_key:
            key = "there is a key"
        return [f"{self._at(self._check.api_nodes)}: {key}"]

    def _at(self, places: tuple[Place, ...]) -> str:
        """Where something is needed: nodes of one class and input together."""
        groups: dict[str, list[str]] = {}
        for place in places:
            name = f", {place.input_name}" if place.input_name else ""
            where = f" of {place.where}" if self._names_workflows else ""
            groups.setdefault(f"({place.node_type}{name}){where}", []).append(_node(place))
        lines = []
        for what, nodes in groups.items():
            more = f" and {len(nodes) - _PLACES} more" if len(nodes) > _PLACES else ""
            word = "node" if len(nodes) == 1 else "nodes"
            lines.append(shown(f"{word} {', '.join(nodes[:_PLACES])}{more} {what}"))
        return "; ".join(lines)


def _places(check: Check) -> Iterator[Place]:
    for pack in check.packs:
        for _, places in pack.classes:
            yield from places
    for file in (*check.models, *check.input_files):
        yield from file.places
    yield from (choice.place for choice in check.choices)
    yield from check.api_nodes


def _node(place: Place) -> str:
    has_title = place.title and place.title != place.node_type
    return f"{place.node_id} {place.title!r}" if has_title else place.node_id


def _section(title: str, lines: list[str]) -> Iterator[str]:
    if lines:
        yield title
        yield from (f"  {line}" for line in lines)


def _name(pack: MissingPack) -> str:
    if pack.is_core:
        return f"ComfyUI's own, of version {shown(pack.version) or 'newer than this one'}"
    if not pack.name:
        return "of a pack that the file does not name"
    return shown(f"{pack.name} {pack.version}".rstrip())


def _remedy(pack: MissingPack, failed: tuple[FailedPack, ...]) -> str:
    if pack.is_core:
        return "update the ComfyUI that Discomfort starts"
    if any(is_of_folder(pack, f.name) for f in failed):
        return "it is installed, and did not load: see below"
    if pack.command is not None:
        return f"{pack.command}    (then start ComfyUI again)"
    if pack.name:
        return "look for it in the ComfyUI Manager, and install it there"
    return "look for these names in the ComfyUI Manager, and install their pack there"


def _failed(pack: FailedPack) -> Iterator[str]:
    reason = shown(pack.reason) or "its log says no reason in one line"
    yield f"{shown(pack.name)}: {reason}"
    yield f"    {pack.command or f'put that right, or install it anew: {shown(pack.path)}'}"
