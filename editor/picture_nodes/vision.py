"""Asks an OpenAI-compatible vision endpoint about pictures.

Where a question and a key may go is judged before, in `endpoint.py`. What a server says is shown
without any part of the key (`key.py`).
"""

from __future__ import annotations

import asyncio
import base64
import email.utils
import json
import logging
import math
import random
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from ...errors import ExecutionError, why_unreached
from .endpoint import Endpoint
from .key import Key

log = logging.getLogger("discomfort.editor")

RATINGS = ("off", "0 to 1", "0 to 10", "0 to 100")
_MAX_REPLY_BYTES = 4 << 20
_FIRST_PAUSE_S = 1.0
_LONGEST_PAUSE_S = 60.0
_SHOWN = 300
_LOOKED_AT = 20_000
_RATING_LINE = re.compile(
    r"rating\s*(?:\*+\s*)?[:=]\s*(?:\*+\s*)?(-?\d+(?:[.,]\d+)?)", re.IGNORECASE
)
_NUMBER = re.compile(r"(?<![\w.])-?\d+(?:[.,]\d+)?")


class Answer(NamedTuple):
    """What was said, and the number in it (0.0 where none was asked for)."""

    text: str
    rating: float


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, and where."""

    endpoint: Endpoint
    model: str
    prompt: str
    rating: str = "off"
    timeout_s: float = 60.0
    retries: int = 3


def ask_rating(prompt: str, rating: str) -> str:
    """The prompt, with the request for a number at its end."""
    if rating == RATINGS[0]:
        return prompt
    return (
        f"{prompt.rstrip()}\n\nEnd with one line of the form `Rating: N`, where N is a number from "
        f"{rating}."
    )


def find_rating(text: str, rating: str, hide: Callable[[str], str] = str) -> float:
    """The number that a reply gives as its rating: that of a `Rating:` line, else its last one.

    Args:
        hide: takes out of the text what must not be in a message.

    Raises:
        ExecutionError: there is none, or it is out of range.
    """
    if rating == RATINGS[0]:
        return 0.0
    stated = _RATING_LINE.findall(text) or _NUMBER.findall(text)
    if not stated:
        raise ExecutionError(
            f"The model gave no rating. It said: {_shorten(text, hide)!r}. Ask for it in the "
            "prompt."
        )
    number = float(stated[-1].replace(",", "."))
    top = float(rating.split()[-1])
    if not 0 <= number <= top:
        raise ExecutionError(
            f"The model gave the rating {hide(f'{number:g}')}, which is not from {rating}. It "
            f"said: {_shorten(text, hide)!r}."
        )
    return number


async def describe(question: Question, picture: bytes) -> Answer:
    """Ask about one picture (a JPEG file).

    Raises:
        WorkflowError: there is no such key.
        ExecutionError: the server refused, did not answer in time, or said something else; what it
            said is in the message, the key never is.
    """
    import aiohttp

    key = Key(question.endpoint.key_variable)
    timeout = aiohttp.ClientTimeout(total=question.timeout_s)
    body = _body(question, picture)
    async with aiohttp.ClientSession(timeout=timeout, headers=key.headers) as http:
        for tries_left in range(question.retries, -1, -1):
            try:
                text = await _ask(http, question, body, key)
                return Answer(text, find_rating(text, question.rating, key.hide))
            except (_Again, _Refused) as e:
                failure, wait_s = str(e), e.wait_s
            pause_s = _pause(question.retries - tries_left) if wait_s is None else wait_s
            if not tries_left or pause_s > _LONGEST_PAUSE_S:
                # Out here it has no context, which might repeat what the server said.
                raise ExecutionError(failure)
            log.info("%s Asked again in %.1f s.", failure, pause_s)
            await asyncio.sleep(pause_s)
    raise AssertionError("unreachable")


class _Refused(Exception):
    """No use to ask again."""

    wait_s = math.inf


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


async def _ask(http: Any, question: Question, body: dict[str, Any], key: Key) -> str:
    import aiohttp
    from yarl import URL

    address = question.endpoint.shown
    try:
        # As it was judged: "encoded" changes no letter. A redirect would take the key and the
        # picture elsewhere.
        url = URL(question.endpoint.address, encoded=True)
        async with http.post(url, json=body, allow_redirects=False) as reply:
            raw = b""
            async for chunk in reply.content.iter_chunked(1 << 16):
                raw += chunk
                if len(raw) > _MAX_REPLY_BYTES:
                    raise _Refused(f"{address} answered more than {_MAX_REPLY_BYTES} bytes.")
            status, headers = reply.status, reply.headers
    except asyncio.TimeoutError:
        raise _Again(f"{address} did not answer within {question.timeout_s:g} s.") from None
    except (aiohttp.ClientError, OSError) as e:
        why = _shorten(why_unreached(e), key.hide)
        raise _Again(
            f"{address} can't be reached: {why}. Is the server running? Check url."
        ) from None
    said = _shorten(raw.decode("utf-8", "replace"), key.hide)
    if status == 429 or status >= 500:
        raise _Again(
            f"{address} answered {status}: {said}", _retry_after(headers.get("Retry-After"))
        )
    if status in (401, 403):
        name = key.variable or "key_variable is empty"
        raise _Refused(f"{address} refused the key ({status}, {name}): {said}")
    if status != 200:
        raise _Refused(f"{address} answered {status}: {said}")
    text = _text_of(address, raw, said)
    if key.is_in(text):
        raise _Refused(
            f"{address} repeated the key in {key.variable}; what it said is not taken. Choose "
            "another model or server."
        )
    return text


def _text_of(address: str, raw: bytes, said: str) -> str:
    try:
        content = json.loads(raw)["choices"][0]["message"]["content"]
    except (ValueError, LookupError, TypeError, RecursionError):
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


def _shorten(text: str, hide: Callable[[str], str] = str) -> str:
    """The beginning of a text, in a line."""
    line = " ".join(text.split())
    shown = hide(line[:_LOOKED_AT])
    if len(line) > _LOOKED_AT:
        shown = shown[:-4]  # a part of a key that was cut is not seen
    return (
        shown if len(shown) <= _SHOWN and len(line) <= _LOOKED_AT else shown[: _SHOWN - 3] + "..."
    )
