"""Ignores the signals whose names it is given, and has started another program, whose pid it says.

    ignore_signals.py [SIGINT] [SIGTERM]

It knows nothing of the project.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import time


def main(ignored: list[str]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    for name in ignored:
        signal.signal(signal.Signals[name], signal.SIG_IGN)
    other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(100)"])
    print(other.pid, flush=True)
    time.sleep(100)


if __name__ == "__main__":
    main(sys.argv[1:])
