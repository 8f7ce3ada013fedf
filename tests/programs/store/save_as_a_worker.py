"""What a saver does in a run.

save_as_a_worker.py SAVE_ORDER save    it saves
save_as_a_worker.py SAVE_ORDER die     it stops for good in the middle
save_as_a_worker.py SAVE_ORDER slow    it stops in the middle until it is told to go on
"""

from __future__ import annotations

import json
import signal
import sys

import numpy as np
import support.package  # noqa: F401
from custom_nodes.discomfort.errors import StoreError
from custom_nodes.discomfort.store import worker_side
from custom_nodes.discomfort.store.blocks import base
from custom_nodes.discomfort.store.encoding import layout
from custom_nodes.discomfort.store.save_order import SaveOrder

make_header = layout.Encoded.header


def header_after_death(self: layout.Encoded, version: str, is_list: bool = False) -> bytes:
    print("writing")
    signal.pause()
    return make_header(self, version, is_list)


def header_when_told(self: layout.Encoded, version: str, is_list: bool = False) -> bytes:
    with open(base.SHM_DIR / (base.PREFIX + version), "r+b") as file:
        file.truncate(3_000_000)  # as a write does that is not over
    print("writing")
    sys.stdin.readline()
    return make_header(self, version, is_list)


def main(save_order: str, action: str) -> None:
    order = SaveOrder.from_json(json.loads(save_order))
    if action == "die":
        layout.Encoded.header = header_after_death
    if action == "slow":
        layout.Encoded.header = header_when_told
    try:
        worker_side.save(order, "out", np.full(3_000_000, 7, np.uint8), False)
    except StoreError as e:
        print(f"StoreError: {e}")
    else:
        print("saved")


if __name__ == "__main__":
    main(*sys.argv[1:])
