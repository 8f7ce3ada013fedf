"""What a node answered to IS_CHANGED or `fingerprint_inputs`, as text that can be compared."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from ..plan.canonical import canonical_text
from .facts import Answer


class _CannotCompare(Exception):
    """The words for an answer that equals no other."""


def read_answer(answer: Any) -> Answer:
    """What an answer says. To be called where it was given, since only plain text leaves there.

    Finer than ComfyUI, for which 1, 1.0 and True are the same.

    Source: comfy_execution/caching.py `to_hashable` of 0.3.64 and 0.33, for what can be compared.
    """
    try:
        return Answer(canonical_text(_plain(answer)))
    except _CannotCompare as e:
        return Answer(never=str(e))
    except (ValueError, RecursionError):  # endless digits, nested without end
        return Answer(never="its answer is too long to be compared")


def _plain(value: Any) -> Any:
    """The answer as JSON, in which every list begins with what it stands for."""
    if isinstance(value, float) and math.isnan(value):
        raise _CannotCompare("it answers NaN, which says that it always changes")
    if value is None or isinstance(value, (int, float, str)):
        return value
    if isinstance(value, bytes):
        return ["bytes", value.hex()]
    if isinstance(value, Mapping):
        pairs = [[_plain(k), _plain(v)] for k, v in value.items()]
        return ["mapping", sorted(pairs, key=canonical_text)]
    if isinstance(value, Sequence):
        return ["list", [_plain(item) for item in value]]
    raise _CannotCompare(f"it answers with a {type(value).__name__}, which can't be compared")
