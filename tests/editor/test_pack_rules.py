"""Rules of packs and of the user inside ComfyUI: the runner nodes convert as scripts do."""

from __future__ import annotations

import json

import pytest
from custom_nodes.discomfort.errors import ValidationFailed

from .outer import client_of, runner, show, started, workflow

PACK = "ComfyUI-Labels"
NODES = "NODE_CLASS_MAPPINGS = {}\n"


def labelled(kind: str) -> dict:
    """A workflow in which a node of the page only takes a value."""
    return workflow(
        ("PrimitiveInt", [7, "fixed"], {}, ["INT"]),
        ("DiscomfortPort", ["number", ""], {"input_data": (1, 0, "INT")}, ["*"]),
        (kind, ["a label"], {"any": (1, 0, "*")}, ["*"]),
    )


@pytest.mark.one_version
async def test_files_of_packs_and_of_the_user_hold_in_the_editor_too(comfyui, tmp_path):
    base = tmp_path / "outer"
    folder = base / "custom_nodes" / PACK
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text(NODES, encoding="utf-8")
    rules = {"classes": {"My Label": {"page_only": True}}}
    (folder / "discomfort_rules.json").write_text(json.dumps(rules), encoding="utf-8")
    mine = base / "data" / "discomfort" / "rules"
    mine.mkdir(parents=True, mode=0o700)
    with started(comfyui, base) as outer:
        for name, kind in (("a", "My Label"), ("b", "Your Label")):
            text = json.dumps(labelled(kind))
            (outer.workflows / f"{name}.json").write_text(text, encoding="utf-8")
        async with client_of(outer) as client:
            result = await client.execute({"1": runner("a.json"), "2": show(["1", 0])}, timeout=120)
            assert result.outputs["2"]["text"] == ["7"]
            prompt = {"1": runner("b.json"), "2": show(["1", 0])}
            with pytest.raises(ValidationFailed, match="Your Label"):
                await client.execute(prompt, timeout=120)
            said = {"classes": {"Your Label": {"page_only": True}}}
            (mine / "mine.json").write_text(json.dumps(said), encoding="utf-8")
            result = await client.execute(prompt, timeout=120)
            assert result.outputs["2"]["text"] == ["7"]
