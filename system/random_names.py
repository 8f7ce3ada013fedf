"""Random names for files, folders and blocks. Used wherever something of ours gets a name of its
own.
"""

from __future__ import annotations

import os

_AS_DIGITS = bytes(b"0123456789abcdefghijklmnopqrstuvwxyz"[i % 36] for i in range(256))


def random_name(length: int) -> str:
    """Letters and digits from the system's source: forked processes never draw the same."""
    # 256 values on 36 digits are not spread quite evenly. For names that is good enough.
    return os.urandom(length).translate(_AS_DIGITS).decode("ascii")
