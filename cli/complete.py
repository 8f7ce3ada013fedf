"""What a shell may complete: workflow files, and names of ports.

Starts nothing, and never fails: no completion is better than a wrong line in the prompt.

Names of files and ports may be a stranger's, and what is offered is put into a line, by some shells
after they have evaluated it. Offered is only what means itself in every shell.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterable

import typer

_SUFFIXES = (".json", ".png", ".webp")
# Beside letters and digits. A blank is quoted by each shell, or by our script for it.
_MEAN_THEMSELVES = frozenset(f" ._-+,:@%=/{os.sep}")
_HOME = re.compile(r"~[\w.-]*(?=[/\\])")  # typed by the user, whose home it is
_MAY_BE_WORKFLOW = re.compile(r"(\.json|\.png|\.webp|[/\\])$", re.IGNORECASE)


def complete_workflow(incomplete: str) -> list[str]:
    """The workflow files and folders that begin like this."""
    return _harmless(path for path in _files(incomplete) if _MAY_BE_WORKFLOW.search(path))


def _harmless(words: Iterable[str]) -> list[str]:
    """Those that no shell takes for more than a word. The others a user types, or the shell
    completes as files.
    """
    return [word for word in words if _is_harmless(word)]


def _is_harmless(word: str) -> bool:
    if word[:1] in ("-", "=", " "):  # an option, a program in zsh
        return False
    text = _HOME.sub("", word, count=1) if word.startswith("~") else word
    return all(
        c in _MEAN_THEMSELVES or c.isalnum() or unicodedata.category(c)[0] == "M" for c in text
    )


def _files(incomplete: str) -> list[str]:
    """The files and folders that begin like this; a folder ends with its separator."""
    folder, _, begin = incomplete.rpartition(os.sep)
    place = os.path.expanduser(folder) if folder else (os.sep if incomplete[:1] == os.sep else ".")
    prefix = f"{folder}{os.sep}" if os.sep in incomplete else ""
    found = []
    try:
        with os.scandir(place) as entries:
            for entry in entries:
                if not entry.name.startswith(begin) or (entry.name[0] == "." and not begin):
                    continue
                if entry.is_dir():
                    found.append(f"{prefix}{entry.name}{os.sep}")
                else:
                    found.append(f"{prefix}{entry.name}")
    except OSError:
        return []
    return sorted(found)


def complete_run(ctx: typer.Context, incomplete: str) -> list[str]:
    """Workflow files; once one is on the line, the names of its ports, and files behind "@"."""
    return _harmless(_words_of_run(ctx, incomplete))


def _words_of_run(ctx: typer.Context, incomplete: str) -> list[str]:
    begun = _rejoined([str(word) for word in ctx.params.get("words") or ()])
    last = begun[-1] if begun else ""
    if last.endswith("=@"):
        return _files(incomplete)
    if last.endswith("="):
        return [f"@{path}" for path in _files(incomplete[1:])] if incomplete[:1] == "@" else []
    name, equals, value = incomplete.partition("=")
    if equals:
        found = _files(value[1:]) if value.startswith("@") else []
        return [f"{name}=@{path}" for path in found]
    ports = [f"{port}=" for port in names_of_ports(begun) if port.startswith(incomplete)]
    return [*ports, *complete_workflow(incomplete)]


def _rejoined(words: list[str]) -> list[str]:
    """The words as they were typed: bash takes "=", "=@" and ":" for words of their own."""
    joined: list[str] = []
    is_open = False
    for word in words:
        if joined and (is_open or word in ("=", "=@")):
            joined[-1] += word
            is_open = not is_open
        else:
            joined.append(word)
    return joined


def names_of_ports(words: list[str]) -> list[str]:
    """The INPUT ports of the workflows among the words, but those that have a value there."""
    if not any(word.lower().endswith(_SUFFIXES) for word in words):
        return []
    from ..errors import DiscomfortError
    from ..graph.ports.find_ports import find_ports
    from ..graph.prompt import is_prompt
    from ..graph.workflow.parse import parse_workflow
    from ..workflows.files import read_workflow

    names: dict[str, None] = {}
    for word in words:
        if "=" in word or not word.lower().endswith(_SUFFIXES):
            continue
        try:
            data = read_workflow(word)
            if not is_prompt(data):
                names |= dict.fromkeys(find_ports(parse_workflow(data)).inputs)
        except (DiscomfortError, OSError, ValueError, TypeError):
            continue
    given = {word.partition("=")[0] for word in words if "=" in word}
    return [name for name in names if name not in given]
