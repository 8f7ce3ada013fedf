"""Its own name, so that nobody takes it for the real one."""

__version__ = "0.0.0-fake"
