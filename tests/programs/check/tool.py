"""Stands in for a tool of the check: a copy has the tool's name. It notes how it was called, and
finds something where a file `bad_NAME_...` of that call is there.
"""

from __future__ import annotations

import sys
from pathlib import Path

name = Path(__file__).stem
with open("calls.txt", "a") as calls:
    calls.write(" ".join([name, *sys.argv[1:]]) + "\n")
if Path("_".join(["bad", name, *sys.argv[1:2]])).exists():
    print(f"{name} found a thing")
    raise SystemExit(1)
print(f"{name} has nothing to say")
