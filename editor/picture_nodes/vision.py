"""Asks an OpenAI-compatible vision endpoint about pictures.

The key is named, never written: it comes from the environment, and goes only where editor.json says
that it may.
"""

from __future__ import annotations

import asyncio
import base64
import email.utils
import json
import logging
import os
import random
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from ...errors import ExecutionError, WorkflowError, why_unreached

log = logging.getLogger("discomfort.editor")

RATINGS = ("off", "0 to 1", "0 to 10", "0 to 100")
_MAX_REPLY_BYTES = 4 << 20
_FIRST_PAUSE_S = 1.0
_LONGEST_PAUSE_S = 60.0
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_RATING_LINE = re.compile(r"rating\s*\**\s*[:=]\s*\**\s*(-?\d+(?:[.,]\d+)?)", re.IGNORECASE)
_NUMBER = re.compile(r"(?<![\w.])-?\d+(?:[.,]\d+)?")


class Answer(NamedTuple):
    """What was said, and the number in it (0.0 where none was asked for)."""

    text: str
    rating: float


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, and where. Checked by `check_endpoint` before."""

    url: str
    model: str
    prompt: str
    key_variable: str = ""
    rating: str = "off"
    timeout_s: float = 60.0
    retries: int = 3


def check_endpoint(url: str, key_variable: str, allowed: Mapping[str, str]) -> None:
    """See that the address can be asked, and that the key may be sent there.

    Args:
        allowed: name of an environment variable -> the start of the addresses that may get it.

    Raises:
        WorkflowError: not an address, a key in place of its name, or a key for another address.
    """
    parts = urlsplit(url.strip())
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise WorkflowError(
            f"url must be the address of an OpenAI-compatible server, like "
            f"https://api.openai.com/v1, not {url!r}."
        )
    name = key_variable.strip()
    if not name:
        return
    if not _NAME.fullmatch(name) or name not in allowed and not name.isupper():
        raise WorkflowError(
            "key_variable must be the NAME of an environment variable that holds the key, like "
            "OPENAI_API_KEY. The key itself never belongs into a workflow."
        )
    if parts.hostname in _LOOPBACK:
        return
    start = allowed.get(name)
    if start is None:
        raise WorkflowError(
            f"The key in {name} may not be sent to {parts.hostname}: nothing allows it. Add "
            f'"{name}": "{parts.scheme}://{parts.netloc}/" to VISION_KEYS in a copy of this '
            "extension's editor.json at user/discomfort/editor.json, and restart ComfyUI."
        )
    if not _is_below(parts, start):
        raise WorkflowError(
            f"The key in {name} may be sent to {start} only (VISION_KEYS in editor.json), "
            f"not to {parts.scheme}://{parts.netloc}."
        )


def _is_below(parts: Any, start: str) -> bool:
    wanted = urlsplit(start)
    same = (parts.scheme, parts.hostname, parts.port) == (
        wanted.scheme,
        wanted.hostname,
        wanted.port,
    )
    return same and f"{parts.path}/".startswith(wanted.path or "/")


def read_key(key_variable: str) -> str | None:
    """The key, from the environment.

    Raises:
        WorkflowError: the variable is not set.
    """
    name = key_variable.strip()
    if not name:
        return None
    key = os.environ.get(name, "").strip()
    if not key:
        raise WorkflowError(
            f"The environment variable {name} is not set. Set it to your key before you start "
            "ComfyUI, or empty key_variable for a server that needs none."
        )
    return key


def ask_rating(prompt: str, rating: str) -> str:
    """The prompt, with the request for a number at its end."""
    if rating == RATINGS[0]:
        return prompt
    return (
        f"{prompt.rstrip()}\n\nEnd with one line of the form `Rating: N`, where N is a number from "
        f"{rating}."
    )


def find_rating(text: str, rating: str) -> float:
    """The number that a reply gives as its rating: that of a `Rating:` line, else its last one.

    Raises:
        ExecutionError: there is none, or it is out of range.
    """
    if rating == RATINGS[0]:
        return 0.0
    stated = _RATING_LINE.findall(text) or _NUMBER.findall(text)
    if not stated:
        raise ExecutionError(
            f"The model gave no rating. It said: {_shorten(text)!r}. Ask for it in the prompt."
        )
    number = float(stated[-1].replace(",", "."))
    top = float(rating.split()[-1])
    if not 0 <= number <= top:
        raise ExecutionError(
            f"The model gave the rating {number:g}, which is not from {rating}. It said: "
            f"{_shorten(text)!r}."
        )
    return number


async def describe(question: Question, picture: bytes) -> Answer:
    """Ask about one picture (a JPEG file).

    Raises:
        ExecutionError: the server refused, did not answer in time, or said something else; what it
            said is in the message, the key never is.
    """
    import aiohttp

    key = read_key(question.key_variable)
    timeout = aiohttp.ClientTimeout(total=question.timeout_s)
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    async with aiohttp.ClientSession(timeout=timeout, headers=headers) as http:
        for tries_left in range(question.retries, -1, -1):
            try:
                text = await _ask(http, question, _body(question, picture))
                return Answer(text, find_rating(text, question.rating))
            except _Again as e:
                failures = question.retries - tries_left
                pause_s = e.wait_s if e.wait_s is not None else _pause(failures)
                if not tries_left or pause_s > _LONGEST_PAUSE_S:
                    raise ExecutionError(_without(key, str(e))) from e.__cause__
                log.info("%s Asked again in %.1f s.", _without(key, str(e)), pause_s)
                await asyncio.sleep(pause_s)
            except _Refused as e:
                raise ExecutionError(_without(key, str(e))) from None
    raise AssertionError("unreachable")


class _Refused(Exception):
    """No use to ask again."""


class _Again(Exception):
    """It may go well the next time. `wait_s`: what the server asked for."""

    def __init__(self, message: str, wait_s: float | None = None):
        super().__init__(message)
        self.wait_s = wait_s


def _body(question: Question, picture: bytes) -> dict[str, Any]:
    data = "data:image/jpeg;base64," + base64.b64encode(picture).decode("ascii")
    content = [
        {"type": "text", "text": ask_rating(question.prompt, question.rating)},
        {"type": "image_url", "image_url": {"url": data}},
    ]
    return {"model": question.model, "messages": [{"role": "user", "content": content}]}


def _address(url: str) -> str:
    """The endpoint, from a server's address: ".../v1" or the whole of it."""
    url = url.strip().rstrip("/")
    return url if url.endswith("/chat/completions") else f"{url}/chat/completions"


