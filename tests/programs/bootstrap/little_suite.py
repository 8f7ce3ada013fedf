"""The suite of a clone that bootstrap.py sets up: its copy is named as pytest wants it."""

from __future__ import annotations

import pytest


def test_that_needs_nothing():
    pass


@pytest.mark.skip(reason="needs a real ComfyUI")
def test_that_needs_the_real_one():
    pass


@pytest.mark.skip(reason="another reason")
def test_that_is_skipped_for_another_reason():
    pass
