"""Which nodes of a prompt work elsewhere for credits, and which of them the key is for."""

from __future__ import annotations

from typing import Any

import pytest
from custom_nodes.discomfort.errors import WorkflowError
from custom_nodes.discomfort.graph.node_classes.object_info import index_object_info
from custom_nodes.discomfort.graph.plan.api_nodes import (
    api_nodes,
    in_vain,
    refuse_api_nodes,
    takes_key,
)

V1, V3 = {"key": "API_KEY_COMFY_ORG"}, {"auth_token_comfy_org": ["AUTH_TOKEN_COMFY_ORG"]}


def kind(module: str, hidden: Any = None, api_node: Any = None) -> dict[str, Any]:
    return {"python_module": module, "input": {"hidden": hidden}, "api_node": api_node}


INFO = index_object_info(
    {
        "Own": kind("comfy_api_nodes.nodes_a", V1, True),
        "OwnV3": kind("comfy_api_nodes.nodes_b", V3, True),
        "OwnSilent": kind("comfy_api_nodes.nodes_b", V3, False),
        "OwnHelper": kind("comfy_api_nodes.nodes_b", {"id": "UNIQUE_ID"}, False),
        "Pack": kind("custom_nodes.pack", V1, True),
        "PackElsewhere": kind("custom_nodes.pack", {}, True),
        "PackAsks": kind("custom_nodes.comfy_api_nodes.", V3),
        "Core": kind("nodes", {"prompt": "PROMPT"}),
        "Odd": {"input": None, "python_module": None},
        "Odder": {"input": {"hidden": {"a": [], "b": 1, "c": [["API_KEY_COMFY_ORG"]]}}},
    }
)


def prompt(*kinds: str) -> dict[str, Any]:
    return {str(i): {"class_type": k, "inputs": {}} for i, k in enumerate(kinds)}


def test_own_and_others_are_told_apart_and_only_own_ones_get_the_key():
    everything = prompt(*INFO.raw, "NotInstalled")
    found = [(n.class_type, n.is_own, n.gets_key) for n in api_nodes(everything, INFO)]
    assert found == [
        ("Own", True, True),
        ("OwnV3", True, True),
        ("OwnSilent", True, True),
        ("Pack", False, False),
        ("PackElsewhere", False, False),
    ]
    assert in_vain(everything, INFO) == ("Pack", "PackAsks")


@pytest.mark.parametrize("name", ["Own", "OwnV3", "OwnSilent"])
def test_the_key_goes_with_a_prompt_that_holds_an_own_one(name):
    assert takes_key(prompt("Core", "Pack", name), INFO)


def test_it_goes_with_no_other():
    assert not takes_key(prompt(*(set(INFO.raw) - {"Own", "OwnV3", "OwnSilent"}), "No"), INFO)
    assert not takes_key({}, INFO)


def test_a_refusal_names_every_node_by_its_title():
    refused = {**prompt("Core", "Own"), "9": {"class_type": "Pack", "inputs": {}, "_meta": None}}
    refused["1"]["_meta"] = {"title": "Paint it"}
    with pytest.raises(WorkflowError) as e:
        refuse_api_nodes("work.json", refused, INFO)
    assert [(p.node_id, p.title) for p in e.value.problems] == [("1", "Paint it"), ("9", None)]
    assert "work.json is not run, since api_nodes=False" in str(e.value)
    refuse_api_nodes("work.json", prompt("Core", "OwnHelper", "PackAsks", "No"), INFO)
