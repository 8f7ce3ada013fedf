"""The converter against ComfyUI's own front end: every workflow of the oracle, every input."""

from __future__ import annotations

import contextlib
import copy

import pytest
from custom_nodes.discomfort.errors import WorkflowError
from custom_nodes.discomfort.graph.convert.to_prompt import to_prompt
from custom_nodes.discomfort.graph.node_classes.widgets import index_object_info
from support.oracle import cases, differences, hand_made_cases, hand_made_object_info, object_info

# The browser's answer to these is an accident, and ours is better: it loses values saved by name.
ACCIDENTS = {"values_as_dict", "hand__values_as_dict"}


def unknown_types(case) -> set[str]:
    return {i for i, node in case.prompt.items() if "class_type" not in node}


@pytest.mark.parametrize("case", list(hand_made_cases()), ids=lambda c: c.name)
def test_a_hand_made_workflow_becomes_the_prompt_of_the_front_end(case):
    prompt = to_prompt(case.workflow, hand_made_object_info())
    if case.name in ACCIDENTS:
        assert differences(prompt, case)
    else:
        assert differences(prompt, case) == []


def test_every_workflow_of_the_oracle_becomes_the_prompt_of_the_front_end():
    info = index_object_info(object_info())
    wrong, compared = {}, 0
    for case in cases():
        if case.name in ACCIDENTS or unknown_types(case):
            continue
        compared += 1
        found = differences(to_prompt(case.workflow, info), case)
        if found:
            wrong[case.name] = found
    assert wrong == {}
    assert compared >= 40


def test_node_types_that_the_server_lacks_are_refused_by_name():
    info = index_object_info(object_info())
    for case in cases():
        unknown = unknown_types(case)
        # These reroutes of a node pack are followed; the server never needs to know them.
        needless = {str(n["id"]) for n in case.workflow["nodes"] if "Reroute" in n["type"]}
        # What gets nothing, and gives nothing to the others, is left out.
        fed = {str(link[3]) for link in case.workflow["links"]}
        needless |= {str(n["id"]) for n in case.workflow["nodes"]} - fed
        if not unknown - needless:
            continue
        with pytest.raises(WorkflowError) as caught:
            to_prompt(case.workflow, info)
        named = {p.node_id for p in caught.value.problems}
        assert unknown - needless <= named, case.name
        assert all(p.node_type for p in caught.value.problems)


def test_the_workflow_is_never_changed():
    info = index_object_info(object_info())
    for case in cases():
        before = copy.deepcopy(case.workflow)
        with contextlib.suppress(WorkflowError):
            to_prompt(case.workflow, info)
        assert case.workflow == before, case.name


def test_the_comparison_itself_sees_a_spoiled_prompt():
    case = next(c for c in hand_made_cases() if c.name == "reroutes")
    prompt = to_prompt(case.workflow, hand_made_object_info())
    node_id = next(i for i, n in prompt.items() if n["class_type"] == "KSampler")
    for spoil in (
        lambda p: p.pop(node_id),
        lambda p: p[node_id]["inputs"].pop("seed"),
        lambda p: p[node_id]["inputs"].update(seed=True),
        lambda p: p[node_id]["inputs"].update(model=["1", 1]),
        lambda p: p[node_id]["inputs"].update(surplus=1),
        lambda p: p[node_id].update(class_type="KSamplerAdvanced"),
    ):
        spoiled = copy.deepcopy(prompt)
        spoil(spoiled)
        assert differences(spoiled, case)
