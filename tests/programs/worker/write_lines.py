"""Writes lines, then one more each time that it is told that there is room.

write_lines.py COUNT
"""

from __future__ import annotations

import sys

if __name__ == "__main__":
    for i in range(int(sys.argv[1])):
        print(f"line {i:04}", flush=True)
    print("all", flush=True)
    sys.stdin.readline()
    print("room again", flush=True)
    sys.stdin.readline()
