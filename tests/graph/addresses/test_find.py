"""What an address names, and what is said of one that names nothing, several, or an idle node."""

from __future__ import annotations

from typing import Any

import pytest
from custom_nodes.discomfort.graph.addresses.directory import Directory, directory_of
from custom_nodes.discomfort.graph.addresses.find import Refused, closest, find_input, find_output
from custom_nodes.discomfort.graph.convert.to_prompt import to_prompt
from custom_nodes.discomfort.graph.ports.connections import Use
from custom_nodes.discomfort.graph.prompt import Source
from custom_nodes.discomfort.graph.workflow.parse import parse_workflow
from support.editor_json import INFO, SEED, definition, maker, node, workflow

IMAGE = ("image", "IMAGE", 1, {})


def made(data: dict[str, Any]) -> Directory:
    parsed = parse_workflow(data)
    return directory_of(to_prompt(parsed, INFO), INFO, parsed)


def pair(**titles: Any) -> Directory:
    """A "Make" with id 1 that feeds a "Use" with id 2."""
    nodes = [
        node(1, "Make", [5, "fixed", "n"], title=titles.get("make", "Maker")),
        node(2, "Use", [], [IMAGE], title=titles.get("use", "User")),
    ]
    return made(workflow(nodes, [(1, 1, 0, 2, 0)]))


def reasons(found: Any) -> str:
    assert isinstance(found, Refused)
    return "\n".join(map(str, found.problems))


@pytest.mark.parametrize("name", ["1", "Maker", "Make"])
def test_a_widget_is_found_by_id_title_and_class(name):
    assert find_input(pair(), f"{name}.seed") == (Use("1", "seed"),)


def test_sockets_are_found_linked_or_not():
    assert find_input(pair(), "User.image") == (Use("2", "image"),)
    assert find_input(pair(), "User.seed") == (Use("2", "seed"),)


def test_an_id_wins_over_a_title_and_a_title_over_a_class():
    assert find_input(pair(use="1"), "1.seed") == (Use("1", "seed"),)
    assert find_input(pair(use="Make"), "Make.seed") == (Use("2", "seed"),)


@pytest.mark.parametrize("title", ["a.b", "v1.5", ".hidden", "a.b.c"])
def test_titles_may_have_dots(title):
    assert find_input(pair(make=title), f"{title}.seed") == (Use("1", "seed"),)


def test_inputs_may_have_dots():
    prompt = {"1": {"class_type": "Make", "inputs": {"seed": 1, "name": "x", "format.codec": "h"}}}
    directory = directory_of(prompt, INFO)
    assert find_input(directory, "Make.format.codec") == (Use("1", "format.codec"),)


def test_the_same_title_twice_is_refused_with_the_addresses_by_id():
    text = reasons(find_input(pair(make="Same", use="Same"), "Same.seed"))
    assert "node 1" in text and "'1.seed'" in text and "node 2" in text and "'2.seed'" in text


def test_of_a_title_that_two_have_the_one_with_the_input_is_meant():
    assert find_input(pair(make="Same", use="Same"), "Same.name") == (Use("1", "name"),)


def test_an_input_that_is_not_there_is_refused_with_the_closest():
    text = reasons(find_input(pair(), "Maker.sed"))
    assert "node 1 'Maker' (Make): it has no input 'sed'. Did you mean 'seed'?" in text


def test_what_names_no_node_is_none_and_has_a_closest():
    assert find_input(pair(), "Makr.seed") is None
    assert closest(pair(), "Makr.seed") == "Maker.seed"
    assert find_input(pair(), "seed") is None


@pytest.mark.parametrize(("mode", "how"), [(2, "muted"), (4, "bypassed")])
def test_an_idle_node_is_refused_unless_another_of_its_name_runs(mode, how):
    nodes = [node(1, "Make", [5, "fixed", "n"], title="A"), node(2, "Make", [5, "fixed", "n"])]
    nodes[0]["mode"] = mode
    directory = made(workflow(nodes))
    assert f"it is {how} and does not run" in reasons(find_input(directory, "A.seed"))
    assert f"it is {how}" in reasons(find_input(directory, "1.seed"))
    assert find_input(directory, "Make.seed") == (Use("2", "seed"),)


