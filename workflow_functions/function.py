"""A workflow as an asynchronous function: `Discomfort.workflow` gives it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from ..graph.addresses.find import find_input
from ..run.results import Results
from .call_options import CallOptions, merged, to_options
from .face import FunctionFace
from .function_results import FunctionResults
from .given import check_missing, refuse_unnamed, to_names
from .shape import Shape
from .shapes import Shapes

if TYPE_CHECKING:
    from typing_extensions import Self, Unpack

    from ..run.engine import Engine, Workflows

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
        self._shapes = Shapes(workflows, engine.worker)
        self.options = CallOptions()

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
        engine, shapes = self._engine, self._shapes
        engine.check_open()
        stamps = shapes.stamps()
        read = await engine.sources.read(shapes.items)
        preparer = (await engine.environment()).preparer
        prepared = [await preparer.prepare_aside(source) for source in read]
        shape = await shapes.of(prepared, preparer, stamps)

        def is_address(name: str) -> bool:
            return "." in name and any(
                find_input(preparer.directory(p), name) is not None for p in prepared
            )

        given = to_names(shape, inputs, is_address)
        context = self.options.get("context")
        if given.keys() <= {p.name for p in shape.parameters}:  # an address may be in place of one
            check_missing(shape, given, context.list_keys() if context is not None else ())
        results = await engine.run(cast(Any, read), given, to_options(self.options), context)
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

    def _look(self) -> Shape:
        return self._shapes.now()
