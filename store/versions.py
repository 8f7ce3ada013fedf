"""Names in the store: the token of a context, and the version of each value, its block's name."""

from __future__ import annotations

import re
from typing import Any

from ..system.random_names import random_name

_NAME = re.compile(r"[A-Za-z0-9_]{1,64}")


def new_token() -> str:
    return random_name(8)


def new_version(token: str) -> str:
    """A name that no value ever had. With the prefix of blocks it has 31 characters at most."""
    return f"{token}_{random_name(10)}"


def is_name(name: Any) -> bool:
    """Whether it is well-formed as a token, a version or a nonce.

    They become names of files: one from a damaged or foreign file must not lead elsewhere.
    """
    return isinstance(name, str) and _NAME.fullmatch(name) is not None
