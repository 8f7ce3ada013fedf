"""Ports for one call: put into a prompt, and among its ports, without touching the others."""

from __future__ import annotations

from custom_nodes.discomfort.graph.addresses.call_ports import CallPorts, ports_with, put_in
from custom_nodes.discomfort.graph.ports.connections import Use
from custom_nodes.discomfort.graph.ports.find_ports import find_ports_in_prompt
from custom_nodes.discomfort.graph.prompt import Source
from support.editor_json import INFO
from support.prompts import port


def prompt() -> dict:
    return {
        "1": {"class_type": "Make", "inputs": {"seed": ["5", 0], "name": "n"}},
        "2": {"class_type": "Use", "inputs": {"image": ["1", 0], "seed": ["5", 0]}},
        "5": port("start", ["6", 0]),
        "6": port("first"),
    }


def ports_of(call: CallPorts):
    return ports_with(find_ports_in_prompt(prompt(), INFO), call, prompt(), INFO, {})


def test_an_input_gets_a_port_and_the_prompt_that_was_given_stays():
    before = prompt()
    found = put_in(before, CallPorts({"Use.image": (Use("2", "image"),)}))
    (added,) = set(found) - set(before)
    assert found["2"]["inputs"]["image"] == [added, 0]
    assert before == prompt()


def test_the_port_of_an_address_has_the_type_of_the_input_and_names_the_node():
    ports = ports_of(CallPorts({"Use.image": (Use("2", "image"),)}))
    assert ports.input_type("Use.image") == "IMAGE"
    (own,) = ports.inputs["Use.image"]
    assert str(own.problem("odd")) == "node 2 (Use): odd"


def test_a_port_whose_links_are_all_taken_is_not_needed():
    one = ports_of(CallPorts({"a": (Use("1", "seed"),)}))
    assert set(one.inputs) == {"a", "first"} and set(one.passthrus) == {"start"}
    both = ports_of(CallPorts({"a": (Use("1", "seed"), Use("2", "seed"))}))
    assert set(both.inputs) == {"a"} and not both.passthrus


def test_an_output_gets_a_port_of_the_type_of_its_source():
    call = CallPorts(outputs={"picture": Source("1", 0)})
    found = put_in(prompt(), call)
    (added,) = set(found) - set(prompt())
    assert found[added]["inputs"]["input_data"] == ["1", 0]
    assert ports_of(call).outputs["picture"].type == "IMAGE"
    assert ports_of(call).outputs["picture"].node_id == added


def test_ids_are_free_and_the_same_every_time():
    call = CallPorts({"a": (Use("2", "image"),)})
    taken = {**prompt(), "discomfort-in-0": {"class_type": "Make", "inputs": {}}}
    assert put_in(taken, call)["2"]["inputs"]["image"] == ["discomfort-in-0+", 0]
    assert put_in(prompt(), call) == put_in(prompt(), call)
