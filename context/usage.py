"""What a context says of itself: where a value lies, and what all of them take."""

from __future__ import annotations

import os
from typing import Any

from ..errors import UnknownKeyError
from ..store.ram_first import RamFirst


def storage_info(store: RamFirst, unique_id: str) -> dict[str, Any] | None:
    """See `WorkflowContext.get_storage_info`."""
    try:
        receipt = store.receipt(unique_id)
    except UnknownKeyError:
        return None
    name = store.blocks.locate(receipt)
    info: dict[str, Any] = {
        "storage_type": receipt.storage,
        "size": receipt.size_bytes,
        "pass_by": receipt.pass_by,
    }
    if receipt.storage == "ram":
        info["shm_name"] = os.path.basename(name)
    else:
        info["path"] = name
    if receipt.pass_by == "ref":
        info["recipe"] = (receipt.meta or {}).get("recipe")
    return info


def usage(store: RamFirst) -> dict[str, Any]:
    """See `WorkflowContext.get_usage`."""
    keys = store.unique_ids()
    ram, disk = store.book.used_bytes("ram"), store.book.used_bytes("disk")
    return {
        "ram_usage_bytes": ram,
        "ram_capacity_bytes": store.limit_bytes,
        "ram_usage_gb": ram / 2**30,
        "ram_capacity_gb": store.limit_bytes / 2**30,
        "temp_disk_usage_bytes": disk,
        "temp_disk_usage_mb": disk / 2**20,
        "stored_keys_count": len(keys),
    }
