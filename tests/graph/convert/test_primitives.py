"""What PrimitiveNodes write into widgets."""

from __future__ import annotations

import pytest
from custom_nodes.discomfort.graph.convert.load_graphs import load_graphs
from custom_nodes.discomfort.graph.convert.primitives import primitive_of, primitive_value
from custom_nodes.discomfort.graph.node_classes.input_specs import MISSING
from custom_nodes.discomfort.graph.workflow.parse import parse_workflow
from support.editor_json import INFO, SEED, maker, node, workflow


def linked(origin, target="Make", inputs=(SEED,), **more):
    """Node 2 with a primitive, or what else stands there, in front of its first input."""
    data = workflow(
        [origin, node(2, target, [10, "fixed", "x"], inputs)], [(1, 9, 0, 2, 0)], **more
    )
    graph = load_graphs(parse_workflow(data), INFO)
    return graph, graph.nodes["2"]


@pytest.mark.parametrize("mode", [0, 2, 4])
def test_a_primitive_writes_in_every_mode(mode):
    graph, state = linked(node(9, "PrimitiveNode", [33], mode=mode))
    found = primitive_of(graph, state, "seed")
    assert found is graph.nodes["9"] and primitive_value(graph, state, "seed") == 33


@pytest.mark.parametrize(
    ("saved", "value"), [([7.6], 8), (["text"], "text"), ([], MISSING), (None, MISSING)]
)
def test_what_is_written_passes_the_rounding_of_the_widget(saved, value):
    assert primitive_value(*linked(node(9, "PrimitiveNode", saved)), "seed") == value


@pytest.mark.parametrize("kind", ["Make", "Reroute"])
def test_another_node_in_front_writes_nothing(kind):
    graph, state = linked(node(9, kind, [33]))
    assert primitive_of(graph, state, "seed") is None
    assert primitive_value(graph, state, "seed") is MISSING


def test_a_widget_that_is_not_linked_or_a_socket_gets_nothing():
    graph, state = linked(node(9, "PrimitiveNode", [33]))
    assert primitive_of(graph, state, "name") is None
    assert primitive_value(graph, state, "name") is MISSING
    socket = linked(node(9, "PrimitiveNode", [33]), "Use", [("seed", "INT", 1, {})])
    assert primitive_of(*socket, "seed") is not None and primitive_value(*socket, "seed") is MISSING


def test_one_in_front_of_a_subgraph_has_no_effect():
    graph, state = linked(node(9, "PrimitiveNode", [33]), "S", definitions=[maker()])
    assert state.definition is not None
    assert primitive_of(graph, state, "seed") is None
