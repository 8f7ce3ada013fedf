"""Work for the thread that takes prompts: it is done whenever it comes, and never twice."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Any

import pytest
from custom_nodes.discomfort.worker.launch.idle_thread import IdleThread

DEADLINE_S = 60.0


class Queue:
    """As ComfyUI's: waits for a prompt, or for a flag."""

    def __init__(self) -> None:
        self.not_empty = threading.Condition()
        self.items: deque[Any] = deque()
        self.just_before: Callable[[], Any] | None = None

    def put(self, item: Any) -> None:
        with self.not_empty:
            self.items.append(item)
            self.not_empty.notify()

    def set_flag(self, name: str, value: Any) -> None:
        with self.not_empty:
            self.not_empty.notify()

    def get(self, timeout: float | None = None) -> Any:
        act, self.just_before = self.just_before, None
        if act is not None:
            thread = threading.Thread(target=act)
            thread.start()
            thread.join(0.5)  # it gets as far as the queue lets it
        with self.not_empty:
            if not self.items:
                self.not_empty.wait(timeout)
            return self.items.popleft() if self.items else None


class Taker:
    """The thread, and what it took."""

    def __init__(self) -> None:
        self.queue, self.taken = Queue(), []
        self.idle = IdleThread(self.queue)
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self) -> None:
        while (item := self.queue.get(timeout=1000.0)) != "end":
            if item is not None:
                self.taken.append(item)


@pytest.fixture
def taker() -> Iterator[Taker]:
    taker = Taker()
    yield taker
    taker.queue.put("end")
    taker.thread.join(DEADLINE_S)
    assert not taker.thread.is_alive()


def test_work_is_done_however_it_meets_the_thread(taker):
    assert [taker.idle.do(lambda i=i: i).result(DEADLINE_S) for i in range(3000)] == [*range(3000)]


def test_work_that_comes_just_before_the_thread_waits_is_done(taker):
    late: list[Future[int]] = []
    is_given = threading.Event()

    def give() -> None:
        late.append(taker.idle.do(lambda: 5))
        is_given.set()

    taker.idle.do(lambda: setattr(taker.queue, "just_before", give)).result(DEADLINE_S)
    assert is_given.wait(DEADLINE_S)
    assert late[0].result(10) == 5


def test_what_one_work_queues_is_taken_before_the_next_work(taker):
    for i in range(300):
        taker.idle.do(lambda i=i: taker.queue.put(i))
        seen = taker.idle.do(lambda: taker.taken[-1:])
        assert seen.result(DEADLINE_S) == [i]


def test_an_error_is_for_who_waits_and_the_thread_goes_on(taker):
    with pytest.raises(ValueError, match="as you wish"):
        taker.idle.do(lambda: int("as you wish")).result(DEADLINE_S)
    assert taker.idle.do(lambda: 5).result(DEADLINE_S) == 5


def test_work_that_nobody_waits_for_any_more_is_left(taker):
    is_held, may_go = threading.Event(), threading.Event()

    def hold() -> None:
        is_held.set()
        may_go.wait(DEADLINE_S)

    first = taker.idle.do(hold)
    assert is_held.wait(DEADLINE_S)
    done: list[int] = []
    late = taker.idle.do(lambda: done.append(1))
    assert late.cancel()
    may_go.set()
    first.result(DEADLINE_S)
    assert taker.idle.do(lambda: len(done)).result(DEADLINE_S) == 0
