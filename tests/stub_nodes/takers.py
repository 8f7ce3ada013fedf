"""Nodes that say what they got: for values that are made fit for the input that takes them."""

from __future__ import annotations

from typing import Any


def _is_tensor(value: Any) -> bool:
    return hasattr(value, "untyped_storage")


def _describe(value: Any) -> Any:
    if _is_tensor(value):
        return [
            str(value.dtype).removeprefix("torch."),
            list(value.shape),
            value.double().sum().item(),
        ]
    if isinstance(value, dict):
        return {name: _describe(item) for name, item in value.items()}
    return [type(value).__name__, value if isinstance(value, (int, float, str)) else None]


class _Taker:
    CATEGORY = "stub"
    RETURN_TYPES = ("STRING",)
    FUNCTION = "run"

    def run(self, value: Any) -> tuple[str]:
        import json

        return (json.dumps(_describe(value)),)


def _taker(kind: str, options: dict[str, Any] | None = None) -> type:
    def input_types(cls: type) -> dict[str, Any]:
        return {"required": {"value": (kind, options or {"forceInput": True})}}

    name = "StubTake" + ("Any" if kind == "*" else kind.title())
    return type(name, (_Taker,), {"INPUT_TYPES": classmethod(input_types), "__module__": __name__})


class StubTakeOk(_Taker):
    """Takes the text "ok" alone, as nodes check names of files: before the prompt is queued."""

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"value": ("STRING", {"default": ""})}}

    @classmethod
    def VALIDATE_INPUTS(cls, value: Any) -> Any:
        return True if value == "ok" else f"must be ok, not {value}"


NODES = (
    StubTakeOk,
    *(_taker(kind) for kind in ("*", "INT", "FLOAT", "STRING", "BOOLEAN")),
    *(_taker(kind) for kind in ("IMAGE", "MASK", "LATENT", "AUDIO", "SIGMAS", "VIDEO")),
)
