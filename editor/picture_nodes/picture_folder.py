"""The pictures of a folder as one batch: which files, in what order, made equal in size how."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ...errors import WorkflowError
from ...system.path_names import is_relative
from ...values.picture_files import open_image_as_tensor, open_mask_as_tensor

if TYPE_CHECKING:
    import torch

ENDINGS = {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff"}
SORTS = ("natural", "name", "date", "date, newest first")
RULES = ("resize", "crop", "pad", "error")


class Pictures(NamedTuple):
    """images `[batch, height, width, 3]` and masks `[batch, height, width]`, float32 in 0..1."""

    images: torch.Tensor
    masks: torch.Tensor
    names: tuple[str, ...]


def find_pictures(folder: Path, pattern: str, sort: str, limit: int) -> list[Path]:
    """The picture files of a folder that match, in order.

    Args:
        pattern: as `Path.glob` takes it: "*.png", "**/*" with all folders in it.
        sort: one of SORTS. natural: "2.png" before "10.png".
        limit: at most so many; 0: all.

    Raises:
        WorkflowError: a pattern that can't be used or leads out of the folder, or nothing found.
    """
    if sort not in SORTS:
        raise WorkflowError(f"sort must be one of {', '.join(SORTS)}, not {sort!r}.")
    base = folder.resolve()
    if not is_relative(pattern.strip()):
        raise WorkflowError(f"The pattern {pattern!r} can't be used: it leads out of the folder.")
    try:
        matched = list(base.glob(pattern.strip() or "*"))
    except (ValueError, NotImplementedError, IndexError) as e:
        raise WorkflowError(f"The pattern {pattern!r} can't be used: {e}.") from e
    found = [
        path
        for path in matched
        if path.suffix.lower() in ENDINGS and path.is_file() and base in path.resolve().parents
    ]
    if not found:
        raise WorkflowError(
            f"There are no pictures in {folder} that match {pattern!r}. Pictures end in "
            f"{', '.join(sorted(ENDINGS))}; **/* looks into the folders in it too."
        )
    found.sort(key=_sort_key(base, sort), reverse=sort == SORTS[3])
    return found[:limit] if limit > 0 else found


def _sort_key(base: Path, sort: str) -> Callable[[Path], Any]:
    def name(path: Path) -> str:
        return path.relative_to(base).as_posix()

    if sort == "name":
        return name
    if sort == "natural":
        return lambda path: (natural_key(name(path)), name(path))
    return lambda path: (path.stat().st_mtime_ns, name(path))


def natural_key(text: str) -> list[tuple[int, int, str]]:
    """Numbers in a name count as numbers: "a2" before "a10"."""
    parts = re.split(r"(\d+)", text.casefold())
    return [(1, int(part), "") if part.isdecimal() else (0, 0, part) for part in parts]


def fingerprint(paths: list[Path]) -> str:
    """Changes when a file comes, goes, or is written again."""
    digest = hashlib.sha256()
    for path in paths:
        about = path.stat()
        digest.update(f"{path}\0{about.st_mtime_ns}\0{about.st_size}\n".encode("utf-8", "replace"))
    return digest.hexdigest()


def load_pictures(
    paths: list[Path], rule: str, advance: Callable[[int], None] = lambda done: None
) -> Pictures:
    """Read pictures and make them as large as the first one.

    Args:
        rule: "resize" (stretched), "crop" (scaled to cover, middle kept), "pad" (scaled to fit,
            black beside it, which the mask shows), "error".
        advance: called with how many are done.

    Raises:
        ValueError: a file that is no picture.
        WorkflowError: unequal sizes, and the rule is "error".
    """
    import torch

    if rule not in RULES:
        raise WorkflowError(f"unequal_sizes must be one of {', '.join(RULES)}, not {rule!r}.")
    images, masks = [], []
    height = width = 0
    for done, path in enumerate(paths, 1):
        image, mask = open_image_as_tensor(path), open_mask_as_tensor(path)
        if not images:
            height, width = image.shape[1:3]
        elif image.shape[1:3] != (height, width):
            if rule == "error":
                raise WorkflowError(
                    f"{path.name} has {image.shape[2]} x {image.shape[1]} pixels, and "
                    f"{paths[0].name} {width} x {height}: they can't be one batch. Choose another "
                    "rule for unequal sizes."
                )
            image, mask = _fit(image, mask, height, width, rule)
        images.append(image)
        masks.append(mask)
        advance(done)
    return Pictures(torch.cat(images), torch.cat(masks), tuple(path.name for path in paths))


def _fit(
    image: torch.Tensor, mask: torch.Tensor, height: int, width: int, rule: str
) -> tuple[torch.Tensor, torch.Tensor]:
    import torch

    layers = torch.cat((image, mask[..., None]), dim=-1).movedim(-1, 1)
    old_height, old_width = layers.shape[2:]
    if rule == "resize":
        layers = _scale(layers, height, width)
    else:
        across, down = width / old_width, height / old_height
        factor = max(across, down) if rule == "crop" else min(across, down)
        new_height, new_width = round(old_height * factor), round(old_width * factor)
        layers = _scale(layers, max(1, new_height), max(1, new_width))
        layers = _place(layers, height, width)
    return layers[:, :3].movedim(1, -1), layers[:, 3]


def _scale(layers: torch.Tensor, height: int, width: int) -> torch.Tensor:
    import torch

    scaled = torch.nn.functional.interpolate(
        layers, (height, width), mode="bicubic", antialias=True
    )
    return scaled.clamp(0.0, 1.0)


def _place(layers: torch.Tensor, height: int, width: int) -> torch.Tensor:
    """The middle of it, in a frame of that size: black, and masked, where nothing is."""
    import torch

    frame = torch.zeros((1, 4, height, width), dtype=layers.dtype)
    frame[:, 3] = 1.0
    had_height, had_width = layers.shape[2:]
    h, w = min(height, had_height), min(width, had_width)
    top, left = (had_height - h) // 2, (had_width - w) // 2
    below, beside = (height - h) // 2, (width - w) // 2
    frame[:, :, below : below + h, beside : beside + w] = layers[
        :, :, top : top + h, left : left + w
    ]
    return frame
