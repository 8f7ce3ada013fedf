"""Tests of finished steps run in folders of their own and leave nothing, as those of the store."""

from support.stores import nothing_left, own_folders

__all__ = ["nothing_left", "own_folders"]
