"""A folder for files, and a host that has them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.https_server import Host, make_certificates, serve


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def host(certificates: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    """A host whose authority is trusted, as a company's is."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates[0]))
    with serve(certificates[1]) as made:
        yield made
