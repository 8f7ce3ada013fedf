"""Stand-ins for models: made by a loader that counts, changed like a LoRA changes one, used, never
copied.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

loads: Counter[str] = Counter()


class StubModel:
    """What a MODEL is to a workflow: an object that only this process has."""

    def __init__(self, name: str, parts: tuple[str, ...] = ()):
        self.name, self.parts = name, parts
        self.weights: Any = None

    def __reduce__(self) -> Any:
        raise TypeError("a model can't be copied to another process")


class StubLoadModel:
    """Loads, and counts how often it really did."""

    CATEGORY = "stub"
    RETURN_TYPES = ("MODEL", "CLIP")
    FUNCTION = "run"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"name": ("STRING", {"default": "base"})}}

    def run(self, name: str) -> tuple[StubModel, StubModel]:
        loads[name] += 1
        return StubModel(name), StubModel(name + ".clip")


class StubLoadFile:
    """Loads one of the files that it offers, as real loaders do, and counts."""

    CATEGORY = "stub"
    RETURN_TYPES = ("MODEL",)
    FUNCTION = "run"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "file": (["base.safetensors", "other.safetensors"],),
                "precision": (["default", "fp8"], {"default": "default"}),
            }
        }

    def run(self, file: str, precision: str) -> tuple[StubModel]:
        loads[file] += 1
        return (StubModel(file),)


class StubPatchModel:
    """A LoRA: another model on top of one."""

    CATEGORY = "stub"
    RETURN_TYPES = ("MODEL",)
    FUNCTION = "run"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "model": ("MODEL",),
                "strength": ("FLOAT", {"default": 1.0, "min": -10.0, "max": 10.0}),
            },
            "optional": {"picture": ("IMAGE",)},
        }

    def run(self, model: StubModel, strength: float, picture: Any = None) -> tuple[StubModel]:
        extra = "" if picture is None else f"+{float(picture.mean()):.3f}"
        patched = StubModel(model.name, (*model.parts, f"{strength}{extra}"))
        loads[repr((patched.name, patched.parts))] += 1
        return (patched,)


class StubUseModel:
    """Tells what it got, and how often its loader and its last patch ran."""

    CATEGORY = "stub"
    RETURN_TYPES = ("STRING", "INT", "INT")
    FUNCTION = "run"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"model": ("MODEL",), "seed": ("INT", {"default": 0})}}

    def run(self, model: StubModel, seed: int) -> tuple[str, int, int]:
        patches = loads[repr((model.name, model.parts))]
        return f"{model.name}{list(model.parts)} {seed}", loads[model.name], patches


class StubLoadedModels:
    """Shows how many models ComfyUI has where it runs them. Always runs."""

    CATEGORY = "stub"
    RETURN_TYPES = ()
    FUNCTION = "run"
    OUTPUT_NODE = True

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {}}

    @classmethod
    def IS_CHANGED(cls, **_: Any) -> float:
        return float("nan")

    def run(self) -> dict[str, Any]:
        from comfy import model_management  # type: ignore[import-not-found]

        return {"ui": {"count": [len(model_management.current_loaded_models)]}}


class StubLimitMemory:
    """Leaves this process that much more address space than it has, or lifts the limit again."""

    CATEGORY = "stub"
    RETURN_TYPES = ("INT",)
    FUNCTION = "run"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"spare_mb": ("INT", {"default": -1, "min": -1})}}

    def run(self, spare_mb: int) -> tuple[int]:
        import resource

        import psutil

        used = psutil.Process().memory_info().vms
        hard = resource.getrlimit(resource.RLIMIT_AS)[1]
        soft = hard if spare_mb < 0 else used + (spare_mb << 20)
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
        return (used >> 20,)


class StubLoadLargeModel:
    """Loads a file that is as large as it says, into memory that is really taken, and counts."""

    CATEGORY = "stub"
    RETURN_TYPES = ("MODEL",)
    FUNCTION = "run"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "name": ("STRING", {"default": ""}),
                "size_mb": ("INT", {"default": 1, "max": 4096}),
            },
            "optional": {"device": ("STRING", {"default": "cpu"})},
        }

    def run(self, name: str, size_mb: int, device: str = "cpu") -> tuple[StubModel]:
        loads[name] += 1
        model = StubModel(name)
        model.weights = bytearray(size_mb << 20) if device == "cpu" else _taken(size_mb, device)
        return (model,)


def _taken(size_mb: int, device: str) -> Any:
    import torch

    return torch.empty(size_mb << 20, dtype=torch.uint8, device=device)


class StubToGpu:
    """A picture on the GPU, and the same as a latent of another type."""

    CATEGORY = "stub"
    RETURN_TYPES = ("IMAGE", "LATENT")
    FUNCTION = "run"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"image": ("IMAGE",)}}

    def run(self, image: Any) -> tuple[Any, dict[str, Any]]:
        moved = image.cuda()
        return moved, {"samples": moved.movedim(-1, 1).bfloat16()}


NODES = (
    StubLoadModel,
    StubLoadFile,
    StubPatchModel,
    StubUseModel,
    StubLoadedModels,
    StubLimitMemory,
    StubLoadLargeModel,
    StubToGpu,
)
