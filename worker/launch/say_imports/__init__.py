"""An extension without nodes that only workers get: see `prestartup_script.py` beside it."""

from __future__ import annotations

from typing import Any

NODE_CLASS_MAPPINGS: dict[str, Any] = {}
