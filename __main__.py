"""`python -m discomfort`: the command line, see `cli/`."""

from __future__ import annotations

from .cli.main import run_and_exit

if __name__ == "__main__":
    run_and_exit()
