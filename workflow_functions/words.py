"""What a function's parameters and results are, in words: for `help()`, errors and stubs.

Whatever stands in a workflow is a text here, on one line, without control characters.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Any

from .shape import Parameter, Result, Shape

_CHARS = 60  # of a value
_CHOICES = 8  # that are named
_FILE_ENDINGS = (
    ".safetensors", ".sft", ".ckpt", ".pt", ".pt2", ".bin", ".pth", ".pkl", ".gguf", ".onnx",
    ".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".mp4", ".webm", ".mov", ".mkv",
    ".wav", ".mp3", ".flac", ".ogg", ".opus", ".glb", ".obj", ".json", ".yaml", ".txt",
)  # fmt: skip


def plain(text: Any, most: int = _CHARS) -> str:
    """A text on one line, shortened; what could not be seen (control characters, marks of
    direction) is written out.
    """
    shown = str(text)[: most + 1]
    line = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in shown)
    return line if len(line) <= most else line[: most - 3] + "..."


def quoted(text: str, most: int = _CHARS) -> str:
    """The same in quotes."""
    return f"'{plain(text, most)}'"


def is_file_list(choices: Iterable[Any]) -> bool:
    """Whether a dropdown lists files, which are others on every machine."""
    texts = [c.lower() for c in choices if isinstance(c, str)]
    return not texts or any(text.endswith(_FILE_ENDINGS) for text in texts)


def describe_parameter(parameter: Parameter, with_files: bool = True) -> str:
    """Type, default, range, choices, tags, and the port's name where it is another.

    Args:
        with_files: name also the choices that are files of this machine.
    """
    limits = parameter.limits
    parts = [parameter.type if not parameter.has_default else _with_default(parameter)]
    if not parameter.has_default:
        parts.append("needs a value")
    if limits.choices is None:
        parts.append(_range(limits.minimum, limits.maximum, limits.step))
    elif not is_file_list(limits.choices):
        parts.append(_one_of(limits.choices))
    else:
        parts.append(_one_of(limits.choices) if with_files and limits.choices else "a file's name")
    return _line(parts, parameter.name, parameter.identifier, parameter.tags)


def describe_result(result: Result) -> str:
    """Type, tags, and the port's name where it is another."""
    kind = f"a list of {result.type}" if result.is_list else result.type
    return _line([kind], result.name, result.identifier, result.tags)


def describe_shape(shape: Shape) -> str:
    """What `help()` shows."""
    return "\n".join(_lines_of_shape(shape))


def _lines_of_shape(shape: Shape) -> Iterator[str]:
    yield f"Run {plain(shape.title, 200)}: {_call_of(shape)}"
    yield from (f"Note: {plain(note, 2000)}" for note in shape.notes)
    yield from (f"Problem: {plain(problem, 500)}" for problem in shape.problems[:20])
    yield ""
    yield "Inputs, by name:" if shape.parameters else "It has no inputs."
    for parameter in shape.parameters:
        yield f"    {parameter.identifier}: {describe_parameter(parameter)}"
    yield ""
    yield "Results, as attributes:" if shape.results else "It gives no values."
    for result in shape.results:
        yield f"    {result.identifier}: {describe_result(result)}"
    yield ""
    yield "using(timeout=..., context=..., ...) sets the options of `run`, call({...}) takes inputs"
    yield "under any names: those of ports, and addresses like 'KSampler.seed'."


def _call_of(shape: Shape) -> str:
    """How it is called, with what must be given."""
    needed = [p.identifier for p in shape.parameters if not p.has_default]
    others = ["..."] if len(needed) < len(shape.parameters) else []
    given = [f"{identifier}=..." for identifier in needed]
    return f"{shape.name}({', '.join(given + others)})"


def _with_default(parameter: Parameter) -> str:
    if parameter.default is None:
        return f"{parameter.type}, as in the file"
    value = parameter.default
    shown = quoted(value) if isinstance(value, str) else plain(repr(value))
    return f"{parameter.type} = {shown}"


def _range(least: Any, most: Any, step: Any) -> str:
    low, high = _number(least), _number(most)
    words = {
        (True, True): f"{low} to {high}",
        (True, False): f"{low} or more",
        (False, True): f"at most {high}",
    }.get((bool(low), bool(high)), "")
    by = _number(step)
    return f"{words}, in steps of {by}" if words and by and step != 1 else words


def _number(value: Any) -> str:
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return ""
    return f"{value:g}" if isinstance(value, float) else plain(value)


def _one_of(choices: tuple[Any, ...]) -> str:
    shown = ", ".join(
        quoted(choice, 30) if isinstance(choice, str) else plain(choice, 30)
        for choice in choices[:_CHOICES]
    )
    more = f", ... ({len(choices)} in all)" if len(choices) > _CHOICES else ""
    return f"one of {shown}{more}"


def _line(parts: list[str], name: str, identifier: str, tags: tuple[str, ...]) -> str:
    line = ", ".join(filter(None, (plain(part, 400) for part in parts)))
    if name != identifier:
        line += f"; named {quoted(name)} in the workflow"
    return f"{line} [{plain(', '.join(tags), 100)}]" if tags else line
