"""A host of files over https, on this machine, with a certificate of the tests' own.

It does what it is told to do wrong, and remembers what it was asked.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from custom_nodes.discomfort.downloads.network import Network
from support.servers import skip_or_fail

NAMES = ("files.test", "other.test", "private.test", "localhost", "huggingface.co", "civitai.com")
INTERNET, PRIVATE = "127.0.0.1", "127.0.0.2"  # in place of an address of either kind
_REQUEST = """
[req]
distinguished_name = name
[name]
[ca]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign
[leaf]
subjectAltName = {names}
basicConstraints = CA:FALSE
"""


def safetensors(size: int) -> bytes:
    """A file of that format, of so many bytes or a little more."""
    head = json.dumps({"a": {"dtype": "U8", "shape": [size], "data_offsets": [0, size]}}).encode()
    return len(head).to_bytes(8, "little") + head + bytes(i % 251 for i in range(size))


def make_certificates(folder: Path) -> tuple[Path, Path]:
    """The certificate of an authority, and a file with key and certificate of the hosts."""
    openssl = shutil.which("openssl")
    if openssl is None:
        skip_or_fail("there is no openssl, which makes the certificate of the test's server")
    names = ", ".join([*(f"DNS:{name}" for name in NAMES), f"IP:{INTERNET}", f"IP:{PRIVATE}"])
    config = folder / "openssl.cnf"
    config.write_text(_REQUEST.format(names=names), encoding="utf-8")

    def run(*words: str) -> None:
        subprocess.run([openssl, *words], cwd=folder, check=True, capture_output=True)

    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    made = ("-config", "openssl.cnf", "-subj")
    run("req", "-x509", *curve, "-keyout", "ca.key", "-out", "ca.pem", "-days", "30",
        *made, "/CN=tests", "-extensions", "ca")  # fmt: skip
    run("req", *curve, "-keyout", "leaf.key", "-out", "leaf.csr", *made, "/CN=files.test")
    authority = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial")
    run("x509", "-req", "-in", "leaf.csr", *authority, "-out", "leaf.pem", "-days", "30",
        "-extfile", "openssl.cnf", "-extensions", "leaf")  # fmt: skip
    both = folder / "both.pem"
    both.write_bytes((folder / "leaf.key").read_bytes() + (folder / "leaf.pem").read_bytes())
    return folder / "ca.pem", both


@dataclass
class Asked:
    """One request."""

    host: str
    path: str
    headers: dict[str, str]


@dataclass
class Host:
    """The server. `files`: path -> content; `answers`: path -> what writes another answer.

    Attributes:
        break_after: bytes of a body after which the connection is cut, once.
        etag: of every file.
    """

    port: int = 0
    files: dict[str, bytes] = field(default_factory=dict)
    answers: dict[str, Callable[[BaseHTTPRequestHandler], None]] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    break_after: int | None = None
    etag: str = '"one"'

    def url(self, path: str, name: str = "files.test") -> str:
        return f"https://{name}:{self.port}{path}"

    def redirect(self, path: str, target: str, status: int = 302) -> None:
        def answer(handler: BaseHTTPRequestHandler) -> None:
            handler.send_response(status)
            handler.send_header("Location", target)
            handler.send_header("Content-Length", "0")
            handler.end_headers()

        self.answers[path] = answer

    def network(self, environment: dict[str, str] | None = None) -> Network:
        """Names lead here; INTERNET may be gone to, and PRIVATE may not."""
        return Network(
            is_allowed=lambda address: address == INTERNET,
            resolve=lambda name, _: [
                PRIVATE if name in ("private.test", "localhost") else INTERNET
            ],
            environment=environment or {},
        )


@contextlib.contextmanager
def serve(both: Path) -> Iterator[Host]:
    """A host that answers as long as the block lasts."""
    host = Host()
    server = ThreadingHTTPServer((INTERNET, 0), _handler(host))
    server.daemon_threads = True
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(both)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    host.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield host
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def host(certificates: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    """A host whose authority is trusted, as a company's is."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates[0]))
    with serve(certificates[1]) as made:
        yield made


def _handler(host: Host) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name = self.headers.get("Host", "").rpartition(":")[0]
            host.asked.append(Asked(name, self.path, dict(self.headers)))
            if self.path in host.answers:
                host.answers[self.path](self)
            elif self.path in host.files:
                self._send(host.files[self.path])
            else:
                self.send_error(404)

        def _send(self, content: bytes) -> None:
            start = self._start(len(content))
            self.send_response(206 if start is not None else 200)
            first, size = start or 0, len(content)
            if start is not None:
                self.send_header("Content-Range", f"bytes {first}-{size - 1}/{size}")
            self.send_header("Content-Length", str(size - first))
            self.send_header("ETag", host.etag)
            self.end_headers()
            body = content[first:]
            if host.break_after is not None and len(body) > 1 and not self._asks_size():
                self.wfile.write(body[: host.break_after])
                host.break_after = None
                self.close_connection = True
                return
            with contextlib.suppress(OSError):  # who only wants the size hangs up
                self.wfile.write(body)

        def _asks_size(self) -> bool:
            return self.headers.get("Range") == "bytes=0-0"

        def _start(self, size: int) -> int | None:
            wanted = self.headers.get("Range", "")
            if self._asks_size() or not wanted.startswith("bytes="):
                return None  # a host that knows no ranges
            if self.headers.get("If-Range", host.etag) != host.etag:
                return None
            start = int(wanted[len("bytes=") :].rstrip("-"))
            return start if start < size else None

        def log_message(self, format: str, *_: object) -> None:
            pass

    return Handler
