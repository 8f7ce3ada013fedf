"""Names in the store: the token of a context, and the version of each value, its block's name."""

from __future__ import annotations

from ..system.random_names import random_name


def new_token() -> str:
    return random_name(8)


def new_version(token: str) -> str:
    """A name that no value ever had. With the prefix of blocks it has 31 characters at most."""
    return f"{token}_{random_name(10)}"
