"""Sizes for people."""

from __future__ import annotations


def size_text(size_bytes: float) -> str:
    """ "12 B", "3.4 MB", "1.2 GB": powers of 1000, as disks are sold."""
    for unit in ("B", "kB", "MB"):
        if size_bytes < 1000:
            return f"{size_bytes:.0f} B" if unit == "B" else f"{size_bytes:.1f} {unit}"
        size_bytes /= 1000
    return f"{size_bytes:.1f} GB"
