"""Receipt: how to find one stored value, as receipts.json and the worker's notes say it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from .versions import is_name


@dataclass(frozen=True, slots=True)
class Receipt:
    """How to find one stored value.

    Attributes:
        version: a name that no other value ever had: its block's.
        is_safe: it can be read without code.
        is_list: it is a ComfyUI list output, not one value.
        checksum: CRC-32 of its block, where that is kept for good.
        meta: small JSON that is kept with it.
    """

    unique_id: str
    version: str
    size_bytes: int
    storage: str  # "ram" or "disk"
    pass_by: str = "val"
    is_safe: bool = True
    is_list: bool = False
    meta: dict[str, Any] | None = None
    checksum: int | None = None

    def to_json(self) -> dict[str, Any]:
        data: dict[str, Any] = {
            "version": self.version,
            "size": self.size_bytes,
            "storage": self.storage,
            "pass_by": self.pass_by,
            "safe": self.is_safe,
        }
        if self.is_list:
            data["is_list"] = True
        if self.meta is not None:
            data["meta"] = self.meta
        if self.checksum is not None:
            data["checksum"] = self.checksum
        return data

    @classmethod
    def from_json(cls, unique_id: str, data: dict[str, Any]) -> Receipt:
        receipt = cls(
            unique_id,
            version=data["version"],
            size_bytes=data["size"],
            storage=data["storage"],
            pass_by=data["pass_by"],
            is_safe=data["safe"],
            is_list=data.get("is_list", False),
            meta=data.get("meta"),
            checksum=data.get("checksum"),
        )
        if receipt.storage not in ("ram", "disk") or not is_name(receipt.version):
            raise ValueError(f"storage {receipt.storage!r}, version {receipt.version!r}")
        return receipt

    def moved_to(self, storage: str) -> Receipt:
        return replace(self, storage=storage)


class Gone(NamedTuple):
    """A block that no receipt names any more."""

    version: str
    storage: str
    size_bytes: int = 0
