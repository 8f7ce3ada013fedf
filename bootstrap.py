"""Three commands that do everything on a fresh machine, from a fresh clone:

    python bootstrap.py demo [arguments of examples/refine_image.py]
    python bootstrap.py test [arguments of pytest]
    python bootstrap.py check [arguments of devtools/check.py: --fix, names of steps]

It makes `.venv` beside this file, finds ComfyUI or installs it into the user's cache folder (not
for a check), and runs. Standard library only. It writes to that cache folder and below this one:
`.venv`, what pip notes of the install (`discomfort.egg-info`), the demo's `output`, and
`node_modules` for a check of the JavaScript.
"""

import importlib
import sys
import types
from pathlib import Path

OLDEST_PYTHON, NEWEST_PYTHON = (3, 10), (3, 14)

if not OLDEST_PYTHON <= sys.version_info[:2] <= NEWEST_PYTHON:
    # What is imported below would fail on an old Python before it could say why.
    sys.exit(
        "Discomfort needs Python {}.{} to {}.{}; this is {}.{} ({}). "
        "Start bootstrap.py with another one.".format(
            *OLDEST_PYTHON, *NEWEST_PYTHON, *sys.version_info[:2], sys.executable
        )
    )

HERE = Path(__file__).resolve().parent


def load_commands():
    """`installation/commands.py` of this clone; the package can't be imported yet."""
    if not (HERE / "installation").is_dir():
        sys.exit(
            "bootstrap: this is an installed Discomfort, which has nothing to set up. Clone the "
            "project's repository, and start the bootstrap.py in it."
        )
    clone = types.ModuleType("discomfort_clone")
    clone.__path__ = [str(HERE)]
    sys.modules[clone.__name__] = clone
    return importlib.import_module(f"{clone.__name__}.installation.commands")


if __name__ == "__main__":
    sys.exit(load_commands().main(HERE, sys.argv[1:], (__doc__ or "").strip()))
