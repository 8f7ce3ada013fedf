"""A handful of ComfyUI's nodes, executed for real with torch and PIL; their inputs are those of
0.33.
"""

from __future__ import annotations

import json
import os
import random
import string
from typing import TYPE_CHECKING, Any

import folder_paths
import numpy as np
from PIL import Image, ImageOps
from PIL.PngImagePlugin import PngInfo

if TYPE_CHECKING:
    import torch
else:
    from lazy import torch


class InterruptProcessingException(Exception):
    """The run was interrupted."""


_interrupted = False


def interrupt_processing(value: bool = True) -> None:
    global _interrupted
    _interrupted = value


def before_node_execution() -> None:
    """Raise if an interrupt was asked for; long nodes call it in between too."""
    global _interrupted
    if _interrupted:
        _interrupted = False
        raise InterruptProcessingException()


METHODS = ["nearest-exact", "bilinear", "area", "bicubic", "lanczos"]
_LARGEST_INT = 9223372036854775807


def _int(default: int, low: int, high: int, step: int | None = 1) -> tuple[str, dict[str, Any]]:
    options = {"default": default, "min": low, "max": high}
    return "INT", options if step is None else {**options, "step": step}


def _float(default: float, low: float, high: float, step: float) -> tuple[str, dict[str, Any]]:
    return "FLOAT", {"default": default, "min": low, "max": high, "step": step}


class Node:
    """What the nodes here have in common."""

    RETURN_TYPES: tuple[str, ...] = ("IMAGE",)
    FUNCTION = "run"
    CATEGORY = "image"
    REQUIRED: dict[str, Any] = {}

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": dict(cls.REQUIRED)}


class LoadImage(Node):
    RETURN_TYPES = ("IMAGE", "MASK")

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"image": (folder_paths.list_inputs(), {"image_upload": True})}}

    def run(self, image: str) -> tuple[torch.Tensor, torch.Tensor]:
        path = folder_paths.find_input(image)
        assert path, image
        with Image.open(path) as file:
            picture = ImageOps.exif_transpose(file)
            rgb = np.asarray(picture.convert("RGB"), dtype=np.float32) / 255.0
            mask = torch.zeros((1, 64, 64))
            if "A" in picture.getbands():
                alpha = np.asarray(picture.getchannel("A"), dtype=np.float32) / 255.0
                mask = 1.0 - torch.from_numpy(alpha)[None]
        return torch.from_numpy(rgb)[None], mask

    @classmethod
    def IS_CHANGED(cls, image: str) -> float:
        path = folder_paths.find_input(image)
        return os.stat(path).st_mtime_ns if path else float("nan")

    @classmethod
    def VALIDATE_INPUTS(cls, image: str) -> bool | str:
        return True if folder_paths.find_input(image) else f"Invalid image file: {image}"


class SaveImage(Node):
    RETURN_TYPES = ("IMAGE",)
    RETURN_NAMES = ("images",)
    OUTPUT_NODE = True
    KIND = "output"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "images": ("IMAGE",),
                "filename_prefix": ("STRING", {"default": "ComfyUI"}),
            },
            "hidden": {"prompt": "PROMPT", "extra_pnginfo": "EXTRA_PNGINFO"},
        }

    def run(
        self,
        images: torch.Tensor,
        filename_prefix: str = "ComfyUI",
        prompt: Any = None,
        extra_pnginfo: Any = None,
    ) -> dict[str, Any]:
        subfolder, prefix = os.path.split(filename_prefix)
        folder = os.path.join(folder_paths.folder_of(self.KIND), subfolder)
        os.makedirs(folder, exist_ok=True)
        about = PngInfo()
        if prompt is not None:
            about.add_text("prompt", json.dumps(prompt))
        for key, value in (extra_pnginfo or {}).items():
            about.add_text(key, json.dumps(value))
        saved, number = [], folder_paths.next_number(folder, prefix)
        for i, image in enumerate(images):
            pixels = (image.cpu().numpy() * 255.0).clip(0, 255).astype(np.uint8)
            name = f"{prefix}_{number + i:05}_.png"
            Image.fromarray(pixels).save(
                os.path.join(folder, name), pnginfo=about, compress_level=4
            )
            saved.append({"filename": name, "subfolder": subfolder, "type": self.KIND})
        return {"ui": {"images": saved}, "result": (images,)}


