"""What the editor does to texts and numbers: comments, choices, %patterns%, rounding."""

from __future__ import annotations

import math
import random
import re
from collections.abc import Callable
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

_COMMENT = re.compile(r"/\*|//[^\n\r\u2028\u2029]*")  # of one in /* */ the beginning
_PATTERN = re.compile(r"%([^%]+)%")
_DATE_PART = re.compile(r"dd?|MM?|hh?|mm?|ss?|yyy?y?")
_NOT_IN_FILE_NAMES = re.compile(r'[/?<>\\:*|"\x00-\x1F\x7F]')


def dynamic_prompt(text: str, seed: int = 0) -> str:
    """A prompt text without its comments, one option chosen of every `{a|b}`.

    Source: front end 1.49.6, behaviour of widgets with `dynamicPrompts`. "http://x" loses its
    end, there as here. An escaped `\\{`, `\\|` or `\\}` stays, without the backslash; a brace
    that is not closed closes at the end. The browser chooses anew each time; here text and seed
    decide, so that a conversion can be repeated.
    """
    if "/" in text:
        text = _without_comments(text)
    if "{" not in text and "\\" not in text:
        return text
    rng = random.Random(f"{seed} {text}")
    # One frame for each open brace: the options so far. The outermost is the text itself.
    frames: list[list[list[str]]] = [[[]]]
    i, n = 0, len(text)
    while i < n:
        char = text[i]
        i += 1
        if char == "\\" and i < n and text[i] in "{}|":
            frames[-1][-1].append(text[i])
            i += 1
        elif char == "{":
            frames.append([[]])
        elif len(frames) > 1 and char == "|":
            frames[-1].append([])
        elif len(frames) > 1 and char == "}":
            _close(frames, rng)
        else:
            frames[-1][-1].append(char)
    while len(frames) > 1:
        _close(frames, rng)
    return "".join(frames[0][0])


def _without_comments(text: str) -> str:
    """By hand: where no comment is closed, a pattern looks for the end from each beginning."""
    kept: list[str] = []
    at = look = 0
    may_close = True
    while (found := _COMMENT.search(text, look)) is not None:
        end = found.end()
        if found[0] == "/*":
            close = text.find("*/", end) if may_close else -1
            if close < 0:
                may_close, look = False, found.start() + 1
                continue
            end = close + 2
        kept.append(text[at : found.start()])
        at = look = end
    return "".join(kept) + text[at:]


def _close(frames: list[list[list[str]]], rng: random.Random) -> None:
    options = frames.pop()
    chosen = options[0] if len(options) == 1 else rng.choice(options)
    frames[-1][-1].append("".join(chosen))


def replace_patterns(text: str, find: Callable[[str, str], Any], now: datetime | None) -> str:
    """Fill in `%date:yyyy-MM-dd%` and `%Node.widget%`.

    Args:
        find: (node name, widget name) -> the value; LookupError leaves the pattern as it is.
        now: None leaves the dates as they are.
    """

    def replacement(match: re.Match[str]) -> str:
        parts = match[1].split(".")
        if len(parts) != 2:
            if now is None or not match[1].startswith("date:"):
                return match[0]
            return format_date(match[1][5:], now)
        try:
            value = find(*parts)
        except LookupError:
            return match[0]
        return _NOT_IN_FILE_NAMES.sub("_", js_text(value))

    return _PATTERN.sub(replacement, text) if "%" in text else text


def format_date(pattern: str, now: datetime) -> str:
    """d, M, h, m, s (doubled: two digits), yy and yyyy."""
    parts = {"d": now.day, "M": now.month, "h": now.hour, "m": now.minute, "s": now.second}

    def replacement(match: re.Match[str]) -> str:
        text = match[0]
        if text[0] in parts:
            return str(parts[text[0]]).zfill(len(text))
        year = str(now.year)
        return {"yy": year[2:], "yyyy": year}.get(text, text)

    return _DATE_PART.sub(replacement, pattern)


def js_text(value: Any) -> str:
    """A value as JavaScript writes it into a text: true, 1 for 1.0, nothing for null."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e21:
        return str(int(value))
    if isinstance(value, list):
        return ",".join(
            "[object Object]" if isinstance(v, (list, dict)) else js_text(v) for v in value
        )
    return "[object Object]" if isinstance(value, dict) else str(value)


def primitive_number(value: Any, kind: str, options: dict[str, Any]) -> Any:
    """The value that a PrimitiveNode writes into a number widget; other values as they are.

    INT goes to the nearest step (counted from `min`) and is not clamped; FLOAT is rounded, then
    clamped.
    Source: front end 1.49.6.
    """
    if not _is_number(value):
        return value
    if kind == "INT":
        step = number(options.get("step"), 1)
        least = number(options.get("min"), 0)
        if step in (0, 1) and isinstance(value, int):
            return value
        step = step or 1
        shift = math.fmod(least, step)
        return _as_int(_round((value - shift) / step) * step + shift)
    if kind == "FLOAT":
        step = abs(number(options.get("step"), 0.5)) or 0.5
        places = max(0, -math.floor(math.log10(step)))
        unit = number(options.get("round"), 0) or (10.0**-places if places else 0)
        if not unit or abs(value) > 1e15:  # too large to have digits behind the point
            return value
        # To the unit first, then to the digits of the step: two roundings, as the editor does.
        digits = Decimal(_round(value / unit) * unit).quantize(
            Decimal(1).scaleb(-places), ROUND_HALF_UP
        )
        least, most = number(options.get("min"), 0), number(options.get("max"), 2048)
        return min(max(_as_int(float(digits)), least), most)
    return value


def _round(value: float) -> int:
    return math.floor(value + 0.5)


def _as_int(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _is_number(value: Any) -> bool:
    return (
        isinstance(value, (int, float))
        and not isinstance(value, bool)
        and (isinstance(value, int) or math.isfinite(value))
        and abs(value) < 1e300
    )


def number(value: Any, otherwise: float) -> float:
    """The value, if it is a finite number."""
    return value if _is_number(value) else otherwise
