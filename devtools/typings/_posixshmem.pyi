"""What CPython's shared_memory.py stands on, which typeshed doesn't describe.

Source: Modules/_multiprocessing/posixshmem.c of CPython 3.10 to 3.14; POSIX only.
"""

def shm_open(path: str, flags: int, mode: int = 511) -> int: ...
def shm_unlink(path: str) -> None: ...
