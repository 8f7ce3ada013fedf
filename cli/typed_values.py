"""What is typed behind `discomfort run`: which words are workflows, which are values. Pure.

`name=text` gives a value, `name=@file` one from a file, `name=@-` one from standard input, and
`name=@@text` a text that begins with @. A port's type decides what a text stands for.
"""

from __future__ import annotations

import contextlib
import difflib
import json
import math
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import WorkflowError
from .failures import UsageFailed

STDIN = "-"
# What no text stands for; `@file` does.
MEDIA = ("IMAGE", "MASK", "AUDIO", "VIDEO")
_NUMBERS = {"INT", "FLOAT"}
_TRUTHS = {"true": True, "1": True, "false": False, "0": False}
# A path, though it may have a "=" in it.
_PATH = re.compile(r"(?:\.{1,2}|~[^/\\=]*|[A-Za-z]:)?[/\\]|\s*\{")


@dataclass(frozen=True, slots=True)
class Assignment:
    """A value that was typed.

    Attributes:
        text: what stands for it; of one from a file, None.
        file: the file's name, or "-".
    """

    name: str
    text: str | None = None
    file: str | None = None


def split_words(words: Sequence[str]) -> tuple[list[str], list[Assignment]]:
    """The workflows, and the values.

    Raises:
        UsageFailed: no workflow, a value without a name, one name twice, standard input twice.
    """
    workflows: list[str] = []
    given: dict[str, Assignment] = {}
    for word in words:
        if "=" not in word or _PATH.match(word):
            workflows.append(word)
            continue
        name, _, text = word.partition("=")
        name = name.strip()
        if not name:
            raise UsageFailed(f"{word!r} has no name before the '='. Write name=value.")
        if name in given:
            raise UsageFailed(f"{name!r} is given twice. Give it once.")
        given[name] = _assignment(name, text)
    if not workflows:
        raise UsageFailed(
            "There is no workflow. Name one: discomfort run flux.json name=value (a file with a "
            "'=' in its name is written as ./a=b.json)."
        )
    from_stdin = [a.name for a in given.values() if a.file == STDIN]
    if len(from_stdin) > 1:
        raise UsageFailed(
            f"{' and '.join(map(repr, from_stdin))} are both to come from standard input, which "
            "can be read once."
        )
    return workflows, list(given.values())


def _assignment(name: str, text: str) -> Assignment:
    if text.startswith("@@"):
        return Assignment(name, text[1:])
    if not text.startswith("@"):
        return Assignment(name, text)
    if text == "@":
        raise UsageFailed(f"{name}=@ names no file. Write {name}=@file, or {name}=@@ for a '@'.")
    return Assignment(name, file=text[1:])


def value_of_text(name: str, text: str, kind: str, choices: Collection[Any] | None = None) -> Any:
    """What a text stands for at a port.

    For a STRING it is the text; for a dropdown the choice that is written so; for a number and a
    BOOLEAN what it says; for anything else the JSON that it is, or the text where it is none.

    Args:
        kind: the port's ComfyUI type, or several, as "INT,FLOAT".
        choices: of a dropdown, where they are known.

    Raises:
        WorkflowError: no text stands for a value of that type, or not this one.
    """
    kinds = kind.split(",")
    if all(k in MEDIA for k in kinds):
        raise WorkflowError(
            f"{name}={text!r}: the port {name!r} takes {kind}. Give a file: {name}=@file"
        )
    if kinds == ["STRING"]:
        return text
    if kinds == ["COMBO"] and (choices is None or text in choices):
        return text
    if _NUMBERS.issuperset(kinds):
        return _number_of(name, text, kind, is_whole="FLOAT" not in kinds)
    if kinds == ["BOOLEAN"]:
        return _truth_of(name, text)
    value = _json_of(text)
    if kinds == ["COMBO"]:
        return value if choices is not None and value in choices else text
    return value


def _json_of(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _number_of(name: str, text: str, kind: str, is_whole: bool) -> int | float:
    value = _read_number(text)
    is_number = isinstance(value, int) or (value is not None and math.isfinite(value))
    if value is not None and is_number and (not is_whole or value == int(value)):
        return value
    number = "a whole number" if is_whole else "a number"
    raise WorkflowError(f"{name}={text!r}: the port {name!r} takes {kind}. Write {number}.")


def _read_number(text: str) -> int | float | None:
    for read in (int, float):
        with contextlib.suppress(ValueError):
            return read(text)
    return None


def _truth_of(name: str, text: str) -> bool:
    word = text.strip().lower()
    if word in _TRUTHS:
        return _TRUTHS[word]
    raise WorkflowError(f"{name}={text!r}: the port {name!r} takes BOOLEAN. Write true or false.")


def check_names(names: Iterable[str], known: Collection[str]) -> None:
    """See that each value that was typed has a place.

    Raises:
        WorkflowError: the names that have none, with what may be meant.
    """
    unknown = [name for name in names if name not in known]
    if not unknown:
        return
    shown = []
    for name in unknown:
        close = difflib.get_close_matches(name, known, n=1)
        shown.append(f"{name!r}" + (f" (did you mean {close[0]!r}?)" if close else ""))
    raise WorkflowError(
        f"The workflow takes no {', '.join(shown)}. Its inputs: "
        f"{', '.join(map(repr, sorted(known))) or 'none'}; an input of any node is written as "
        "NODE.INPUT, by its id or title (discomfort inspect lists them)."
    )
