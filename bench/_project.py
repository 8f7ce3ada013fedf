"""What every program here begins with: this folder as the package, whatever the folder is called,
and the helpers of the tests. Importing this module does it.
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from support import package  # noqa: E402, F401
