"""The table of what ComfyUI's JavaScript does, held to what a real server says of its nodes."""

from __future__ import annotations

import pytest
from custom_nodes.discomfort.graph.node_classes import core_nodes
from custom_nodes.discomfort.graph.node_classes.input_specs import normal_spec
from custom_nodes.discomfort.nodes import DiscomfortPort
from support.oracle import object_info


@pytest.fixture(scope="module")
def server() -> dict:
    """What ComfyUI 0.33.0 says of its node classes."""
    return object_info()


def inputs_of(definition: dict) -> dict:
    sections = definition.get("input", {})
    return {**sections.get("required", {}), **sections.get("optional", {})}


def test_nodes_of_the_editor_are_no_classes_of_the_server(server):
    assert not server.keys() & core_nodes.VIRTUAL
    assert core_nodes.PRIMITIVE in core_nodes.VIRTUAL
    assert not core_nodes.NOTES & core_nodes.REROUTES
    for kind in core_nodes.VIRTUAL:
        assert not kind.startswith(core_nodes.GROUP_NODE_PREFIXES)


def test_what_is_said_of_a_node_fits_its_class(server):
    for kind, (name, _) in core_nodes.REMEMBERED.items():
        assert kind not in server or name in inputs_of(server[kind]), kind
    for kind, name in core_nodes.BROWSER_INPUTS.items():
        assert kind not in server or name in inputs_of(server[kind]), kind
    for kind in core_nodes.SAVE_NODES & server.keys():
        assert "filename_prefix" in inputs_of(server[kind]), kind
    for kind, extras in core_nodes.EXTRA_INPUTS.items():
        for name, widget_type in extras:
            assert kind not in server or name not in inputs_of(server[kind]), kind
            assert widget_type in core_nodes.WIDGET_TYPES


def test_the_table_speaks_of_nodes_that_the_server_has(server):
    assert {"SaveImage", "SaveLatent"} <= core_nodes.SAVE_NODES & server.keys()
    used = {normal_spec(s)[0] for d in server.values() for s in inputs_of(d).values()}
    assert {"INT", "FLOAT", "STRING", "BOOLEAN", "COMBO"} <= core_nodes.WIDGET_TYPES & used
    assert core_nodes.UNSAVED_WIDGET_TYPES <= core_nodes.WIDGET_TYPES
    assert not {"MODEL", "IMAGE", "LATENT", "CONDITIONING", "*"} & core_nodes.WIDGET_TYPES


def test_the_port_of_the_table_is_the_node_itself():
    table = core_nodes.BUILT_IN_CLASSES["DiscomfortPort"]
    declared = DiscomfortPort.INPUT_TYPES()
    for section in ("required", "optional"):
        assert table["input_order"][section] == list(declared[section])
        assert {n: normal_spec(s)[0] for n, s in table["input"][section].items()} == {
            n: str(normal_spec(s)[0]) for n, s in declared[section].items()
        }
    assert tuple(table["output"]) == tuple(map(str, DiscomfortPort.RETURN_TYPES))
    assert table["output_node"] is DiscomfortPort.OUTPUT_NODE
