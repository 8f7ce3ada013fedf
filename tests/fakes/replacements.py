"""Node classes that others have replaced, with ComfyUI's own contract (`node_replace_manager`)."""

from __future__ import annotations

from typing import Any

from validation import is_link

import nodes


class Replacements:
    """What packs registered: old class -> the entries, of which the first one counts."""

    def __init__(self) -> None:
        self._entries: dict[str, list[Any]] = {}

    def register(self, entry: Any) -> None:
        self._entries.setdefault(entry.old_node_id, []).append(entry)

    def as_dict(self) -> dict[str, Any]:
        return {old: [entry.as_dict() for entry in new] for old, new in self._entries.items()}

    def apply(self, prompt: dict[str, Any]) -> None:
        """Exchange the nodes of a prompt whose class is gone."""
        for node_id, node in prompt.items():
            entry = self._entry_for(node)
            if entry is None:
                continue
            inputs = {
                row["new_id"]: row["set_value"]
                if "set_value" in row
                else node["inputs"][row["old_id"]]
                for row in entry.input_mapping or ()
            }
            # The real one needs `_meta`, too.
            prompt[node_id] = {
                "class_type": entry.new_node_id,
                "inputs": inputs,
                "_meta": dict(node["_meta"]),
            }
            moved = {row["old_idx"]: row["new_idx"] for row in entry.output_mapping or ()}
            for other in prompt.values():
                for value in other["inputs"].values():
                    if is_link(value) and value[0] == node_id:
                        value[1] = moved.get(value[1], value[1])

    def _entry_for(self, node: Any) -> Any:
        kind = node.get("class_type") if isinstance(node, dict) else None
        if kind in nodes.NODE_CLASS_MAPPINGS or "inputs" not in node:
            return None
        entry = next(iter(self._entries.get(str(kind), ())), None)
        return entry if entry and entry.new_node_id in nodes.NODE_CLASS_MAPPINGS else None
