"""What one call asks of each of its workflows."""

from __future__ import annotations

from dataclasses import replace

import pytest
from custom_nodes.discomfort.errors import WorkflowError
from custom_nodes.discomfort.graph.addresses.directory import directory_of
from custom_nodes.discomfort.graph.addresses.resolve import (
    Part,
    find_meant,
    is_address,
    resolve_call,
)
from custom_nodes.discomfort.graph.node_classes.object_info import index_object_info
from custom_nodes.discomfort.graph.ports.connections import Use
from custom_nodes.discomfort.graph.ports.find_ports import find_ports_in_prompt
from custom_nodes.discomfort.graph.prompt import Source
from support.editor_json import INFO
from support.prompts import port

RULES = {"MODEL": "ref"}


def part(name: str = "a.json", title: str = "Show", **more: dict) -> Part:
    prompt = {
        "1": {"class_type": "Make", "inputs": {"seed": 1, "name": "n"}},
        "2": {"class_type": "Use", "inputs": {"image": ["1", 0]}, "_meta": {"title": title}},
        **more,
    }
    ports = find_ports_in_prompt(prompt, INFO)
    return Part(name, ports, prompt, INFO, lambda: directory_of(prompt, INFO))


def test_a_name_goes_to_every_workflow_that_has_it():
    first, second = resolve_call([part("a"), part("b", "Other")], ["Make.seed"], [], RULES)
    assert first.inputs == second.inputs == {"Make.seed": (Use("1", "seed"),)}
    first, second = resolve_call([part("a"), part("b", "Other")], ["Other.seed"], [], RULES)
    assert not first.inputs and second.inputs == {"Other.seed": (Use("2", "seed"),)}


def test_a_port_of_that_name_wins_in_whichever_workflow_it_is():
    named = part("b", x=port("Make.seed"))
    assert not any(call.inputs for call in resolve_call([part(), named], ["Make.seed"], [], RULES))
    assert not is_address([part(), named], "Make.seed") and is_address([part()], "Make.seed")


def test_an_input_that_only_one_of_two_has_is_found_there():
    with_seed = part("b", x={"class_type": "Make", "inputs": {"seed": 1}, "_meta": {"title": "T"}})
    without = part("c", x={"class_type": "Use", "inputs": {}, "_meta": {"title": "T"}})
    found = resolve_call([without, with_seed], ["T.name"], [], RULES)
    assert [call.inputs for call in found] == [{}, {"T.name": (Use("x", "name"),)}]


def test_a_name_that_means_several_is_refused_wherever_it_does():
    twice = part("b", x={"class_type": "Make", "inputs": {"seed": 1}})
    with pytest.raises(WorkflowError, match=r"'1\.seed'[^\0]*'x\.seed'"):
        resolve_call([part(), twice], ["Make.seed"], [], RULES)


def test_one_input_under_two_names_is_refused():
    with pytest.raises(WorkflowError, match=r"'Make\.seed' and '1\.seed' are the same input"):
        resolve_call([part()], ["Make.seed", "1.seed"], [], RULES)


def test_a_name_that_names_nothing_is_left_out_and_has_a_closest():
    (call,) = resolve_call([part()], ["Nobody.x", "plain"], [], RULES)
    assert not call and find_meant([part()], "Mke.seed") == "Make.seed"


def test_without_an_output_of_its_own_a_workflow_gives_what_it_shows():
    (call,) = resolve_call([part()], [], None, RULES)
    assert call.outputs == {"Show": Source("1", 0)}
    (own,) = resolve_call([part(x=port("out", ["1", 0]))], [], None, RULES)
    assert not own.outputs


def test_two_workflows_that_show_under_one_name_have_their_own_beside_it():
    first, second = resolve_call([part("a"), part("b")], [], None, RULES)
    assert list(first.outputs) == ["Show (a)"] and list(second.outputs) == ["Show (b)"]
    first, second = resolve_call([part("a"), part("a")], [], None, RULES)
    assert list(first.outputs) == list(second.outputs) == ["Show"]


def test_what_is_asked_for_takes_the_place_of_what_is_shown():
    (call,) = resolve_call([part()], [], ["Make.IMAGE"], RULES)
    assert call.outputs == {"Make.IMAGE": Source("1", 0)}
    (none,) = resolve_call([part()], [], [], RULES)
    assert not none.outputs


def test_an_output_that_nobody_has_is_refused_with_what_there_is():
    with pytest.raises(WorkflowError, match="no workflow of this run has 'Nobody'.*'Make.IMAGE'"):
        resolve_call([part()], [], ["Nobody"], RULES)


def test_an_output_port_may_be_named_too():
    (call,) = resolve_call([part(x=port("out", ["1", 0]))], [], ["out", "Make"], RULES)
    assert call.outputs == {"Make": Source("1", 0)}


def test_a_choice_of_a_custom_combo_wants_its_number_too():
    inputs = {"choice": "b", "index": 1}
    combo = part(x={"class_type": "CustomCombo", "inputs": inputs, "_meta": {"title": "C"}})
    info = index_object_info(
        {**INFO.raw, "CustomCombo": {"input": {"required": {"choice": ["COMBO", {}]}}}}
    )
    combo = replace(combo, info=info, directory=lambda: directory_of(combo.prompt, info))
    with pytest.raises(WorkflowError, match=r"give 'x\.index' too"):
        resolve_call([combo], ["C.choice"], [], RULES)
    (call,) = resolve_call([combo], ["C.choice", "C.index"], [], RULES)
    assert len(call.inputs) == 2
