"""Which names a downloaded file may have: plain ones on every system, of formats without code."""

from __future__ import annotations

import re
import unicodedata

SAFE_FORMATS = (".safetensors", ".sft", ".gguf")  # hold numbers and texts only
PICKLED_FORMATS = (".ckpt", ".pt", ".pt2", ".pth", ".bin", ".pkl")  # reading them may run code
_MOST_BYTES = 200  # of 255, as most file systems allow: something is written beside it
_NOT_ON_WINDOWS = frozenset('<>:"|?*')
_DEVICES = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|clock\$|(com|lpt)[0-9¹²³])", re.I)


def why_not_plain(name: str) -> str | None:
    """Why a name is none of a file in a folder, the same on every system; None: it is one."""
    if not name or len(name.encode("utf-8", "replace")) > _MOST_BYTES:
        return f"its name must have 1 to {_MOST_BYTES} bytes"
    if "/" in name or "\\" in name or name in (".", ".."):
        return "its name leads to another folder"
    if any(unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp") for c in name):
        return "its name has characters that can't be seen"
    if _NOT_ON_WINDOWS & set(name):
        return f"its name has one of the characters {' '.join(sorted(_NOT_ON_WINDOWS))}"
    if name[0] in ". " or name[-1] in ". ":
        return "its name begins or ends with a dot or a space"
    if _DEVICES.fullmatch(name.partition(".")[0].rstrip()):
        return "its name is that of a device on Windows"
    return None


def why_not_allowed(name: str, allow_pickle: bool) -> str | None:
    """Why a file of that name may not be downloaded; None: it may."""
    reason = why_not_plain(name)
    if reason is not None:
        return reason
    ending = name[name.rfind(".") :].lower()
    if ending in SAFE_FORMATS or (allow_pickle and ending in PICKLED_FORMATS):
        return None
    if ending in PICKLED_FORMATS:
        return (
            f"reading a {ending} file may run code of whoever made it; if you trust them, "
            "pass allow_pickle=True"
        )
    return f"only {', '.join(SAFE_FORMATS)} files are downloaded, which hold no code"
