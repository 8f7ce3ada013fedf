"""What several users in one process share: joined by key, ended by the last who leaves."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class Shared(Generic[T]):
    """Objects by key, each with the number of its users. Any thread."""

    def __init__(self) -> None:
        self._objects: dict[Hashable, T] = {}
        self._users: dict[Hashable, int] = {}
        self._lock = threading.Lock()

    def join(self, key: Hashable, make: Callable[[], T]) -> T:
        """The object of that key, made if there is none, with one user more."""
        with self._lock:
            if key not in self._objects:
                self._objects[key] = make()
                self._users[key] = 0
            self._users[key] += 1
            return self._objects[key]

    def leave(self, shared: T) -> bool:
        """One user less. True for the last one, who has to end it; it can't be joined any more."""
        with self._lock:
            key = self._key_of(shared)
            if key is None:
                return False
            self._users[key] -= 1
            if self._users[key]:
                return False
            del self._objects[key], self._users[key]
            return True

    def forget(self, shared: T) -> None:
        """It can't be joined any more, though others may still use it."""
        with self._lock:
            key = self._key_of(shared)
            if key is not None:
                del self._objects[key], self._users[key]

    def _key_of(self, shared: T) -> Hashable | None:
        return next((k for k, found in self._objects.items() if found is shared), None)
