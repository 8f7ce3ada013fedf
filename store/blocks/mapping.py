"""A block as private memory: a copy-on-write mapping, or a copy. Used by `file_blocks.py`."""

from __future__ import annotations

import errno
import mmap
import os
import sys
import weakref
from io import FileIO

from ...errors import CorruptValueError

# Reading this much costs less than a mapping, and holds no descriptor open while the value lives.
SMALL_BYTES = 64 * 1024

_mapped: weakref.WeakSet[mmap.mmap] = weakref.WeakSet()


def map_privately(fd: int, size: int) -> memoryview:
    """A copy-on-write mapping. It keeps a descriptor, and with it the reader's lock.

    Values that are held must not take the descriptors that the rest of the process needs for files
    and sockets (1,024 on many Linux systems, 256 on macOS): beyond half of them a value is copied.
    """
    if len(_mapped) < _most_mapped():
        try:
            mapping = mmap.mmap(fd, size, access=mmap.ACCESS_COPY)
        except OSError as e:
            if e.errno not in (errno.EMFILE, errno.ENFILE, errno.ENODEV):
                raise
        else:
            _mapped.add(mapping)
            return memoryview(mapping)
    data = bytearray(size)
    with FileIO(fd, closefd=False) as file, memoryview(data) as left:
        at = 0
        while at < size:
            count = file.readinto(left[at:])
            if not count:
                raise CorruptValueError(f"a stored value ended after {at} of {size} bytes.")
            at += count
    return memoryview(data)


def _most_mapped() -> float:
    if sys.platform == "win32":
        return float("inf")
    import resource

    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return float("inf") if soft == resource.RLIM_INFINITY else soft // 2


def read(fd: int, size: int) -> memoryview:
    """A copy of a small block."""
    data = os.read(fd, size)
    while len(data) < size:
        more = os.read(fd, size - len(data))
        if not more:
            raise CorruptValueError(f"a stored value ended after {len(data)} of {size} bytes.")
        data += more
    return memoryview(bytearray(data))
