"""Lines of a worker's output, and exit codes, as people read them."""

from __future__ import annotations

import sys

import pytest
from custom_nodes.discomfort.worker.launch import output_log


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
