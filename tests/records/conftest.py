"""Records of tests go to folders of their own."""

from __future__ import annotations

from pathlib import Path

import pytest
from custom_nodes.discomfort.records.archive import records_dir
from support.servers import own_data_folder


@pytest.fixture(autouse=True)
def records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder where this test's records go; child processes inherit it."""
    own_data_folder(monkeypatch, tmp_path / "data")
    return records_dir()
