"""Whether torch, in ComfyUI's own Python, sees an accelerator.

Asking torch takes seconds, so the answer is kept in the user's cache folder until torch, or the
machine's devices, change.
"""

from __future__ import annotations

import json
import logging
import platform
import subprocess
import sys
from pathlib import Path

log = logging.getLogger("discomfort.worker")

_ASK_TIMEOUT_S = 120
_QUESTION = """
import torch
found = torch.cuda.is_available()
for name in ("xpu", "mps", "npu", "mlu"):
    part = getattr(torch, name, None) or getattr(torch.backends, name, None)
    found = found or bool(part and getattr(part, "is_available", bool)())
print("yes" if found else "no")
"""


def has_accelerator(python: str, cache_dir: Path, environment: dict[str, str]) -> bool:
    """Whether ComfyUI should run without `--cpu`.

    In doubt: yes, it then says itself what is wrong.
    """
    if not sees_hardware():
        return False
    store, key = cache_dir / "accelerator.json", _key(python, environment)
    known = _read(store)
    if key in known:
        return known[key]
    try:
        asked = subprocess.run(
            [python, "-c", _QUESTION],
            capture_output=True,
            text=True,
            timeout=_ASK_TIMEOUT_S,
            stdin=subprocess.DEVNULL,
            env=environment,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as e:
        log.warning("%s could not be asked for its accelerators: %s", python, e)
        return True
    answer = asked.stdout.strip()
    if answer not in ("yes", "no"):
        return True  # torch is missing or broken there: the start will show it
    known[key] = answer == "yes"
    try:
        cache_dir.mkdir(parents=True, exist_ok=True)
        store.write_text(json.dumps(known), encoding="utf-8")
    except OSError as e:
        log.debug("%s can't be written: %s", store, e)
    return known[key]


def sees_hardware() -> bool:
    """Whether this machine may have an accelerator at all. False is certain, True is not."""
    if sys.platform.startswith("linux"):
        signs = ("nvidiactl", "nvidia0", "dxg", "kfd", "davinci_manager", "accel")
        if any(Path("/dev", name).exists() for name in signs):
            return True
        return any(Path("/dev/dri").glob("renderD*"))
    return True


def _key(python: str, environment: dict[str, str]) -> str:
    """Changes with torch, the driver, the devices and what is visible of them."""
    home = Path(python).parent.parent
    installs = [*home.glob("lib/python*/site-packages"), *home.glob("Lib/site-packages")]
    torch = sorted(d.name for place in installs for d in place.glob("torch-*.dist-info"))
    devices = (
        sorted(p.name for p in Path("/dev").glob("nvidia[0-9]*")) if sys.platform != "win32" else []
    )
    driver = Path("/proc/driver/nvidia/version")
    version = driver.read_text(errors="replace") if driver.is_file() else platform.version()
    return json.dumps([python, torch, devices, version, environment.get("CUDA_VISIBLE_DEVICES")])


def _read(store: Path) -> dict[str, bool]:
    try:
        known = json.loads(store.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}
