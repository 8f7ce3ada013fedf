"""The tests of contexts use the fixtures that those of the store use."""

from support.stores import context, nothing_left, own_folders, start

__all__ = ["context", "nothing_left", "own_folders", "start"]
