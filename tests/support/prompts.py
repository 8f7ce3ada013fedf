"""Parts of API prompts that many tests are made of."""

from __future__ import annotations


def port(unique_id: str, source: list | None = None) -> dict:
    """A DiscomfortPort; with a link as `source`, one that something is connected to."""
    inputs = {"unique_id": unique_id, **({"input_data": source} if source else {})}
    return {"class_type": "DiscomfortPort", "inputs": inputs}


def use_model() -> dict:
    """Uses "model" with "seed", and gives what StubUseModel tells of it."""
    return {
        "1": port("model"),
        "2": port("seed"),
        "3": {"class_type": "StubUseModel", "inputs": {"model": ["1", 0], "seed": ["2", 0]}},
        "4": port("told", ["3", 0]),
        "5": port("loads", ["3", 1]),
        "6": port("patches", ["3", 2]),
    }
