"""One request over https: to an address that was looked at first, and to that very address.

A host's name is resolved once for each connection, its addresses are judged, and the connection
goes to one of these: a name that means another machine a moment later changes nothing. Redirects
are followed by hand, each judged anew. No proxy is used, and no key of the user's goes anywhere but
to its own host.
"""

from __future__ import annotations

import contextlib
import http.client
import ipaddress
import os
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, urljoin, urlsplit

from ..errors import DownloadError

_MOST_REDIRECTS = 10
_CONNECT_TIMEOUT_S, _SILENCE_TIMEOUT_S = 15.0, 60.0
_REDIRECTS = (301, 302, 303, 307, 308)
# Whose key goes to which host, and to no other, a subdomain or what it redirects to included.
_KEYS = {
    "huggingface.co": ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"),
    "civitai.com": ("CIVITAI_API_TOKEN",),
}
_EMBEDDED = [ipaddress.ip_network(n) for n in ("64:ff9b::/96", "64:ff9b:1::/48", "::/96")]


def is_public(address: str) -> bool:
    """Whether an address is one of the internet's: not of this machine, of a private network, of a
    provider's own, nor one that stands for such an address in another form.
    """
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:  # with a zone: of one network only
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if inner is None and any(ip in network for network in _EMBEDDED):
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
        if ip.is_site_local:
            return False
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or ip.is_unspecified)


def resolve(host: str, port: int) -> list[str]:
    """The addresses of a host, as the system says."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


@dataclass(frozen=True, slots=True)
class Network:
    """How hosts are found, and which addresses are gone to.

    Attributes:
        environment: where the user's keys are.
    """

    is_allowed: Callable[[str], bool] = is_public
    resolve: Callable[[str, int], list[str]] = resolve
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)


class Stop:
    """Ends a request from another thread: what waits for the network is woken."""

    def __init__(self) -> None:
        self._is_set = False
        self._socket: socket.socket | None = None
        self._lock = threading.Lock()

    def set(self) -> None:
        with self._lock:
            self._is_set = True
            if self._socket is not None:
                with contextlib.suppress(OSError):
                    self._socket.shutdown(socket.SHUT_RDWR)

    def watch(self, connection: socket.socket) -> None:
        """End this one when stopped; also if that was before."""
        with self._lock:
            self._socket = connection
        self.check()

    def unwatch(self) -> None:
        with self._lock:
            self._socket = None

    def check(self) -> None:
        """Raises DownloadError once stopped."""
        if self._is_set:
            raise DownloadError("The download was stopped.")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a URL leads."""

    host: str
    port: int
    path: str

    @property
    def url(self) -> str:
        port = "" if self.port == 443 else f":{self.port}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"https://{host}{port}{self.path}"


def read_url(url: str) -> Place:
    """What a URL says, in the one form in which it is judged and asked.

    Raises:
        DownloadError: it is no plain https address.
    """
    try:
        parts = urlsplit(url)
        port = parts.port or 443
        host = _ascii(parts.hostname or "")
    except (ValueError, UnicodeError) as e:
        raise DownloadError(f"{url!r} is no address: {e}") from e
    if parts.scheme != "https":
        raise DownloadError(f"{_short(url)} is not asked: only https addresses are.")
    if not host or parts.username is not None or parts.password is not None:
        raise DownloadError(f"{_short(url)} is no plain address of a file.")
    path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._")
    query = f"?{quote(parts.query, safe='/%:@!$&()*+,;=~-._?')}" if parts.query else ""
    return Place(host, port, path + query)


def _ascii(host: str) -> str:
    """A host's name as it is asked for; letters of other scripts in their ASCII form."""
    return host if host.isascii() else host.encode("idna").decode("ascii")


def key_for(host: str, environment: Mapping[str, str]) -> str | None:
    """The user's key for a host, of the environment; None for every host that is not its own."""
    for variable in _KEYS.get(host, ()):
        key = environment.get(variable, "").strip()
        if key and key.isascii() and key.isprintable():
            return key
    return None


@contextlib.contextmanager
def request(
    method: str, url: str, headers: Mapping[str, str], network: Network, stop: Stop
) -> Iterator[http.client.HTTPResponse]:
    """The answer to a request, redirects followed; closed at the end of the block.

    Args:
        headers: what else is sent, also to where a redirect leads.

    Raises:
        DownloadError: no answer, or it leads where nothing is asked.
    """
    first = read_url(url)
    for _ in range(_MOST_REDIRECTS + 1):
        place = read_url(url)
        with _ask(method, place, headers, network, stop) as answer:
            if answer.status not in _REDIRECTS:
                yield answer
                return
            url = urljoin(place.url, answer.headers.get("Location") or "")
    raise DownloadError(f"{first.host} redirects more than {_MOST_REDIRECTS} times.")


@contextlib.contextmanager
def _ask(
    method: str, place: Place, headers: Mapping[str, str], network: Network, stop: Stop
) -> Iterator[http.client.HTTPResponse]:
    connection = http.client.HTTPConnection(place.host, place.port)
    connection.auto_open = 0  # never but to the address that was judged
    key = key_for(place.host, network.environment)
    sent = {"Accept-Encoding": "identity", "User-Agent": "discomfort", **headers}
    if key is not None:
        sent["Authorization"] = f"Bearer {key}"
    try:
        connection.sock = _connect(place, network, stop)
        stop.watch(connection.sock)
        host = place.url.split("/")[2]
        connection.request(method, place.path, headers={"Host": host, **sent})
        answer = connection.getresponse()
    except (OSError, http.client.HTTPException) as e:
        connection.close()
        stop.check()
        if isinstance(e, DownloadError):
            raise
        raise DownloadError(f"{place.host} gives no answer: {e or type(e).__name__}") from e
    try:
        yield answer
    finally:
        stop.unwatch()
        answer.close()
        connection.close()


def _connect(place: Place, network: Network, stop: Stop) -> ssl.SSLSocket:
    """A connection to one of the host's addresses, all of which were judged."""
    try:
        addresses = network.resolve(place.host, place.port)
    except (OSError, UnicodeError) as e:
        raise DownloadError(f"{place.host} is not found: {e}") from e
    allowed = [address for address in addresses if network.is_allowed(address)]
    if not allowed:
        raise DownloadError(
            f"{place.host} is this machine, or one of a private network ({', '.join(addresses)}), "
            "and is not asked. If that is what you want, pass allow_private=True."
        )
    failure: OSError | None = None
    for address in allowed:
        stop.check()
        try:
            plain = socket.create_connection((address, place.port), _CONNECT_TIMEOUT_S)
        except OSError as e:
            failure = e
            continue
        try:
            plain.settimeout(_SILENCE_TIMEOUT_S)
            return ssl.create_default_context().wrap_socket(plain, server_hostname=place.host)
        except BaseException:
            plain.close()
            raise
    raise DownloadError(f"{place.host} can't be reached: {failure}") from failure


def _short(url: str) -> str:
    return repr(url if len(url) < 200 else url[:200] + "...")
