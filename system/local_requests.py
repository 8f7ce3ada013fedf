"""Who asks: whether an HTTP request came from this machine, and from a page of the server itself.

Our routes in a ComfyUI ask before they answer (`worker/launch/inside_comfyui.py`,
`editor/routes/`): ComfyUI has no password, and `--listen` or a proxy opens its port to others.
PURE, but for `why_refused`, which reads aiohttp's request.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from typing import Any, NamedTuple
from urllib.parse import urlsplit

_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(?::(\d{1,5}))?")
# What a proxy says of whom it serves; `x-forwarded-...` beside these.
_FORWARDED = frozenset({"forwarded", "via", "x-real-ip", "true-client-ip", "cf-connecting-ip"})
_READING = ("GET", "HEAD")


class Request(NamedTuple):
    """What tells who asks.

    Attributes:
        peer, reached: IP addresses of the two ends of the connection; "" where not known.
        port: where this server was reached.
        headers: as they came, in any case; one may come twice.
    """

    method: str
    peer: str
    reached: str
    port: int
    headers: Sequence[tuple[str, str]]


def why_refused(request: Any) -> str | None:
    """Why an aiohttp request is not to be answered, as a sentence; None: it may be."""
    ends = [_end_of(request.transport, name) for name in ("peername", "sockname")]
    return judge(
        Request(request.method, ends[0][0], ends[1][0], ends[1][1], tuple(request.headers.items()))
    )


def _end_of(transport: Any, name: str) -> tuple[str, int]:
    end = transport.get_extra_info(name) if transport is not None else None
    return (str(end[0]), int(end[1])) if isinstance(end, tuple) else ("", 0)


def judge(request: Request) -> str | None:
    """`why_refused`, of what is known of a request.

    A machine reaches an address of its own from that same address. A name may be given any address
    by whoever owns it, also that of this machine (DNS rebinding), so a Host must be `localhost` or
    an address.
    """
    there = f"There, open ComfyUI as http://127.0.0.1:{request.port}."
    peer, reached = _address_of(request.peer), _address_of(request.reached)
    if peer is None or peer != reached or _is_forwarded(request):
        return (
            "Only the machine that ComfyUI runs on is answered here, and this came from another "
            f"one or through a proxy. {there}"
        )
    host = _only(request, "host")
    if not _is_this_machine(_host_and_port(host)[0], reached):
        return (
            "Only the machine that ComfyUI runs on is answered here, and a name may lead to any "
            f"machine. {there}"
        )
    if not _is_same_origin(request, host):
        return f"Only pages of this very ComfyUI are answered here, not other sites. {there}"
    return None


def _address_of(text: str) -> Any:
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _is_forwarded(request: Request) -> bool:
    names = {name.lower() for name, _ in request.headers}
    return bool(names & _FORWARDED) or any(name.startswith("x-forwarded-") for name in names)


def _only(request: Request, name: str) -> str:
    """The value of a header that must not come twice; "" without it, or when it does."""
    found = [value for key, value in request.headers if key.lower() == name]
    return found[0] if len(found) == 1 else ""


def _host_and_port(host: str) -> tuple[str, int | None]:
    """("", None) for what is no host."""
    parts = _HOST.fullmatch(host)
    if parts is None:
        return "", None
    name = parts[1].lower().strip("[]")
    return name.removesuffix("."), int(parts[2]) if parts[2] else None


def _is_this_machine(name: str, reached: Any) -> bool:
    address = _address_of(name)
    if address is None:
        return name == "localhost"
    # ComfyUI itself tells its users to open http://0.0.0.0.
    return address.is_loopback or address.is_unspecified or address == reached


def _is_same_origin(request: Request, host: str) -> bool:
    """Whether no other site's page asks. A program that is no browser says nothing of a page."""
    names = {name.lower() for name, _ in request.headers}
    allowed = ("same-origin", "none") if request.method in _READING else ("same-origin",)
    if "sec-fetch-site" in names and _only(request, "sec-fetch-site") not in allowed:
        return False
    # A proxy that says nothing else hands on where the page is.
    pages = [name for name in ("origin", "referer") if name in names]
    return all(_is_page_of(_only(request, name), host) for name in pages)


def _is_page_of(page: str, host: str) -> bool:
    try:
        parts = urlsplit(page)
        port = {"http": 80, "https": 443}[parts.scheme]
        found = _host_and_port(parts.netloc)
    except (ValueError, KeyError):
        return False
    wanted = _host_and_port(host)
    return bool(found[0]) and (found[0], found[1] or port) == (wanted[0], wanted[1] or port)
