"""The garbage collector is held back for a moment, and is as it was afterwards."""

from __future__ import annotations

import gc

import pytest
from custom_nodes.discomfort.system.paused_collector import paused_collector


def test_it_is_paused_and_goes_on_also_after_an_error():
    assert gc.isenabled()
    with pytest.raises(KeyError), paused_collector():
        with paused_collector():
            pass
        assert not gc.isenabled()
        raise KeyError
    assert gc.isenabled()


def test_one_that_the_script_switched_off_stays_off():
    gc.disable()
    try:
        with paused_collector():
            assert not gc.isenabled()
        assert not gc.isenabled()
    finally:
        gc.enable()