class PreviewImage(SaveImage):
    KIND = "temp"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {**SaveImage.INPUT_TYPES(), "required": {"images": ("IMAGE",)}}

    def run(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, images: torch.Tensor, prompt: Any = None, extra_pnginfo: Any = None
    ) -> dict[str, Any]:
        suffix = "".join(random.choices(string.ascii_lowercase, k=5))
        return super().run(images, f"ComfyUI_temp_{suffix}", prompt, extra_pnginfo)


class EmptyImage(Node):
    REQUIRED = {
        "width": _int(512, 1, 16384),
        "height": _int(512, 1, 16384),
        "batch_size": _int(1, 1, 4096, None),
        "color": ("INT", {"default": 0, "min": 0, "max": 0xFFFFFF, "step": 1, "display": "color"}),
    }

    def run(
        self, width: int, height: int, batch_size: int = 1, color: int = 0
    ) -> tuple[torch.Tensor]:
        rgb = [((color >> shift) & 0xFF) / 255.0 for shift in (16, 8, 0)]
        return (torch.tensor(rgb).expand(batch_size, height, width, 3).contiguous(),)


class ImageInvert(Node):
    REQUIRED = {"image": ("IMAGE",)}

    def run(self, image: torch.Tensor) -> tuple[torch.Tensor]:
        return (1.0 - image,)


def _gaussian(radius: int, sigma: float) -> torch.Tensor:
    size = 2 * radius + 1
    axis = torch.linspace(-1, 1, size)
    squares = axis[None] ** 2 + axis[:, None] ** 2
    kernel = torch.exp(-squares / (2 * sigma**2))
    return kernel / kernel.sum()


def _convolve(image: torch.Tensor, kernel: torch.Tensor) -> torch.Tensor:
    radius, channels = kernel.shape[-1] // 2, image.shape[-1]
    planes = image.permute(0, 3, 1, 2)
    planes = torch.nn.functional.pad(planes, (radius,) * 4, "reflect")
    weights = kernel.expand(channels, 1, *kernel.shape)
    return torch.nn.functional.conv2d(planes, weights, groups=channels).permute(0, 2, 3, 1)


class ImageBlur(Node):
    REQUIRED = {
        "image": ("IMAGE", {}),
        "blur_radius": _int(1, 1, 31),
        "sigma": _float(1.0, 0.1, 10.0, 0.1),
    }

    def run(self, image: torch.Tensor, blur_radius: int, sigma: float) -> tuple[torch.Tensor]:
        return (_convolve(image, _gaussian(blur_radius, sigma)),)


class ImageSharpen(Node):
    REQUIRED = {
        "image": ("IMAGE", {}),
        "sharpen_radius": _int(1, 1, 31),
        "sigma": _float(1.0, 0.1, 10.0, 0.01),
        "alpha": _float(1.0, 0.0, 5.0, 0.01),
    }

    def run(
        self, image: torch.Tensor, sharpen_radius: int, sigma: float, alpha: float
    ) -> tuple[torch.Tensor]:
        kernel = _gaussian(sharpen_radius, sigma) * -(alpha * 10)
        kernel[sharpen_radius, sharpen_radius] -= kernel.sum() - 1.0
        return (_convolve(image, kernel).clamp(0, 1),)


def _resize(image: torch.Tensor, width: int, height: int, method: str) -> torch.Tensor:
    if method == "lanczos":
        resized = [
            Image.fromarray((i.clamp(0, 1) * 255).byte().numpy()).resize(
                (width, height), Image.Resampling.LANCZOS
            )
            for i in image.cpu()
        ]
        return torch.stack([torch.from_numpy(np.array(i)).float() / 255.0 for i in resized])
    planes = image.permute(0, 3, 1, 2)
    return torch.nn.functional.interpolate(planes, (height, width), mode=method).permute(0, 2, 3, 1)


