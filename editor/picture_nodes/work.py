"""The work of the two nodes for pictures, inside ComfyUI: folders, progress, interrupts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...errors import WorkflowError
from ...values.images import encode_jpeg
from ..host import allowed_folders, comfyui, display
from ..host.shared_worker import session
from . import picture_folder, vision
from .endpoint import Endpoint, find_endpoint
from .key import Key


def check_folder(folder: str, pattern: str) -> None:
    """For VALIDATE_INPUTS: see that there are such pictures.

    Raises:
        DiscomfortError, FileNotFoundError: says what is wrong.
    """
    found = allowed_folders.find_image_folder(folder, allowed_folders.image_folders())
    picture_folder.find_pictures(found, pattern, picture_folder.SORTS[0], 1)


def fingerprint(folder: str | None, pattern: str, sort: str, limit: int) -> str:
    """For IS_CHANGED: changes with names, times and sizes of the files."""
    if None in (folder, pattern, sort, limit):
        return ""
    found = allowed_folders.find_image_folder(folder or "", allowed_folders.image_folders())
    return picture_folder.fingerprint(picture_folder.find_pictures(found, pattern, sort, limit))


def load_folder(
    folder: str, pattern: str, sort: str, limit: int, rule: str
) -> tuple[Any, Any, int, str]:
    """images, masks, how many, names (one a line)."""
    with display.plain_errors():
        found = allowed_folders.find_image_folder(folder, allowed_folders.image_folders())
        paths = picture_folder.find_pictures(found, pattern, sort, limit)
        bar = comfyui.progress_bar(len(paths))

        def advance(done: int) -> None:
            comfyui.raise_if_interrupted()
            bar.update_absolute(done)

        pictures = picture_folder.load_pictures(paths, rule, advance)
    return pictures.images, pictures.masks, len(pictures.names), "\n".join(pictures.names)


def check_endpoint(url: str, model: str, key_variable: str) -> None:
    """For VALIDATE_INPUTS: see that the server can be asked, with this key.

    Raises:
        WorkflowError: says what is wrong.
    """
    if not model.strip():
        raise WorkflowError("model is empty. Write the name that the server knows it by.")
    Key(endpoint(url, key_variable).key_variable)


def endpoint(url: str, key_variable: str) -> Endpoint:
    """Where a node may ask, by the settings of this ComfyUI.

    Raises:
        WorkflowError: says what is wrong.
    """
    config = allowed_folders.config()
    return find_endpoint(url, key_variable, config.VISION_KEYS, config.VISION_SERVERS)


def describe(
    ask: Callable[[], vision.Question], images: Any, max_side: int, node_id: str
) -> dict[str, Any]:
    """Ask about each picture of a batch, one after the other.

    Args:
        ask: makes the question. Where it goes is judged again: what comes through a link was not
            known when the prompt was checked.

    Returns:
        What a node of ComfyUI returns: a list of texts and a list of ratings.
    """
    with display.plain_errors():
        return _describe(ask(), images, max_side, node_id)


def _describe(
    question: vision.Question, images: Any, max_side: int, node_id: str
) -> dict[str, Any]:
    files = encode_jpeg(images, max_side)
    bar = comfyui.progress_bar(len(files), node_id)

    async def work(emit: Callable[[Any], None]) -> list[vision.Answer]:
        answers = []
        for file in files:
            answers.append(await vision.describe(question, file))
            emit(len(answers))
        return answers

    answers = session().loop.run(work, bar.update_absolute, comfyui.raise_if_interrupted)
    texts, ratings = [a.text for a in answers], [a.rating for a in answers]
    return {"ui": {"text": texts}, "result": (texts, ratings)}
