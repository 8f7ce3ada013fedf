"""How much shared memory a context may take."""

from __future__ import annotations

import numbers
import shutil
from typing import Any

from ..errors import ConfigError
from ..system.config import ContextConfig
from ..system.free_memory import free_ram_bytes
from .blocks import base


def ram_limit(config: ContextConfig, max_ram_gb: float | None) -> int:
    """The limit in bytes: the argument, else MAX_RAM_PERCENT of free RAM, else MAX_RAM_GB; never
    more than the shared-memory file system has room for."""
    amounts = {
        "max_ram_gb": max_ram_gb,
        "MAX_RAM_PERCENT": config.MAX_RAM_PERCENT,
        "MAX_RAM_GB": config.MAX_RAM_GB,
    }
    for name, value in amounts.items():
        if value is not None and not _is_amount(value):
            raise ConfigError(f"{name} must be a number, 0 or more, not {value!r}.")
    if config.MAX_RAM_PERCENT is not None and config.MAX_RAM_PERCENT > 100:
        raise ConfigError(f"MAX_RAM_PERCENT must be 100 at most, not {config.MAX_RAM_PERCENT!r}.")
    if max_ram_gb is not None:
        limit = int(max_ram_gb * 2**30)
    elif config.MAX_RAM_PERCENT is not None:
        limit = int(free_ram_bytes() * config.MAX_RAM_PERCENT / 100)
    elif config.MAX_RAM_GB is not None:
        limit = int(config.MAX_RAM_GB * 2**30)
    else:
        limit = free_ram_bytes() // 2
    return min(limit, _shared_memory_bytes(limit))


def _is_amount(value: Any) -> bool:
    if not isinstance(value, numbers.Real) or isinstance(value, bool):
        return False
    return 0 <= float(value) < float("inf")


def _shared_memory_bytes(limit: int) -> int:
    if not base.is_shm_a_folder():
        return limit
    try:
        return shutil.disk_usage(base.SHM_DIR).total
    except OSError:
        return 0