class ImageScale(Node):
    REQUIRED = {
        "image": ("IMAGE",),
        "upscale_method": (METHODS,),
        "width": _int(512, 0, 16384),
        "height": _int(512, 0, 16384),
        "crop": (["disabled", "center"],),
    }

    def run(
        self, image: torch.Tensor, upscale_method: str, width: int, height: int, crop: str
    ) -> tuple[torch.Tensor]:
        old_height, old_width = image.shape[1:3]
        if width == 0 and height == 0:
            return (image,)
        width = width or max(1, round(old_width * height / old_height))
        height = height or max(1, round(old_height * width / old_width))
        if crop == "center":
            shape, wanted = old_width / old_height, width / height
            x = round((old_width - old_width * (wanted / shape)) / 2) if shape > wanted else 0
            y = round((old_height - old_height * (shape / wanted)) / 2) if shape < wanted else 0
            image = image[:, y : old_height - y, x : old_width - x]
        return (_resize(image, width, height, upscale_method),)


class ImageScaleBy(Node):
    REQUIRED = {
        "image": ("IMAGE",),
        "upscale_method": (METHODS,),
        "scale_by": _float(1.0, 0.01, 8.0, 0.01),
    }

    def run(self, image: torch.Tensor, upscale_method: str, scale_by: float) -> tuple[torch.Tensor]:
        height, width = (round(side * scale_by) for side in image.shape[1:3])
        return (_resize(image, width, height, upscale_method),)


_BLENDS = {
    "normal": lambda a, b: b,
    "multiply": lambda a, b: a * b,
    "screen": lambda a, b: 1 - (1 - a) * (1 - b),
    "overlay": lambda a, b: torch.where(a <= 0.5, 2 * a * b, 1 - 2 * (1 - a) * (1 - b)),
    "soft_light": lambda a, b: torch.where(
        b <= 0.5, a - (1 - 2 * b) * a * (1 - a), a + (2 * b - 1) * (torch.sqrt(a) - a)
    ),
    "difference": lambda a, b: a - b,
}


class ImageBlend(Node):
    REQUIRED = {
        "image1": ("IMAGE", {}),
        "image2": ("IMAGE", {}),
        "blend_factor": _float(0.5, 0.0, 1.0, 0.01),
        "blend_mode": ("COMBO", {"multiselect": False, "options": list(_BLENDS)}),
    }

    def run(
        self, image1: torch.Tensor, image2: torch.Tensor, blend_factor: float, blend_mode: str
    ) -> tuple[torch.Tensor]:
        if image1.shape[1:3] != image2.shape[1:3]:
            image2 = _resize(image2, image1.shape[2], image1.shape[1], "bicubic")
        mixed = _BLENDS[blend_mode](image1, image2)
        return (torch.lerp(image1, mixed, blend_factor).clamp(0, 1),)


class ImageBatch(Node):
    REQUIRED = {"image1": ("IMAGE",), "image2": ("IMAGE",)}

    def run(self, image1: torch.Tensor, image2: torch.Tensor) -> tuple[torch.Tensor]:
        if image1.shape[1:] != image2.shape[1:]:
            image2 = _resize(image2, image1.shape[2], image1.shape[1], "bilinear")
        return (torch.cat((image1, image2)),)


class ImageCrop(Node):
    REQUIRED = {
        "image": ("IMAGE", {}),
        "width": _int(512, 1, 16384),
        "height": _int(512, 1, 16384),
        "x": _int(0, 0, 16384),
        "y": _int(0, 0, 16384),
    }

    def run(
        self, image: torch.Tensor, width: int, height: int, x: int, y: int
    ) -> tuple[torch.Tensor]:
        x, y = min(x, image.shape[2] - 1), min(y, image.shape[1] - 1)
        return (image[:, y : y + height, x : x + width],)


class Primitive(Node):
    CATEGORY = "utilities/primitive"

    def run(self, value: Any) -> tuple[Any]:
        return (value,)


