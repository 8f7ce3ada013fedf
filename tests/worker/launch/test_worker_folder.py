"""The folder of a worker, beside the folders and logs of others that start and end meanwhile."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
from custom_nodes.discomfort.worker.launch.worker_folder import KEPT_LOGS, make_worker_folder


@pytest.fixture
def logs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the logs of an otherwise unused temp folder."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    first = make_worker_folder()
    first.remove(with_log=True)
    return first.log_path.parent


def test_a_log_that_goes_while_the_logs_are_listed_is_no_failure(logs: Path) -> None:
    # Listed but not there: what another worker's log is that is removed between the two.
    (logs / "1-gone.log").symlink_to(logs / "nowhere")
    make_worker_folder().remove(with_log=True)


def test_the_newest_logs_of_crashed_workers_are_kept(logs: Path) -> None:
    for age in range(KEPT_LOGS + 3):
        log = logs / f"1-{age:08x}.log"
        log.write_text("crashed")
        os.utime(log, (1_000_000 - age, 1_000_000 - age))
    make_worker_folder().remove(with_log=True)
    assert sorted(p.stem for p in logs.glob("*.log")) == [f"1-{n:08x}" for n in range(KEPT_LOGS)]
