"""torch, imported when it is needed: it takes seconds, and most tests of the worker need none."""

from __future__ import annotations

import contextlib
import importlib
import sys
from typing import Any

_PLAIN = ("Stub", "Primitive", "PreviewAny")


class _Torch:
    def __getattr__(self, name: str) -> Any:
        return getattr(importlib.import_module("torch"), name)


torch: Any = _Torch()


def inference_mode(
    prompt: dict[str, Any], is_unneeded: bool
) -> contextlib.AbstractContextManager[Any]:
    """What nodes run under; nothing where none of the prompt's nodes can have to do with torch.

    Args:
        is_unneeded: the test knows that none has.
    """
    if "torch" not in sys.modules:
        kinds = [node["class_type"] for node in prompt.values()]
        if is_unneeded or all(kind.startswith(_PLAIN) for kind in kinds):
            return contextlib.nullcontext()
    return torch.inference_mode()
