"""The store's tests use the fixtures that those of contexts use."""

from support.stores import context, nothing_left, own_folders, start

__all__ = ["context", "nothing_left", "own_folders", "start"]
