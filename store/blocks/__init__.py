"""One block of bytes, in shared memory or in a file."""
