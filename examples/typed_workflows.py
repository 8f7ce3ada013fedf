"""Workflows as functions. Their types are in the .pyi file beside this one."""

# Made by `discomfort stubs`, which makes it anew: what is changed here is lost.
# ruff: noqa
# {"discomfort stubs": 1, "package": "discomfort"}
# {"function": "enhance", "file": "workflows/enhance.json", "stamp": "f8a9f76fe9827db1ff5c78e3de8f7380"}
# {"function": "open_example", "file": "workflows/open_example.json", "stamp": "0f0a6bf56a4f8471762b035da0606951"}
# {"function": "soften", "file": "workflows/soften.json", "stamp": "d0aefadcc7cf20232fc91989d1160382"}

from pathlib import Path as _Path

_FOLDER = _Path(__file__).resolve().parent
_FILES = {
    "enhance": "workflows/enhance.json",
    "open_example": "workflows/open_example.json",
    "soften": "workflows/soften.json",
}


def _load(discomfort, name):
    return discomfort.workflow(_FOLDER / _FILES[name])


def enhance(discomfort, /):
    """The workflow enhance.json as a function."""
    return _load(discomfort, "enhance")


def open_example(discomfort, /):
    """The workflow open_example.json as a function."""
    return _load(discomfort, "open_example")


def soften(discomfort, /):
    """The workflow soften.json as a function."""
    return _load(discomfort, "soften")
