"""What all tests share: the package under the name that users import, servers, and Ctrl+C."""

from __future__ import annotations

import signal

from support import package  # noqa: F401
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
