"""In place of the demo: it is interrupted as by a terminal, and takes a while to clean up."""

from __future__ import annotations

import os
import signal
import time

try:
    os.killpg(0, signal.SIGINT)
    time.sleep(60)
except KeyboardInterrupt:
    time.sleep(1)
    print("cleaned up", flush=True)
    raise SystemExit(3) from None
