"""The graphs of a workflow, loaded as the editor loads them; and what is too large to be."""

from __future__ import annotations

import pytest
from custom_nodes.discomfort.errors import WorkflowError
from custom_nodes.discomfort.graph.convert.flatten import flatten
from custom_nodes.discomfort.graph.convert.load_graphs import load_graphs
from custom_nodes.discomfort.graph.convert.to_prompt import to_prompt
from custom_nodes.discomfort.graph.workflow.parse import parse_workflow
from support.editor_json import INFO, SEED, definition, maker, node, workflow


def test_instances_of_one_definition_share_its_state_and_have_values_of_their_own():
    data = workflow([node(1, "S", [77]), node(2, "S", [])], (), [maker(), maker("unused")])
    root = load_graphs(parse_workflow(data), INFO)
    one, two = root.nodes["1"], root.nodes["2"]
    assert one.definition is two.definition is not None
    assert [n.promoted_value(0) for n in (one, two)] == [77, 10]


def test_without_subgraphs_the_root_is_all():
    root = load_graphs(parse_workflow(workflow([node(1, "Make", [5])])), INFO)
    assert root.nodes["1"].definition is None and root.inputs == []


@pytest.mark.parametrize(
    ("listed", "order", "first"),
    [([3, 2, 1], "765", 12), ([2, 9, "x"], "657", 11), (None, "567", 10)],
)
def test_an_input_feeds_in_the_order_of_its_list_then_of_the_nodes(listed, order, first):
    makers = [
        node(i + 4, "Make", [i + 9], [("seed", "INT", i, {"widget": {"name": "seed"}})])
        for i in (1, 2, 3)
    ]
    links = [(i, -10, 0, i + 4, 0) for i in (1, 2, 3)]
    shared = definition("S", makers, links, [("seed", "INT", listed)])
    root = load_graphs(parse_workflow(workflow([node(1, "S", [])], (), [shared])), INFO)
    state = root.nodes["1"].definition
    assert state is not None
    (entry,) = state.inputs
    assert "".join(str(target.node.id) for target, _ in entry.targets) == order
    assert (entry.has_widget, entry.initial) == (True, first)


@pytest.mark.parametrize(
    ("root_ids", "counter", "inner"),
    [
        ((1, 9), {}, ["5", "6"]),
        ((1, 5), {}, ["6", "7"]),  # 5 is taken: the next after the highest so far
        ((1, 5), {"last_node_id": 40}, ["41", "6"]),
        ((1, 5), {"state": {"lastNodeId": 40}}, ["41", "6"]),
        ((1, 5, 6), {}, ["7", "8"]),
        (("1", "5"), {}, ["6", "7"]),
        ((1, 5), {"last_node_id": "40"}, ["41", "6"]),
        ((1, 5), {"last_node_id": True, "state": 3}, ["6", "7"]),
        ((1, 5, "x4"), {"last_node_id": "4" * 30}, ["6", "7"]),
        ((1, 5, "\u0664\u0660"), {}, ["6", "7"]),  # digits, but none of the prompt's
    ],
)
def test_no_two_graphs_use_one_node_id(root_ids, counter, inner):
    first, *others = root_ids
    nodes = [node(first, "S", []), *(node(i, "Make", [1]) for i in others)]
    data = workflow(nodes, (), [maker()], **counter)
    state = load_graphs(parse_workflow(data), INFO).nodes["1"].definition
    assert state is not None
    assert [n.prompt_id for n in state.nodes.values()] == inner
    assert list(state.nodes) == ["5", "6"]


def test_ids_of_an_unused_definition_count_but_do_not_matter():
    unused = definition("U", [node(5, "Make", [1], [SEED])], [])
    data = workflow([node(1, "S", [])], (), [unused, maker()])
    root = load_graphs(parse_workflow(data), INFO)
    state = root.nodes["1"].definition
    assert state is not None
    assert [n.prompt_id for n in state.nodes.values()] == ["6", "7"]


def test_a_subgraph_that_contains_itself_is_an_error_that_names_it():
    looped = definition("A", [node(1, "B")], [])
    other = definition("B", [node(2, "A")], [])
    with pytest.raises(WorkflowError) as caught:
        flatten(parse_workflow(workflow([node(9, "A")], (), [looped, other])))
    assert {p.title for p in caught.value.problems} == {"A", "B"}


def test_nesting_of_ten_thousand_is_an_error_and_of_hundreds_is_not():
    def nested(depth):
        chain = [definition(f"D{i}", [node(1, f"D{i + 1}")], []) for i in range(depth - 1)]
        last = definition(f"D{depth - 1}", [node(1, "Make", [7])], [])
        return workflow([node(1, "D0")], (), [*chain, last])

    prompt = to_prompt(nested(300), INFO)
    assert [n["inputs"]["seed"] for n in prompt.values()] == [7]
    with pytest.raises(WorkflowError, match="nested"):
        to_prompt(nested(10_000), INFO)


def test_definitions_that_multiply_are_refused_before_they_are_expanded():
    doubling = [
        definition(f"D{i}", [node(1, f"D{i + 1}"), node(2, f"D{i + 1}")], []) for i in range(60)
    ]
    data = workflow([node(1, "D0")], (), [*doubling, definition("D60", [node(1, "Make")], [])])
    with pytest.raises(WorkflowError, match="nodes when its subgraphs are expanded"):
        to_prompt(data, INFO)