async def _ask(http: Any, question: Question, body: dict[str, Any]) -> str:
    import aiohttp

    address = _address(question.url)
    try:
        # A redirect would take the key and the picture elsewhere.
        async with http.post(address, json=body, allow_redirects=False) as reply:
            raw = b""
            async for chunk in reply.content.iter_chunked(1 << 16):
                raw += chunk
                if len(raw) > _MAX_REPLY_BYTES:
                    raise _Refused(f"{address} answered more than {_MAX_REPLY_BYTES} bytes.")
            status, reason, headers = reply.status, reply.reason, reply.headers
    except asyncio.TimeoutError as e:
        raise _Again(f"{address} did not answer within {question.timeout_s:g} s.") from e
    except (aiohttp.ClientError, OSError) as e:
        raise _Again(
            f"{address} can't be reached: {why_unreached(e)}. Is the server running? Check url."
        ) from e
    said = _shorten(raw.decode("utf-8", "replace"))
    if status == 429 or status >= 500:
        raise _Again(
            f"{address} answered {status} {reason}: {said}",
            _retry_after(headers.get("Retry-After")),
        )
    if status in (401, 403):
        name = question.key_variable.strip() or "key_variable is empty"
        raise _Refused(f"{address} refused the key ({status}, {name}): {said}")
    if status != 200:
        raise _Refused(f"{address} answered {status} {reason}: {said}")
    return _text_of(address, raw, said)


def _text_of(address: str, raw: bytes, said: str) -> str:
    try:
        content = json.loads(raw)["choices"][0]["message"]["content"]
    except (ValueError, LookupError, TypeError):
        raise _Refused(
            f"{address} answered something else than an OpenAI-compatible server does: {said}"
        ) from None
    if isinstance(content, list):  # some servers send the parts of a text
        parts = [part.get("text", "") for part in content if isinstance(part, dict)]
        content = "".join(map(str, parts))
    if not isinstance(content, str) or not content.strip():
        raise _Refused(f"{address} answered without a text: {said}")
    return content.strip()


def _retry_after(value: str | None) -> float | None:
    """Seconds, from a header that has seconds or a date."""
    if value is None:
        return None
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        when = email.utils.parsedate_to_datetime(value)
    except (TypeError, ValueError):
        return None
    return max(0.0, when.timestamp() - time.time())


def _pause(failures: int) -> float:
    return _FIRST_PAUSE_S * 2**failures * random.uniform(0.8, 1.2)


def _without(key: str | None, text: str) -> str:
    """A server may repeat the key in its error."""
    return text.replace(key, "***") if key else text


def _shorten(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= 300 else text[:297] + "..."
