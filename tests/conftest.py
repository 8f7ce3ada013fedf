"""What all tests share: the package under the name that users import, servers, and Ctrl+C."""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import tempfile

import pytest
from support import package  # noqa: F401
from support.keepers import ends_keepers  # noqa: F401
from support.servers import (  # noqa: F401
    comfyui_dirs,
    leaves_nothing,
    make_connector,
    server,
    shared,
)

# A shell starts what runs in its background with Ctrl+C ignored, and children would inherit that:
# the programs that tests start are to hear it, as those of a user do.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_configure(config: pytest.Config) -> None:
    """Each process of tests has a temp folder of its own, as a user has: what one kills and leaves,
    another would purge, with `-n 2` or in another checkout.
    """
    of_worker = getattr(config, "workerinput", {"workerid": "tests"})
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", tempfile.gettempdir())  # of `tmp_path`: is kept
    os.environ["DISCOMFORT_KEEP_WARM"] = "0"  # where it is on by itself, too: each test says if so
    own = tempfile.mkdtemp(prefix=f"{of_worker['workerid']}-")
    os.environ["TMPDIR"], tempfile.tempdir = own, own
    atexit.register(shutil.rmtree, own, ignore_errors=True)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With `-n 2 --dist loadgroup`, one process gets all tests of a server, which it starts once;
    the others go module by module.
    """
    old = [item for item in items if _is_one_too_many(item)]
    if old:
        config.hook.pytest_deselected(items=old)
        items[:] = [item for item in items if item not in set(old)]
    if config.pluginmanager.hasplugin("xdist"):
        for item in items:
            item.add_marker(pytest.mark.xdist_group(_group_of(item)))


def _is_one_too_many(item: pytest.Item) -> bool:
    """Whether a test that has nothing to do with the version would run on an older one too."""
    if item.get_closest_marker("one_version") is None:
        return False
    callspec = getattr(item, "callspec", None)
    params = callspec.params.values() if callspec is not None else ()
    return any("-0." in getattr(param, "name", "") for param in params)


def _group_of(item: pytest.Item) -> str:
    callspec = getattr(item, "callspec", None)
    params = callspec.params if callspec is not None else {}
    if "stack" in params:  # a page of a front end, which takes longest to open
        return f"browser of {params['stack'].name}"
    used = params.get("server") or params.get("comfyui")
    return used.name if used is not None else item.nodeid.partition("::")[0]
