"""Takes out of a text what a bug report must not have: keys, and who and where the user is. Pure.

It goes by what is known (the user's name, secrets in the environment), and by what keys look like.
In doubt something is taken out that need not be.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

_SECRET_NAME = re.compile(r"KEY|TOKEN|SECRET|PASSW|CREDENTIAL|AUTH|COOKIE|SESSION", re.IGNORECASE)
_SHORTEST = 6  # of a secret: a shorter value is a word that stands everywhere
_PATTERNS = (
    # A name that says so, and the value behind it: api_key=..., "token": "...", Bearer ...
    (
        re.compile(
            r"""(?ix)((?:api[_-]?key|key|token|secret|passw(?:or)?d|credentials?|cookie
            |authorization)["']?\s*[:=]\s*["']?(?:bearer\s+|basic\s+)?)(?:(?<=")[^"\n]+|(?<=')[^'\n]+
            |(?!["'\s])[^\s"',;&)}\]]+)"""
        ),
        r"\1<secret>",
    ),
    (re.compile(r"(?i)\b((?:bearer|basic)\s+)[A-Za-z0-9._~+/=-]{8,}"), r"\1<secret>"),
    (re.compile(r"(\w+://)[^/\s:@]+:[^/\s@]+@"), r"\1<secret>@"),
    (
        re.compile(r"\b(?:sk|pk|rk|hf|ghp|gho|ghs|xox[bap]|comfyui)[-_][A-Za-z0-9_-]{10,}"),
        "<secret>",
    ),
    (re.compile(r"\beyJ[\w-]+\.[\w-]+\.[\w-]*"), "<secret>"),
    # Anything else that is long and random.
    (
        re.compile(r"(?<![\w-])(?=[\w-]*\d)(?=[\w-]*[A-Za-z])[A-Za-z0-9_-]{32,}(?![\w-])"),
        "<long text>",
    ),
    (re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"), "<mail>"),
    (re.compile(r"(?i)((?:/home|/Users|[A-Z]:\\+Users)[/\\]+)[^/\\\s\"']+"), r"\1<user>"),
    (
        re.compile(r"\b(?!127\.|0\.0\.0\.0)(?:\d{1,3}\.){3}\d{1,3}(?=[:/\s\"',)]|$)"),
        "<address>",
    ),
)


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of this user.

    Attributes:
        homes: the home folder, in each way in which it may be written.
        names: of the user and of the machine.
        secrets: values that are keys.
    """

    homes: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()


def secrets_in(environment: Mapping[str, str]) -> tuple[str, ...]:
    """The values of all variables whose names say that they are secret."""
    return tuple(
        value
        for name, value in environment.items()
        if _SECRET_NAME.search(name) and len(value) >= _SHORTEST
    )


def redact(text: str, known: Known) -> str:
    """The text without them."""
    for secret in _longest_first(known.secrets):
        text = text.replace(secret, "<secret>")
    for home in _longest_first(known.homes):
        for written in {home, home.replace("\\", "\\\\"), home.replace("\\", "/")}:
            text = re.sub(rf"{re.escape(written)}(?![\w.-])", "~", text, flags=re.IGNORECASE)
    for pattern, in_place in _PATTERNS:
        text = pattern.sub(in_place, text)
    for name in _longest_first(known.names):
        text = re.sub(rf"(?<![A-Za-z0-9]){re.escape(name)}(?![A-Za-z0-9])", "<user>", text)
    return text


def _longest_first(texts: Iterable[str]) -> list[str]:
    return sorted((text for text in texts if text.strip("/\\ ")), key=len, reverse=True)
