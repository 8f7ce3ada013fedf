"""What a start is doing, in words, from the newest lines of a log."""

from __future__ import annotations

import pytest
from custom_nodes.discomfort.worker.launch.say_imports import prestartup_script
from custom_nodes.discomfort.worker.launch.start_words import doing, starting


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ((), None),
        (("", " "), None),
        (("[INFO] Total VRAM 8192 MB", ""), "Total VRAM 8192 MB"),
        (("older", "[discomfort] importing ComfyUI-X"), "importing ComfyUI-X"),
        (("[discomfort] importing ComfyUI-X", "[WARNING] newer"), "newer"),
        (("x" * 200,), "x" * 97 + "..."),
    ],
)
def test_newest_line_is_what_it_is_doing(lines: tuple, words: str | None):
    assert doing(lines) == words


def test_words_for_people():
    assert starting(40.2, "importing X") == "ComfyUI is starting, 40 s: importing X"
    assert starting(0, None) == "ComfyUI is starting, 0 s"


def test_both_sides_know_the_same_mark():
    from custom_nodes.discomfort.worker.launch import start_words

    assert start_words._MARK == prestartup_script._MARK
