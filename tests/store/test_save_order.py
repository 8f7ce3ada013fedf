"""The order of a run's savers, which crosses a process border as JSON."""

from __future__ import annotations

import json

from custom_nodes.discomfort.store.blocks.base import Lent
from custom_nodes.discomfort.store.save_order import SaveOrder

ORDER = SaveOrder("/run", "token", "nonce", True, 1000, (Lent("token_a", 5), Lent("token_b", 6)))


def test_order_crosses_the_border_under_keys_that_never_change():
    data = json.loads(json.dumps(ORDER.to_json()))
    assert data == {
        "run_dir": "/run",
        "token": "token",
        "nonce": "nonce",
        "use_ram": True,
        "room": 1000,
        "spare": [["token_a", 5], ["token_b", 6]],
    }
    assert SaveOrder.from_json(data) == ORDER


def test_order_without_lent_memory_is_read():
    data = ORDER.to_json()
    del data["spare"]
    assert SaveOrder.from_json(data).spare == ()
