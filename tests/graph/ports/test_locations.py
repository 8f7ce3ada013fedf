"""Where nodes and ports are, and what the ports are."""

from __future__ import annotations

from custom_nodes.discomfort.graph.convert.flatten import flatten
from custom_nodes.discomfort.graph.ports.find_ports import PortMode
from custom_nodes.discomfort.graph.ports.locations import NodeLocation, locations_of, port_modes
from support.flow import Flow


def nested() -> Flow:
    """Ports at the root, and one two subgraphs deep in each of two instances."""
    deep = Flow()
    deep.first_id = 50
    deep.node("W", deep.port("a"))
    outer = Flow()
    outer.first_id = 40
    outer.define("deep", deep)
    outer.instance("deep")
    flow = Flow()
    flow.define("outer", outer)
    flow.instance("outer")
    flow.instance("outer")
    flow.port("out", flow.port("middle", flow.node("A")))
    flow.node("B", 4)
    return flow


def test_a_location_is_the_path_of_instances_and_the_id_in_there():
    found = locations_of(flatten(nested().workflow()))
    assert found == {
        "1:40:50": NodeLocation((1, 40), 50),
        "1:40:51": NodeLocation((1, 40), 51),
        "2:40:50": NodeLocation((2, 40), 50),
        "2:40:51": NodeLocation((2, 40), 51),
        "3": NodeLocation((), 3),
        "4": NodeLocation((), 4),
        "5": NodeLocation((), 5),
        "6": NodeLocation((), 6),
    }


def test_modes_are_known_also_of_ports_whose_ids_can_not_be_used():
    flow = nested()
    flow.port("out", 3)  # a second output of the name, which find_ports refuses
    flow.port("", None)
    flow.at(flow.port("frozen"))["properties"] = {"discomfort_frozen": {"value": None}}
    assert port_modes(flow.workflow()) == {
        NodeLocation((1, 40), 50): PortMode.INPUT,
        NodeLocation((2, 40), 50): PortMode.INPUT,
        NodeLocation((), 4): PortMode.PASSTHRU,
        NodeLocation((), 5): PortMode.OUTPUT,
        NodeLocation((), 7): PortMode.OUTPUT,
        NodeLocation((), 8): PortMode.INPUT,
    }


def test_a_port_that_is_muted_or_cut_off_is_what_it_really_connects_to():
    flow = Flow()
    flow.port("cut", flow.node("A", mode=2))
    flow.port("gone", None, mode=2)
    assert port_modes(flow.workflow()) == {NodeLocation((), 2): PortMode.INPUT}
