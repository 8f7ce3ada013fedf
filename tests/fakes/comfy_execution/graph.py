"""The prompt that runs, as nodes get it that ask for it."""

from __future__ import annotations

from typing import Any


class DynamicPrompt:
    """A prompt, with what its nodes expanded to: here nothing."""

    def __init__(self, original_prompt: dict[str, Any]):
        self.original_prompt = original_prompt

    def get_node(self, node_id: str) -> dict[str, Any]:
        return self.original_prompt[node_id]

    def all_node_ids(self) -> set[str]:
        return set(self.original_prompt)

    def get_original_prompt(self) -> dict[str, Any]:
        return self.original_prompt
