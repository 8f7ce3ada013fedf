"""What a user is told of a context: where a value lies, and what all of them take."""

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
    place = store.locate(receipt)
    info: dict[str, Any] = {
        "storage_type": receipt.storage,
        "size": receipt.size_bytes,
        "pass_by": receipt.pass_by,
    }
    if receipt.storage == "ram":
        info["shm_name"] = os.path.basename(place)
    else:
        info["path"] = place
    if receipt.pass_by == "ref":
        info["recipe"] = (receipt.meta or {}).get("recipe")
    return info


def usage(store: RamFirst) -> dict[str, Any]:
    """See `WorkflowContext.get_usage`."""
    keys = store.unique_ids()
    used, limit = store.book.used_bytes, store.limit_bytes
    return {
        "ram_usage_bytes": used["ram"],
        "ram_capacity_bytes": limit,
        "ram_usage_gb": used["ram"] / 2**30,
        "ram_capacity_gb": limit / 2**30,
        "temp_disk_usage_bytes": used["disk"],
        "temp_disk_usage_mb": used["disk"] / 2**20,
        "stored_keys_count": len(keys),
    }
