"""Which vision servers may be asked, and which key may go there, as editor.json says.

A workflow may come from a stranger: without a key this machine and the named servers are asked, and
a key goes only below the address that is named for it. What was judged is what is asked: an
`Endpoint` has the address in the one spelling that was compared.
"""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import unquote

from ...errors import WorkflowError

_LABEL = "[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_PLAIN = r"[A-Za-z0-9._~!$&'()*+,;=:@%-]"
# Nothing that two readers of an address may understand differently: no user, no backslash, no "#".
_ADDRESS = re.compile(
    rf"(?P<scheme>https?)://(?P<host>\[[0-9a-f:.]+\]|{_LABEL}(?:\.{_LABEL})*)"
    rf"(?::(?P<port>\d{{1,5}}))?(?P<path>(?:/{_PLAIN}+)*)/*(?:\?(?P<query>(?:{_PLAIN}|[/?])*))?",
    re.IGNORECASE,
)
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PORTS = {"http": 80, "https": 443}
_CALL = ("chat", "completions")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a question goes.

    Attributes:
        address: what is asked.
        shown: the same for messages, without what may stand behind a "?".
        key_variable: the environment variable of the key; "" for none.
    """

    address: str
    shown: str
    key_variable: str = ""


class _Parts(NamedTuple):
    scheme: str
    host: str
    port: int
    path: tuple[str, ...]
    query: str | None

    @property
    def origin(self) -> str:
        port = "" if self.port == _PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{self.host}{port}"

    def is_below(self, named: _Parts) -> bool:
        return self[:3] == named[:3] and self.path[: len(named.path)] == named.path

    def is_on(self, named: _Parts) -> bool:
        return self[:3] == named[:3]


def find_endpoint(
    url: str, key_variable: str, keys: Mapping[str, Any], servers: Iterable[Any] = ()
) -> Endpoint:
    """Where to ask, if the address may be asked and the key may be sent there.

    Args:
        keys: VISION_KEYS: name of an environment variable -> the start of the addresses that may
            get it.
        servers: VISION_SERVERS: the start of addresses that may be asked without a key.

    Raises:
        WorkflowError: not an address, one that nothing names, a key in place of its name, or a key
            for another address. No key that stands where it should not is in the message.
    """
    asked, name = _parse(url, "url"), key_variable.strip()
    if asked.path[-2:] != _CALL:
        asked = asked._replace(path=(*asked.path, *_CALL))
    if name:
        _check_key(asked, name, keys)
    elif not _may_be_asked(asked, keys, servers):
        raise WorkflowError(
            f"Pictures may be sent to this machine, and to servers that editor.json names, not to "
            f'{asked.origin}. Add "{asked.origin}/" to VISION_SERVERS in {_YOUR_COPY}'
        )
    shown = "/".join((asked.origin, *asked.path))
    return Endpoint(shown if asked.query is None else f"{shown}?{asked.query}", shown, name)


_YOUR_COPY = (
    "a copy of this extension's editor.json at user/discomfort/editor.json, and restart ComfyUI."
)


def _parse(text: Any, name: str) -> _Parts:
    found = _ADDRESS.fullmatch(text.strip()) if isinstance(text, str) else None
    if found is not None:
        scheme, path = found["scheme"].lower(), tuple(found["path"].split("/")[1:])
        port = int(found["port"] or _PORTS[scheme])
        if 0 < port < 65536 and not any(map(_leads_elsewhere, path)):
            return _Parts(scheme, found["host"].lower(), port, path, found["query"])
    # Not what was given: it may hold a password.
    raise WorkflowError(
        f"{name} must be the address of an OpenAI-compatible server, like https://api.openai.com/v1:"
        " http or https, a host, a path. No user, no `..`, no `#`, no empty part, only ASCII."
    )


def _leads_elsewhere(part: str) -> bool:
    """Whether a server may take a part of a path for something else than a name."""
    plain = unquote(part)
    is_dots = plain.partition(";")[0] in (".", "..")
    return is_dots or any(c in "/\\%?#" or not c.isprintable() for c in plain)


def _check_key(asked: _Parts, name: str, keys: Mapping[str, Any]) -> None:
    if name not in keys:
        # Only what is known to be a name is shown: it may be the key itself.
        if not _VARIABLE.fullmatch(name) or name not in os.environ:
            raise WorkflowError(
                "key_variable must be the NAME of an environment variable that holds the key, like "
                "OPENAI_API_KEY, and VISION_KEYS in editor.json must have it. The key itself never "
                "belongs into a workflow."
            )
        raise WorkflowError(
            f"The key in {name} may not be sent to {asked.origin}: nothing allows it. Add "
            f'"{name}": "{asked.origin}/" to VISION_KEYS in {_YOUR_COPY}'
        )
    named = _parse(keys[name], f"VISION_KEYS in editor.json: {name}")
    if not asked.is_below(named):
        raise WorkflowError(
            f"The key in {name} may be sent to {'/'.join((named.origin, *named.path))} only "
            f"(VISION_KEYS in editor.json), not to {asked.origin} as url has it."
        )


def _may_be_asked(asked: _Parts, keys: Mapping[str, Any], servers: Iterable[Any]) -> bool:
    if _is_loopback(asked.host):
        return True
    below = [_parse(server, "VISION_SERVERS in editor.json") for server in servers]
    on = [_parse(address, f"VISION_KEYS in editor.json: {name}") for name, address in keys.items()]
    return any(map(asked.is_below, below)) or any(map(asked.is_on, on))


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"
