"""How a script and the ComfyUI that it attaches to know that they are of the same user.

Both read one secret, in a file that nobody else can open. It never leaves the two: what goes over
the wire are keyed hashes, of the server's start and port, so that they open no other server.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import secrets
import stat
from pathlib import Path

from ...system import user_folders
from ...system.files import write_file

NONCE_HEADER = "X-Discomfort-Nonce"
_FOLDER, _NAME = "attach", "secret"
_BYTES = 32


def server_proof(nonce: str, start: str, port: int) -> str:
    """What a ComfyUI answers to one question.

    Raises:
        OSError: there is no secret, and none can be made.
    """
    return _keyed_hash("server", nonce, start, str(port))


def script_token(start: str, port: int) -> str:
    """What a script shows to the ComfyUI of that start and port. Raises as `server_proof`."""
    return _keyed_hash("script", start, str(port))


def is_equal(given: object, expected: str) -> bool:
    """Compare without telling by the time how much of it was right."""
    return isinstance(given, str) and hmac.compare_digest(given.encode(), expected.encode())


def _keyed_hash(*parts: str) -> str:
    return hmac.new(_secret(), "\n".join(parts).encode(), hashlib.sha256).hexdigest()


def _secret() -> bytes:
    """This user's secret; made by the first who asks."""
    path = user_folders.data_folder(_FOLDER) / _NAME
    for _ in range(3):
        found = _read(path)
        if found is not None:
            return found
        with contextlib.suppress(FileExistsError):  # another process was faster
            _write_new(path)
    raise OSError(f"{path} can't be used as a secret. Remove it.")


def _write_new(path: Path) -> None:
    made = secrets.token_bytes(_BYTES)
    write_file(path, lambda file: file.write(made), overwrite=False, is_private=True)


def _read(path: Path) -> bytes | None:
    """The secret, if it is one that nobody else can have seen; else it is removed."""
    try:
        about = os.lstat(path)
    except FileNotFoundError:
        return None
    is_private = not hasattr(os, "getuid") or (
        about.st_uid == os.getuid() and not about.st_mode & 0o077
    )
    if stat.S_ISREG(about.st_mode) and is_private and about.st_size == _BYTES:
        return path.read_bytes()
    path.unlink(missing_ok=True)
    return None
