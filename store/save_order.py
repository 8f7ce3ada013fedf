"""SaveOrder: what the savers of one run may do and where, from the master to the worker as JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .blocks.base import Lent
from .versions import is_name


@dataclass(frozen=True, slots=True)
class SaveOrder:
    """Where the savers of one run write to, and how much memory they may take.

    Attributes:
        token: what the context's blocks are named after.
        nonce: this run's; what its savers leave is named after it.
        room_bytes: of RAM, for all that they save.
        spare: freed blocks of the master whose memory they may use.
    """

    run_dir: str
    token: str
    nonce: str
    use_ram: bool
    room_bytes: int
    spare: tuple[Lent, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {
            "nonce": self.nonce,
            "run_dir": self.run_dir,
            "token": self.token,
            "use_ram": self.use_ram,
            "room": self.room_bytes,
            "spare": [list(lent) for lent in self.spare],
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> SaveOrder:
        """
        Raises:
            ValueError: its names could lead elsewhere: no master wrote it.
        """
        order = cls(
            run_dir=data["run_dir"],
            token=data["token"],
            nonce=data["nonce"],
            use_ram=data["use_ram"],
            room_bytes=data["room"],
            spare=tuple(Lent(version, size) for version, size in data.get("spare", ())),
        )
        names = (order.token, order.nonce, *(lent.version for lent in order.spare))
        if not all(map(is_name, names)):
            raise ValueError(f"This is no order of a script's to save a value: {names}.")
        return order