def two_instances() -> Directory:
    nodes = [node(57, "S", [50], title="First"), node(58, "S", [60], title="Second")]
    return made(workflow(nodes, (), [maker()]))


def test_nodes_in_subgraphs_are_found_by_their_path():
    directory = two_instances()
    assert find_input(directory, "57:5.name") == (Use("57:5", "name"),)
    assert "'57:5.name'" in reasons(find_input(directory, "Make.name"))


def test_a_promoted_widget_stands_for_all_that_it_feeds():
    expected = {Use("58:5", "seed"), Use("58:6", "seed")}
    for name in ("Second.seed", "58.seed"):
        found = find_input(two_instances(), name)
        assert isinstance(found, tuple) and set(found) == expected


def test_a_promoted_widget_is_found_by_its_label():
    subgraph = maker()
    subgraph["inputs"][0]["label"] = "My seed"
    directory = made(workflow([node(57, "S", [50])], (), [subgraph]))
    found = find_input(directory, "57.My seed")
    assert isinstance(found, tuple) and Use("57:5", "seed") in found


def test_a_promoted_widget_of_a_nested_subgraph_is_found_at_every_level():
    inner = maker("Inner")
    outer = definition("Outer", [node(9, "Inner", [50], [SEED])], [(1, -10, 0, 9, 0)])
    outer["inputs"] = [{"name": "seed", "type": "INT", "linkIds": [1]}]
    directory = made(workflow([node(57, "Outer", [50])], (), [inner, outer]))
    expected = {Use("57:9:5", "seed"), Use("57:9:6", "seed")}
    for name in ("57.seed", "57:9.seed", "Outer.seed", "Inner.seed"):
        found = find_input(directory, name)
        assert isinstance(found, tuple) and set(found) == expected, name


def test_an_unlinked_socket_of_an_instance_is_found():
    body = [node(6, "Use", [], [("image", "IMAGE", 1, {}), ("seed", "INT", None, {})])]
    subgraph = definition("S", body, [(1, -10, 0, 6, 0)], [("picture", "IMAGE", [1])])
    directory = made(
        workflow([node(57, "S", [], [("picture", "IMAGE", None, {})])], (), [subgraph])
    )
    assert find_input(directory, "S.picture") == (Use("57:6", "image"),)


def test_a_primitive_node_stands_for_what_it_feeds():
    nodes = [
        node(3, "PrimitiveNode", [7, "fixed"], (), [1], title="The seed"),
        node(1, "Make", [5, "fixed", "n"], [SEED]),
    ]
    directory = made(workflow(nodes, [(1, 3, 0, 1, 0)]))
    assert find_input(directory, "The seed.value") == (Use("1", "seed"),)


def test_outputs_are_found_by_name_type_number_and_alone():
    for name in ("Maker.IMAGE", "Maker.o", "1.0", "Maker", "Make", "1"):
        assert find_output(pair(), name) == Source("1", 0), name


def test_an_output_node_alone_is_what_it_shows():
    assert find_output(pair(), "User") == Source("1", 0)
    assert find_output(pair(), "User.image") == Source("1", 0)


def test_an_output_of_an_instance_is_what_makes_it_inside():
    assert find_output(two_instances(), "Second.o") == Source("58:6", 0)
    assert find_output(two_instances(), "57") == Source("57:6", 0)


def test_an_output_that_is_not_there_is_refused():
    assert "it has no output 'MASK'" in reasons(find_output(pair(), "Maker.MASK"))
    assert find_output(pair(), "Nobody") is None


def test_ports_are_no_nodes_of_an_address():
    prompt = {"1": {"class_type": "DiscomfortPort", "inputs": {"unique_id": "a", "tags": ""}}}
    assert find_input(directory_of(prompt, INFO), "1.tags") is None


def test_the_tail_of_a_bypassed_instance_is_not_found():
    nodes = [node(57, "S", [50], title="First")]
    nodes[0]["mode"] = 4
    text = reasons(find_input(made(workflow(nodes, (), [maker()])), "First.seed"))
    assert "it is bypassed" in text
