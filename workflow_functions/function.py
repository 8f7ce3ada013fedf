"""A workflow as an asynchronous function: `Discomfort.workflow` gives it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from ..graph.addresses.find import find_input
from ..inspection.inspect import inspect_on
from ..inspection.inspection import Inspection
from ..inspection.look import look_at
from ..run.results import Results
from ..workflows.files import is_json_text, read_workflow
from ..workflows.sources import Source, Stamp, list_of, source_of, stamp_of
from .call_options import CallOptions, merged, to_options
from .face import FunctionFace
from .function_results import FunctionResults
from .given import check_missing, refuse_unnamed, to_names
from .read_shape import read_shape
from .shape import Shape

if TYPE_CHECKING:
    from typing_extensions import Self, Unpack

    from ..run.engine import Engine, Workflows
    from ..workflows.prepare import Prepared, Preparer

R_co = TypeVar("R_co", bound=Results, covariant=True)


class WorkflowFunction(FunctionFace, Generic[R_co]):
    """A workflow as a function: `result = await enhance(picture=picture, detail=0.01)`.

    Inputs go by name: a port's own, or the identifier that `help()` shows where that can't be
    written. What the file has a value for may be left out. Options of `run` are set by `using`.
    """

    def __init__(self, engine: Engine, workflows: Workflows):
        """Reads the workflows. Files are looked at again by each call; what is given as a dict or
        text, or comes through a pipe, stays what it is now.
        """
        self._engine = engine
        self.options = CallOptions()
        self._items = _items_of(list_of(workflows))
        self._stamps = self._stamps_now()
        self._shape = self._inspected()
        self._known_as: Any = None

    async def __call__(self, /, *unnamed: Any, **inputs: Any) -> R_co:
        """Run the workflow.

        Raises:
            TypeError: an unknown name, with the one that is most like it, before anything runs.
            MissingInputError: inputs that have no value, all of them, before anything runs.
            What `Discomfort.run` raises.
        """
        self.refuse_unnamed(unnamed)
        return await self.call(inputs)

    async def call(self, inputs: Mapping[str, Any], /) -> R_co:
        """The same with inputs of any names: ports, and addresses as `run` takes them:
        `await enhance.call({"picture": picture, "KSampler.seed": 5})`.
        """
        engine, options = self._engine, self.options
        engine.check_open()
        stamps = self._stamps_now()
        read = await engine.sources.read(self._items)
        preparer = (await engine.environment()).preparer
        prepared = [await preparer.prepare_aside(source) for source in read]
        shape = await self._shape_of(prepared, preparer)
        self._stamps = stamps

        def is_address(name: str) -> bool:
            return "." in name and any(
                find_input(preparer.directory(p), name) is not None for p in prepared
            )

        given = to_names(shape, inputs, is_address)
        context = options.get("context")
        if given.keys() <= {p.name for p in shape.parameters}:  # an address may be in place of one
            check_missing(shape, given, context.list_keys() if context is not None else ())
        results = await engine.run(cast(Any, read), given, to_options(options), context)
        identifiers = {result.name: result.identifier for result in shape.results}
        return cast(R_co, FunctionResults(results, results.files, identifiers))

    def refuse_unnamed(self, unnamed: Sequence[Any]) -> None:
        """Raises TypeError for inputs without a name."""
        refuse_unnamed(self._look(), unnamed)

    def using(self, **options: Unpack[CallOptions]) -> Self:
        """The same function with options of `run`: `context`, `timeout`, `iterations`, ...

        Raises:
            TypeError: an option that `run` has not.
        """
        other = type(self).__new__(type(self))
        other.__dict__.update(self.__dict__)
        other.options = merged(self.options, options)
        return other

    async def _shape_of(self, prepared: list[Prepared], preparer: Preparer) -> Shape:
        """Looked at in a thread, once for what is in the files and the server's node classes."""
        known_as = preparer, *((p.name, p.digest) for p in prepared)
        if known_as == self._known_as:
            return self._shape

        def look() -> Shape:
            return read_shape([look_at(p, preparer.directory(p), ()) for p in prepared])

        shape = await asyncio.to_thread(look)
        self._shape, self._known_as = shape, known_as
        return shape

    def _look(self) -> Shape:
        stamps = self._stamps_now()
        if stamps != self._stamps and all(map(_is_there, self._items)):
            self._shape, self._stamps, self._known_as = self._inspected(), stamps, None
        return self._shape

    def _inspected(self) -> Shape:
        return read_shape([self._inspect(item) for item in self._items])

    def _inspect(self, item: Path | Source) -> Inspection:
        if isinstance(item, Path):
            return inspect_on(item, self._engine.worker)
        return inspect_on(item.load(), self._engine.worker, item.name)

    def _stamps_now(self) -> list[Stamp | None]:
        return [stamp_of(item) for item in self._items if isinstance(item, Path)]


def _items_of(workflows: Sequence[Any]) -> list[Path | Source]:
    """Files, which are read again by each call; and what was given otherwise, as it is now."""
    items: list[Path | Source] = []
    for number, workflow in enumerate(workflows, start=1):
        name = "workflow" if len(workflows) == 1 else f"workflow {number}"
        if isinstance(workflow, (str, Path)) and not is_json_text(workflow):
            path = Path(workflow).expanduser().absolute()
            if stamp_of(path) is not None or not path.exists():  # no pipe, which is read once
                items.append(path)
                continue
            name = path.name
        items.append(source_of(read_workflow(workflow), name))
    return items


def _is_there(item: Path | Source) -> bool:
    return not isinstance(item, Path) or item.is_file()
