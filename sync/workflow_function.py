"""A workflow as a function, without `await`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from ..run.results import Results
from ..workflow_functions.call_options import CallOptions
from ..workflow_functions.face import FunctionFace
from ..workflow_functions.function import WorkflowFunction as AsyncWorkflowFunction
from ..workflow_functions.shape import Shape
from .blocking import Waiting, brought_back

if TYPE_CHECKING:
    from typing_extensions import Self, Unpack

R_co = TypeVar("R_co", bound=Results, covariant=True)


class WorkflowFunction(Waiting, FunctionFace, Generic[R_co]):
    """A workflow as a function: `result = enhance(picture=picture, detail=0.01)`.

    As the asynchronous one, without `await`; functions in its options are called in the thread that
    waits.
    """

    _inner: AsyncWorkflowFunction[R_co]

    def __call__(self, /, *unnamed: Any, **inputs: Any) -> R_co:
        """Run the workflow; see the asynchronous one."""
        self._inner.refuse_unnamed(unnamed)
        return self.call(inputs)

    def call(self, inputs: Mapping[str, Any], /) -> R_co:
        """The same with inputs of any names: ports, and addresses as `run` takes them."""
        return self._thread.wait(
            lambda caller: self._inner.using(
                **brought_back(dict(self._inner.options), caller)
            ).call(inputs)
        )

    def using(self, **options: Unpack[CallOptions]) -> Self:
        """The same function with options of `run`: `context`, `timeout`, `iterations`, ..."""
        return type(self)(self._inner.using(**options), self._thread)

    def _look(self) -> Shape:
        return self._inner._look()
