"""Classes that are gone, and what has taken their place, as node packs say it since 0.33."""

from __future__ import annotations

from typing import Any, NamedTuple


class Replaced(NamedTuple):
    """What `io.NodeReplace` of comfy_api holds."""

    old_node_id: str
    new_node_id: str
    old_widget_ids: list[str] | None = None
    input_mapping: list[dict[str, Any]] | None = None
    output_mapping: list[dict[str, Any]] | None = None

    def as_dict(self) -> dict[str, Any]:
        said = self._asdict()
        del said["old_node_id"]
        return said


ENTRIES = (
    Replaced(
        "StubOldSum",
        "StubAdd",
        ["second"],
        [{"new_id": "a", "old_id": "first"}, {"new_id": "b", "old_id": "second"}],
    ),
    Replaced(
        "StubOldPair",  # (MASK, IMAGE); LoadImage has them the other way round
        "LoadImage",
        ["file"],
        [{"new_id": "image", "old_id": "file"}],
        [{"old_idx": 0, "new_idx": 1}, {"old_idx": 1, "new_idx": 0}],
    ),
    Replaced("StubOldCount", "StubCount"),
    Replaced("StubGoneForEver", "StubIsNotThereEither"),
)


def register() -> None:
    """Tell the server that this runs in; 0.3.64 knows nothing of it."""
    from server import PromptServer  # type: ignore[import-not-found]

    manager: Any = getattr(getattr(PromptServer, "instance", None), "node_replace_manager", None)
    if manager is None:
        return
    for entry in ENTRIES:
        manager.register(entry)
