"""Methods that wait, made of the asynchronous ones: the same arguments, types and docstrings."""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, Concatenate, ParamSpec, TypeVar

from ..worker.client.event_stream import EventStream as AsyncEventStream
from .loop_thread import Caller, LoopThread

P = ParamSpec("P")
R = TypeVar("R")

# The arguments that are functions of the caller: they are called in the thread that waits. Whether
# they are called for their answer is the difference.
_NOTIFIED = ("on_event", "progress")
_ASKED = ("until", "confirm")


class Waiting:
    """What has an asynchronous object, and the thread that this one lives in."""

    def __init__(self, inner: Any, thread: LoopThread):
        self._inner, self._thread = inner, thread


def blocking(
    method: Callable[Concatenate[Any, P], Coroutine[Any, Any, R]],
) -> Callable[Concatenate[Any, P], R]:
    """A method that waits for what that one of the object inside gives."""

    @functools.wraps(method)
    def wait(self: Waiting, *arguments: P.args, **options: P.kwargs) -> R:
        return self._thread.wait(
            lambda caller: method(self._inner, *arguments, **brought_back(options, caller))  # type: ignore[arg-type]
        )

    wait.__wrapped__ = _without_await(method)  # type: ignore[attr-defined]
    return wait


def arguments_of(
    method: Callable[P, Any],
) -> Callable[[Callable[..., R]], Callable[Concatenate[Any, P], R]]:
    """For a class's `create`: the arguments and docstring of the asynchronous one."""

    def decorate(create: Callable[..., R]) -> Callable[Concatenate[Any, P], R]:
        function = method.__func__  # type: ignore[attr-defined]
        decorated = functools.wraps(function)(create)
        decorated.__wrapped__ = _without_await(function)  # type: ignore[attr-defined]
        return decorated

    return decorate


def brought_back(options: dict[str, Any], caller: Caller) -> dict[str, Any]:
    """The options with functions that are called in the waiting thread."""
    found = dict(options)
    for names, bring in ((_NOTIFIED, caller.notify), (_ASKED, caller.ask)):
        for name in names:
            if callable(found.get(name)) and not (
                names is _NOTIFIED and inspect.iscoroutinefunction(found[name])  # it is refused
            ):
                found[name] = bring(found[name])
    return found


def _without_await(method: Callable[..., Any]) -> Callable[..., Any]:
    """A plain function with the method's signature, so that `help()` shows no coroutine."""

    @functools.wraps(method)
    def plain(*arguments: Any, **options: Any) -> Any:
        raise NotImplementedError

    return plain


class EventStream:
    """The events of one run: `for event in stream`. What the run raises, the loop raises.

    Leaving the loop early (`break`, an exception) ends the run, and waits until the worker is idle.
    """

    def __init__(self, inner: AsyncEventStream, thread: LoopThread):
        self._inner, self._thread = inner, thread

    def __iter__(self) -> Iterator[Any]:
        events = aiter(self._inner)
        try:
            while True:
                try:
                    yield self._thread.wait(lambda _: _next(events))
                except StopAsyncIteration:
                    return
        finally:
            self.close()

    def close(self) -> None:
        """End the run, if it still goes on, and return when the worker is done with it."""
        if not sys.is_finalizing():  # then the thread is no more, and the worker ends anyway
            self._thread.wait(lambda _: self._inner.aclose())

    def __enter__(self) -> EventStream:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


async def _next(events: AsyncEventStream) -> Any:
    return await anext(events)
