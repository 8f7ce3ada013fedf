"""Takes out of a text what a bug report must not have: keys, and who and where the user is. Pure.

It goes by what is known (the user's name, secrets in the environment), and by what keys look like.
In doubt something is taken out that need not be.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, quote_plus

_SECRET_NAME = re.compile(
    r"KEY|TOKEN|SECRET|PASSW|PASSPHRASE|PWD|CREDENTIAL|AUTH|COOKIE|SESSION|SIGNATURE", re.IGNORECASE
)
_SHORTEST = 6  # of a secret: a shorter value is a word that stands everywhere
_IN_PLACE = "<secret>"
# A value behind a name: what is between quotes (JSON may be in a text in JSON), or a word.
_VALUE = r"""(?:(?<=")(?:\\.|[^"\\\n])+|(?<=')(?:\\.|[^'\\\n])+|(?!["'\s])[^\s"',;&)}\]<]+)"""
_PATTERNS = (
    # A name that says so, and the value behind it: api_key=..., "token": "...", Bearer ...
    (
        re.compile(
            rf"""(?ix)((?:api[_-]?key|key(?:[_-]?id)?|token|secret|passw(?:or)?d|passphrase|pwd
            |credentials?|cookie|session[_-]?id|signature|\bsig|\bauth|authorization)
            \\*["']?\s*[:=]\s*\\*["']?(?:bearer\s+|basic\s+)?)(?!(?:bearer|basic)\s){_VALUE}"""
        ),
        rf"\1{_IN_PLACE}",
    ),
    # An argument whose name says so: --api-key x, ["--token", "x"]
    (
        re.compile(
            rf"""(?ix)((?<![\w-])--?[\w-]*(?:key|token|secret|passw|pwd|auth|credential)[\w-]*
            (?:\\*["']\s*,\s*\\*["']|["']?\s+["']?|=["']?)){_VALUE}"""
        ),
        rf"\1{_IN_PLACE}",
    ),
    (re.compile(r"(?i)\b((?:bearer|basic)\s+)[A-Za-z0-9._~+/=-]{8,}"), rf"\1{_IN_PLACE}"),
    (re.compile(r"""(\b\w[\w+.-]*://)(?:[^/\s:@"'<>]+:[^\s"'<>]*|[^/\s"'<>]+)@"""), r"\1<secret>@"),
    # The values in an address: signatures and keys have many names there.
    (re.compile(r"""((?:[?&]|&amp;|\\u0026)[\w.%~\[\]-]+=)[^&\s"'<>#\\]+"""), r"\1<value>"),
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
    (re.compile(r"(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+"), "<mail>"),
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


def secrets_in_json(data: Any) -> tuple[str, ...]:
    """The texts in settings whose names say that they are secret."""
    found: list[str] = []
    _without_secrets(data, found)
    return tuple(text for text in found if len(text) >= _SHORTEST)


def redact_json(data: Any, known: Known) -> Any:
    """Settings without them: values whose names say so, arguments behind such a flag, texts."""
    return _redact_texts(_without_secrets(data, []), known)


def _without_secrets(data: Any, found: list[str]) -> Any:
    if isinstance(data, Mapping):
        return {
            key: _hidden(value, found)
            if _SECRET_NAME.search(key)
            else _without_secrets(value, found)
            for key, value in data.items()
        }
    if not isinstance(data, list):
        return data
    made, is_behind_flag = [], False
    for item in data:
        is_flag = isinstance(item, str) and item.startswith("-")
        name, equals, value = item.partition("=") if is_flag else ("", "", "")
        if equals and _SECRET_NAME.search(name):
            made.append(f"{name}={_hidden(value, found)}")
        elif is_behind_flag and not is_flag:
            made.append(_hidden(item, found))
        else:
            made.append(_without_secrets(item, found))
        # All that follows until the next flag: some take several.
        is_secret_flag = is_flag and not equals and bool(_SECRET_NAME.search(item))
        is_behind_flag = is_secret_flag or (is_behind_flag and not is_flag)
    return made


def _hidden(value: Any, found: list[str]) -> Any:
    """What stands for a secret; in a list or an object, for each."""
    if isinstance(value, Mapping):
        return {key: _hidden(item, found) for key, item in value.items()}
    if isinstance(value, list):
        return [_hidden(item, found) for item in value]
    if value is None or isinstance(value, bool) or value == "":
        return value
    found.append(str(value))
    return _IN_PLACE


def _redact_texts(data: Any, known: Known) -> Any:
    if isinstance(data, Mapping):
        return {redact(key, known): _redact_texts(value, known) for key, value in data.items()}
    if isinstance(data, list):
        return [_redact_texts(item, known) for item in data]
    return redact(data, known) if isinstance(data, str) else data


def redact(text: str, known: Known) -> str:
    """The text without them."""
    for secret in _longest_first(form for one in known.secrets for form in _forms(one)):
        text = text.replace(secret, _IN_PLACE)
    for home in _longest_first(known.homes):
        for written in {home, home.replace("\\", "\\\\"), home.replace("\\", "/")}:
            text = re.sub(rf"{re.escape(written)}(?![\w.-])", "~", text, flags=re.IGNORECASE)
    for pattern, in_place in _PATTERNS:
        text = pattern.sub(in_place, text)
    for name in _longest_first(known.names):
        text = re.sub(rf"(?<![A-Za-z0-9]){re.escape(name)}(?![A-Za-z0-9])", "<user>", text)
    return text


def _forms(secret: str) -> set[str]:
    """How a secret may be written: in JSON, in Python, in an address; each line of several."""
    lines = {line for line in secret.splitlines() if len(line) >= _SHORTEST}
    return {
        written
        for one in {secret, *lines}
        for written in (
            one,
            json.dumps(one)[1:-1],
            json.dumps(one, ensure_ascii=False)[1:-1],
            repr(one)[1:-1],
            quote(one, safe=""),
            quote_plus(one),
        )
    }


def _longest_first(texts: Iterable[str]) -> list[str]:
    return sorted((text for text in texts if text.strip("/\\ ")), key=len, reverse=True)
