"""Topological order, and what a cycle's error names."""

from __future__ import annotations

import pytest
from custom_nodes.discomfort.errors import WorkflowError
from custom_nodes.discomfort.graph.workflow.order import execution_order
from hypothesis import given
from hypothesis import strategies as st


def test_origins_come_before_targets_and_free_nodes_keep_their_order():
    links = [("c", "a"), ("d", "c"), ("nowhere", "a")]
    assert execution_order(["a", "b", "c", "d"], links) == ["b", "d", "c", "a"]
    assert execution_order([3, 1, 2], []) == [3, 1, 2]


def test_a_cycle_names_its_members_and_nobody_else():
    links = [("a", "b"), ("b", "c"), ("c", "b"), ("c", "d"), ("e", "a")]
    with pytest.raises(WorkflowError) as caught:
        execution_order("abcde", links)
    assert [p.node_id for p in caught.value.problems] in (["b", "c"], ["c", "b"])


def test_a_node_that_feeds_itself_is_a_cycle():
    with pytest.raises(WorkflowError):
        execution_order(["a"], [("a", "a")])


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), max_size=60))
def test_any_graph_is_sorted_or_has_a_real_cycle(links):
    ids = list(range(21))
    try:
        order = execution_order(ids, links)
    except WorkflowError as e:
        cycle = [int(p.node_id or "") for p in e.problems]
        for a, b in zip(cycle, cycle[1:] + cycle[:1], strict=True):
            assert (a, b) in links
    else:
        place = {i: n for n, i in enumerate(order)}
        assert sorted(order) == ids
        assert all(place[a] < place[b] for a, b in links)
