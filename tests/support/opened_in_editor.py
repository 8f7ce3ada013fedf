"""What the editor makes of a workflow that is opened, beside what our own code makes of it."""

from __future__ import annotations

import json
import urllib.request
from collections import Counter
from functools import cache
from typing import Any

from custom_nodes.discomfort.graph.node_classes.object_info import ObjectInfo, index_object_info
from custom_nodes.discomfort.graph.plan.recipe import signatures
from custom_nodes.discomfort.workflow_tools import WorkflowTools
from support.front_end import Editor


@cache
def object_info(address: str) -> ObjectInfo:
    with urllib.request.urlopen(f"{address}/object_info") as reply:
        return index_object_info(json.load(reply))


async def assert_opens(editor: Editor, wanted: dict[str, Any]) -> dict[str, Any]:
    """The editor shows all of it, and queues what our own conversion gives.

    Returns:
        The workflow as the editor saves it.
    """
    await editor.load(wanted)
    shown = await editor.workflow()
    assert described(shown) == described(wanted)
    info: Any = object_info(editor.address)
    prompt, converted = await editor.prompt(), WorkflowTools().workflow_to_prompt(wanted, info)
    # An older front end has names of its own for classes, and keeps ids that two definitions share.
    assert kinds_of_work(prompt) == kinds_of_work(converted)
    if await editor.version >= (1, 49):
        assert without_packs(prompt) == without_packs(converted)
    return shown


def without_packs(prompt: dict[str, Any]) -> dict[str, Any]:
    """A prompt without what front ends since 1.58 say of a node's pack, for who opens it again."""
    packs = {"cnr_id", "aux_id", "ver"}
    return {
        node_id: {
            **node,
            "_meta": {k: v for k, v in node["_meta"].items() if k not in packs},
        }
        for node_id, node in prompt.items()
    }


def kinds_of_work(prompt: dict[str, Any]) -> Counter[str]:
    """What the nodes of a prompt do, whatever their ids. JavaScript writes 1.0 as 1."""
    whole = json.loads(
        json.dumps(prompt),
        parse_float=lambda text: int(float(text)) if float(text) % 1 == 0 else float(text),
    )
    return Counter(signatures(whole).values())


def described(workflow: dict[str, Any]) -> dict[str, Any]:
    """What a user sees of the root: its nodes, where they stand, and the links."""
    nodes = {str(n["id"]): (n["type"], *map(round, n["pos"])) for n in workflow["nodes"]}
    links = {(str(a), b, str(c), d) for _, a, b, c, d, *_ in workflow["links"]}
    return {"nodes": nodes, "links": links}
