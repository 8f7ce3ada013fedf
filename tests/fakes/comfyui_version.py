"""Its own name, so that it is not taken for the real one."""

__version__ = "0.0.0-fake"