class PrimitiveInt(Primitive):
    RETURN_TYPES = ("INT",)
    REQUIRED = {
        "value": (
            "INT",
            {"min": -_LARGEST_INT, "max": _LARGEST_INT, "control_after_generate": "fixed"},
        )
    }


class PrimitiveFloat(Primitive):
    RETURN_TYPES = ("FLOAT",)
    REQUIRED = {"value": ("FLOAT", {"min": -_LARGEST_INT, "max": _LARGEST_INT, "step": 0.1})}


class PrimitiveString(Primitive):
    RETURN_TYPES = ("STRING",)
    REQUIRED = {"value": ("STRING", {"multiline": False})}


class PrimitiveBoolean(Primitive):
    RETURN_TYPES = ("BOOLEAN",)
    REQUIRED = {"value": ("BOOLEAN", {})}


class StringConcatenate(Node):
    RETURN_TYPES = ("STRING",)
    REQUIRED = {
        "string_a": ("STRING", {"multiline": True}),
        "string_b": ("STRING", {"multiline": True}),
        "delimiter": ("STRING", {"default": "", "multiline": False}),
    }

    def run(self, string_a: str, string_b: str, delimiter: str) -> tuple[str]:
        return (delimiter.join((string_a, string_b)),)


class StringLength(Node):
    RETURN_TYPES = ("INT",)
    REQUIRED = {"string": ("STRING", {"multiline": True})}

    def run(self, string: str) -> tuple[int]:
        return (len(string),)


class SolidMask(Node):
    RETURN_TYPES = ("MASK",)
    REQUIRED = {
        "value": _float(1.0, 0.0, 1.0, 0.01),
        "width": _int(512, 1, 16384),
        "height": _int(512, 1, 16384),
    }

    def run(self, value: float, width: int, height: int) -> tuple[torch.Tensor]:
        return (torch.full((1, height, width), value),)


class RebatchImages(Node):
    """A list in, a list out: batches of `batch_size`, the last one smaller."""

    REQUIRED = {"images": ("IMAGE", {}), "batch_size": _int(1, 1, 4096, None)}
    INPUT_IS_LIST = True
    OUTPUT_IS_LIST = (True,)

    def run(self, images: list[torch.Tensor], batch_size: list[int]) -> tuple[list[torch.Tensor]]:
        singles = [picture for batch in images for picture in batch.split(1)]
        size = batch_size[0]
        return ([torch.cat(singles[i : i + size]) for i in range(0, len(singles), size)],)


class PreviewAny(Node):
    RETURN_TYPES = ("STRING",)
    OUTPUT_NODE = True
    REQUIRED = {"source": ("*", {})}

    def run(self, source: Any = None) -> dict[str, Any]:
        if source is None or isinstance(source, (str, int, float, bool)):
            text = str(source)
        else:
            try:
                text = json.dumps(source, indent=4, ensure_ascii=False)
            except (TypeError, ValueError):
                text = str(source)
        return {"ui": {"text": (text,)}, "result": (text,)}


NODE_CLASS_MAPPINGS: dict[str, Any] = {
    kind.__name__: kind
    for kind in (
        LoadImage,
        SaveImage,
        PreviewImage,
        EmptyImage,
        ImageInvert,
        ImageBlur,
        ImageSharpen,
        ImageScale,
        ImageScaleBy,
        ImageBlend,
        ImageBatch,
        ImageCrop,
        PrimitiveInt,
        PrimitiveFloat,
        PrimitiveString,
        PrimitiveBoolean,
        PreviewAny,
        StringConcatenate,
        StringLength,
        SolidMask,
        RebatchImages,
    )
}
NODE_DISPLAY_NAME_MAPPINGS: dict[str, str] = {
    "LoadImage": "Load Image",
    "SaveImage": "Save Image",
    "PreviewImage": "Preview Image",
    "PreviewAny": "Preview as Text",
}
MODULES: dict[str, str] = dict.fromkeys(NODE_CLASS_MAPPINGS, "nodes")
