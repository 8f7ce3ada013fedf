"""Lines of a worker's output, and exit codes, as people read them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from custom_nodes.discomfort.worker.launch import output_log
from support.programs import Program


@pytest.mark.parametrize(
    ("raw", "line"),
    [
        (b"\x1b[32m[INFO]\x1b[0m hello\n", "[INFO] hello"),
        (b"  0%|  |\r 50%|# |\r100%|##|\n", "100%|##|"),
        (b"caf\xc3\xa9 \xff\r\n", "caf\u00e9 \ufffd"),
        (b"\x1b]0;title\x07text", "text"),
        (b"", ""),
    ],
)
def test_log_line_is_plain(raw: bytes, line: str):
    assert output_log.clean_line(raw) == line


@pytest.mark.parametrize(
    ("code", "words"),
    [(-9, "memory"), (137, "memory"), (-11, "segmentation"), (-15, "SIGTERM"), (3, "see the log")],
)
def test_exit_code_is_explained(code: int, words: str):
    if sys.platform == "win32" and code == -15:
        words = "ended by"
    assert words in output_log.describe_exit(code)


@pytest.mark.skipif(sys.platform == "win32", reason="no limits on files")
@pytest.mark.parametrize(("count", "missed"), [(500, 0), (2000, 900)])
def test_log_goes_on_when_there_is_room_again(tmp_path: Path, count: int, missed: int):
    """A limit on the size of files stands in for a full disk: it is refused in the same way."""
    path = tmp_path / "a.log"
    program = Program("worker/fill_its_log", path, count)
    out, err = program.wait()
    assert program.process.returncode == 0 and out == "1003\n", out + err
    assert err.count("can't be written: File too large") == 1
    lines = path.read_text(encoding="utf-8").splitlines()
    assert lines[-2:] == ["all", "room again"]
    if not missed:
        assert lines == [f"line {i:04}" for i in range(count)] + lines[-2:]
        return
    words = [line for line in lines if "found no room" in line]
    lost = int(words[0].split()[1])
    assert len(words) == 1 and lost >= missed
    assert len(lines) - 1 + lost == count + 2
