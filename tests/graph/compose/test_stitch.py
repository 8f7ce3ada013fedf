"""Stitching: what is joined, what goes, and that the result is a sound file."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from custom_nodes.discomfort.errors import WorkflowError
from custom_nodes.discomfort.graph.compose.stitch import stitch
from custom_nodes.discomfort.graph.node_classes.object_info import index_object_info
from custom_nodes.discomfort.graph.ports.find_ports import find_ports
from custom_nodes.discomfort.graph.workflow.model import Workflow
from custom_nodes.discomfort.graph.workflow.parse import parse_workflow
from support.consistency import find_inconsistencies
from support.flow import Flow, Interpreter


def joined(*parts: Workflow, **options: Any) -> Workflow:
    """The stitched workflow, read again from its file; the parts have not changed."""
    before = copy.deepcopy([p.to_json() for p in parts])
    data = json.loads(json.dumps(stitch(parts, **options).to_json()))
    assert [p.to_json() for p in parts] == before
    assert find_inconsistencies(data) == []
    return parse_workflow(data)


def maker(unique_id: str = "picture", type_: str = "Make", **extra: str) -> Workflow:
    flow = Flow(**extra)
    flow.port(unique_id, flow.node(type_, widgets=[1]))
    return flow.workflow()


def user(unique_id: str = "picture", result: str = "result", type_: str = "Use") -> Workflow:
    flow = Flow()
    flow.port(result, flow.node(type_, flow.port(unique_id)))
    return flow.workflow()


def ids_of(workflow: Workflow) -> dict[str, list[str]]:
    ports = find_ports(workflow)
    return {
        "inputs": sorted(ports.inputs),
        "outputs": sorted(ports.outputs),
        "passthrus": sorted(ports.passthrus),
    }


def test_an_output_feeds_the_input_of_its_unique_id() -> None:
    result = joined(maker(), user())
    assert ids_of(result) == {"inputs": [], "outputs": ["result"], "passthrus": ["picture"]}
    made = Interpreter(result).outputs()["result"]
    assert made[1][0] == "Use" and "Make" in repr(made)


def test_one_output_feeds_all_inputs_behind_it_and_none_before() -> None:
    parts = [user(result="early"), maker(), user(result="x"), user(result="y")]
    outputs = Interpreter(joined(*parts)).outputs()
    assert "unmet" in repr(outputs["early"])
    assert "Make" in repr(outputs["x"]) and "Make" in repr(outputs["y"])


def test_the_latest_earlier_output_counts() -> None:
    parts = [maker(type_="First"), maker(type_="Second"), user()]
    result = joined(*parts)
    assert "Second" in repr(Interpreter(result).outputs()["result"])
    assert len([n for n in result.nodes if n.type == "DiscomfortPort"]) == 3  # the first one went


def test_the_first_keeps_its_ids_and_the_others_are_counted_on() -> None:
    first, second = maker(), user()
    result = joined(first, second)
    assert [n.id for n in result.nodes] == [1, 2, 3, 4, 5]
    assert list(result.links) == [1, 2, 3, 4]
    assert (result.data["last_node_id"], result.data["last_link_id"]) == (5, 4)


def test_counters_of_the_first_are_not_given_out_again() -> None:
    data = maker().to_json() | {"last_node_id": 70, "last_link_id": 90}
    result = joined(parse_workflow(data), user())
    assert min(n.id for n in result.nodes[2:] if isinstance(n.id, int)) == 71
    assert set(result.links) >= {91, 92}


def test_text_ids_become_numbers_behind_the_first_part() -> None:
    flow = Flow()
    flow.node("Make", node_id="one")
    flow.port("other", "one", node_id="two")
    result = joined(maker(), flow.workflow())
    assert [n.id for n in result.nodes] == [1, 2, 3, 4]


def test_an_unused_input_that_is_met_goes_and_the_output_stays_one() -> None:
    flow = Flow()
    flow.port("picture")
    assert ids_of(joined(maker(), flow.workflow())) == {
        "inputs": [],
        "outputs": ["picture"],
        "passthrus": [],
    }


def test_a_shadowed_output_takes_the_passthrus_that_only_led_to_it_along() -> None:
    flow = Flow()
    flow.port("picture", flow.port("picture_middle", flow.node("Make")))
    result = joined(flow.workflow(), maker())
    assert ids_of(result) == {"inputs": [], "outputs": ["picture"], "passthrus": []}


def test_an_iterated_value_passes_from_part_to_part() -> None:
    parts = [user("x", "x", f"Step{i}") for i in range(3)]
    result = joined(*parts)
    assert ids_of(result) == {"inputs": ["x"], "outputs": ["x"], "passthrus": ["x"]}
    made = repr(Interpreter(result).outputs()["x"])
    assert made.index("Step2") < made.index("Step1") < made.index("Step0")


def test_two_outputs_of_one_unique_id_in_one_part_are_an_error_that_names_them() -> None:
    flow = Flow()
    node = flow.node("Make")
    flow.port("x", node)
    flow.port("x", node)
    with pytest.raises(WorkflowError) as e:
        stitch([maker(), flow.workflow()])
    assert [p.node_id for p in e.value.problems] == ["2", "3"]


def test_nothing_to_stitch_is_an_error() -> None:
    with pytest.raises(WorkflowError, match="nothing to stitch"):
        stitch([])


def test_one_workflow_alone_stays_as_it_is() -> None:
    workflow = user()
    assert joined(workflow).to_json() == workflow.to_json()


def test_a_cycle_in_a_file_is_refused_with_its_nodes() -> None:
    flow = Flow()
    first = flow.node("A", None, title="first of it")
    second = flow.node("B", first)
    flow.link(second, first, 0)
    with pytest.raises(WorkflowError) as e:
        stitch([maker(), flow.workflow()])
    assert {p.title for p in e.value.problems} == {"first of it", "B"}


def test_delete_input_ports_leaves_no_input_and_no_link_to_it() -> None:
    flow = Flow()
    port = flow.port("seed")
    flow.port("result", flow.node("Use", flow.port("middle", port), flow.node("Make")))
    result = joined(flow.workflow(), delete_input_ports=True)
    assert ids_of(result) == {"inputs": [], "outputs": ["result"], "passthrus": []}
    (use,) = [n for n in result.nodes if n.type == "Use"]
    assert [s["link"] is None for s in use.inputs] == [True, False]


def test_delete_output_ports_keeps_what_is_joined() -> None:
    result = joined(maker(), user(), delete_output_ports=True)
    assert ids_of(result) == {"inputs": [], "outputs": [], "passthrus": ["picture"]}
    assert [n.type for n in result.nodes].count("Use") == 1


def test_a_frozen_port_is_neither_joined_nor_deleted() -> None:
    data = user().to_json()
    data["nodes"][0]["properties"] = {"discomfort_frozen": {"value": 5}}
    frozen = parse_workflow(data)
    assert find_ports(frozen).frozen
    result = joined(maker(), frozen, delete_input_ports=True)
    assert ids_of(result)["outputs"] == ["picture", "result"]
    assert "5" in repr(Interpreter(result).outputs()["result"])


# Ports inside subgraphs


def inner_maker(unique_id: str = "picture", type_: str = "Make") -> Flow:
    inner = Flow()
    inner.port(unique_id, inner.node(type_))
    return inner


def inner_user(unique_id: str = "picture") -> Flow:
    inner = Flow()
    inner.subgraph_output("used", inner.node("Use", inner.port(unique_id)))
    return inner


def test_ports_in_nested_subgraphs_are_led_out_and_joined() -> None:
    outer = Flow()
    outer.define("deep", inner_maker())
    outer.instance("deep")
    first = Flow()
    first.define("outer", outer)
    first.instance("outer")
    middle = Flow()
    middle.define("deep user", inner_user())
    middle.subgraph_output("out", middle.instance("deep user"))
    second = Flow()
    second.define("middle", middle)
    second.port("result", second.instance("middle"))
    result = joined(first.workflow(), second.workflow())
    assert ids_of(result) == {"inputs": [], "outputs": ["result"], "passthrus": ["picture"]}
    assert "Make" in repr(Interpreter(result).outputs())
    outputs = {s.id: [o["name"] for o in s.outputs] for s in result.subgraphs.values()}
    assert outputs["deep"] == ["picture"] and outputs["outer"] == ["picture"]
    inputs = {s.id: [i["name"] for i in s.inputs] for s in result.subgraphs.values()}
    assert inputs["deep user"] == ["picture"] and inputs["middle"] == ["picture"]


def test_an_input_in_two_instances_gets_the_value_in_both() -> None:
    flow = Flow()
    flow.define("user", inner_user())
    flow.port("x", flow.instance("user"))
    flow.port("y", flow.instance("user"))
    result = joined(maker(), flow.workflow())
    outputs = Interpreter(result).outputs()
    assert outputs["x"] == outputs["y"] and "Make" in repr(outputs["x"])
    assert list(result.subgraphs) == ["user"]


def test_an_output_in_two_instances_is_an_error_that_names_both() -> None:
    flow = Flow()
    flow.define("maker", inner_maker())
    flow.instance("maker")
    flow.instance("maker")
    with pytest.raises(WorkflowError) as e:
        stitch([flow.workflow(), user()])
    assert len({p.node_id for p in e.value.problems}) == 2


def test_a_port_behind_an_unfed_edge_is_fed_there_without_feeding_others() -> None:
    inner = Flow()
    edge = inner.subgraph_input("given")
    inner.subgraph_output("out", inner.node("Use", inner.port("picture", edge), edge))
    flow = Flow()
    flow.define("user", inner)
    flow.port("unfed", flow.instance("user"))
    flow.port("fed", flow.instance("user", flow.node("Other")))
    result = joined(maker(), flow.workflow())
    outputs = Interpreter(result).outputs()
    assert repr(outputs["unfed"]).count("Make") == 1
    assert repr(outputs["fed"]).count("Other") == 2 and "Make" not in repr(outputs["fed"])


def test_a_shadowed_output_in_a_shared_definition_goes_only_where_it_is_one() -> None:
    inner = Flow()
    edge = inner.subgraph_input("x")
    inner.subgraph_output("out", inner.port("picture", edge))
    flow = Flow()
    flow.define("through", inner)
    flow.instance("through", flow.node("Shadowed"))
    flow.port("kept", flow.node("Use", flow.instance("through", flow.node("Make"))))
    result = joined(flow.workflow(), maker())
    assert ids_of(result) == {
        "inputs": [],
        "outputs": ["kept", "picture"],
        "passthrus": ["picture"],
    }
    assert len(result.subgraphs) == 2


def test_a_port_in_a_bypassed_subgraph_is_not_joined_silently() -> None:
    outer = Flow()
    outer.define("inner", inner_user())
    outer.instance("inner", mode=4, title="switched off")
    flow = Flow()
    flow.define("outer", outer)
    flow.instance("outer")
    with pytest.raises(WorkflowError, match="switched off"):
        stitch([maker(), flow.workflow()])


def test_leading_a_value_in_does_not_change_what_a_bypassed_instance_forwards() -> None:
    inner = inner_user()
    inner.subgraph_input("x")
    inner.subgraph_output("second", inner.node("Make2"))
    flow = Flow()
    flow.define("user", inner)
    other = flow.instance("user", flow.node("Other"), mode=4)
    flow.port("bypassed", flow.node("Use", (other, 1)))
    flow.port("result", flow.instance("user"))
    outputs = Interpreter(joined(maker(), flow.workflow())).outputs()
    assert "Other" in repr(outputs["bypassed"])
    assert "'Make'" in repr(outputs["result"])


# Definitions


def with_definition(type_: str, key: str = "same", result: str = "r") -> Workflow:
    inner = Flow()
    inner.subgraph_output("y", inner.node(type_))
    flow = Flow()
    flow.define(key, inner)
    flow.port(result, flow.instance(key))
    return flow.workflow()


def test_equal_definitions_are_one() -> None:
    result = joined(with_definition("A", result="r"), with_definition("A", result="s"))
    assert list(result.subgraphs) == ["same"]


def test_different_definitions_of_one_id_are_kept_apart_the_same_way_every_time() -> None:
    parts = [
        with_definition("A"),
        with_definition("B", result="s"),
        with_definition("B", result="t"),
    ]
    result = joined(*parts)
    assert len(result.subgraphs) == 2 and "same" in result.subgraphs
    outputs = Interpreter(result).outputs()
    assert [v[1][0] for v in (outputs["r"], outputs["s"], outputs["t"])] == ["A", "B", "B"]
    assert list(joined(*parts).subgraphs) == list(result.subgraphs)


def test_nested_instances_follow_a_renamed_definition() -> None:
    def nested(type_: str, result: str) -> Workflow:
        inner = Flow()
        inner.subgraph_output("y", inner.node(type_))
        outer = Flow()
        outer.define("inner", inner)
        outer.subgraph_output("y", outer.instance("inner"))
        flow = Flow()
        flow.define("outer", outer)
        flow.port(result, flow.instance("outer"))
        return flow.workflow()

    result = joined(nested("A", "r"), nested("B", "s"))
    assert len(result.subgraphs) == 4
    outputs = Interpreter(result).outputs()
    assert "'A'" in repr(outputs["r"]) and "'B'" in repr(outputs["s"])


def test_definitions_that_contain_each_other_are_refused() -> None:
    inner = Flow()
    inner.node("two")
    flow = Flow()
    flow.define("one", inner)
    other = Flow()
    other.node("one")
    flow.define("two", other)
    flow.node("one")
    with pytest.raises(WorkflowError, match="contain"):
        stitch([maker(), flow.workflow()])


def test_proxy_widgets_name_inner_nodes_and_stay() -> None:
    data = with_definition("A").to_json()
    data["nodes"][0]["properties"] = {"proxyWidgets": [["1", "steps"]]}
    result = joined(maker(), parse_workflow(data))
    (instance,) = [n for n in result.nodes if n.type == "same"]
    assert instance.properties["proxyWidgets"] == [["1", "steps"]] and instance.id != 1


# The file


def test_parts_stand_side_by_side_in_named_frames() -> None:
    data = maker(name="Load the model").to_json()
    data["groups"] = [{"id": 3, "title": "own", "bounding": [-30, -40, 600, 300], "flags": {}}]
    other = user().to_json()
    other["groups"] = [{"id": 3, "title": "other", "bounding": [-10, -10, 300, 300], "flags": {}}]
    result = joined(parse_workflow(data), parse_workflow(other), parse_workflow({"nodes": []}))
    groups = {g["title"]: g for g in result.data["groups"]}
    assert list(groups) == ["Load the model", "Part 2", "own", "other"]
    assert groups["own"]["bounding"] == [-30, -40, 600, 300]
    left, right = groups["Load the model"]["bounding"], groups["Part 2"]["bounding"]
    assert left[0] + left[2] < right[0]
    assert left[1] == right[1]  # their tops are on one line
    for part, frame in ((result.nodes[:2], left), (result.nodes[2:], right)):
        for node in part:
            (x, y), (w, h) = node.data["pos"], node.data["size"]
            assert frame[0] < x and x + w < frame[0] + frame[2]
            assert frame[1] < y - 30 and y + h < frame[1] + frame[3]
    dx = groups["other"]["bounding"][0] - -10
    assert result.nodes[2].data["pos"][0] == other["nodes"][0]["pos"][0] + dx


def test_native_reroutes_and_floating_links_are_renumbered() -> None:
    def with_reroutes(workflow: Workflow) -> Workflow:
        data = copy.deepcopy(workflow.to_json())
        data["extra"] = {
            "reroutes": [
                {"id": 1, "pos": [5, 6], "linkIds": [1]},
                {"id": 2, "parentId": 1, "pos": [7, 8], "linkIds": [1]},
            ],
            "linkExtensions": [{"id": 1, "parentId": 2}],
        }
        data["floatingLinks"] = [
            {
                "id": 1,
                "origin_id": 1,
                "origin_slot": 0,
                "target_id": -1,
                "target_slot": -1,
                "type": "T",
                "parentId": 2,
            }
        ]
        return parse_workflow(data)

    result = joined(with_reroutes(maker()), with_reroutes(user()))
    extra = result.data["extra"]
    assert [r["id"] for r in extra["reroutes"]] == [1, 2, 3, 4]
    assert [r.get("parentId") for r in extra["reroutes"]] == [None, 1, None, 3]
    assert [r["linkIds"] for r in extra["reroutes"]] == [[1], [1], [2], [2]]
    assert extra["linkExtensions"] == [{"id": 1, "parentId": 2}, {"id": 2, "parentId": 4}]
    assert [f["id"] for f in result.data["floatingLinks"]] == [1, 2]
    assert [f["origin_id"] for f in result.data["floatingLinks"]] == [1, 3]
    assert extra["reroutes"][2]["pos"] != [5, 6]


def as_version_1(workflow: Workflow) -> Workflow:
    data = copy.deepcopy(workflow.to_json())
    keys = ("id", "origin_id", "origin_slot", "target_id", "target_slot", "type")
    data["links"] = [dict(zip(keys, link, strict=True)) for link in data["links"]]
    last = {"lastNodeId": data.pop("last_node_id"), "lastLinkId": data.pop("last_link_id")}
    data |= {"version": 1, "state": {**last, "lastGroupId": 0, "lastRerouteId": 0}}
    return parse_workflow(data)


@pytest.mark.parametrize(
    ("is_new", "version"), [((True, True), 1), ((True, False), 0.4), ((False, True), 0.4)]
)
def test_schema_versions_mix(is_new: tuple[bool, bool], version: float) -> None:
    parts = [maker(), user()]
    parts = [as_version_1(p) if new else p for p, new in zip(parts, is_new, strict=True)]
    result = joined(*parts)
    assert result.data["version"] == version
    assert ("state" in result.data) == (version == 1)
    assert "Make" in repr(Interpreter(result).outputs()["result"])


def test_a_stitched_workflow_can_be_stitched_again() -> None:
    half = joined(maker(), user("picture", "middle"))
    result = joined(half, user("middle", "end"))
    assert ids_of(result)["outputs"] == ["end"]
    assert "Make" in repr(Interpreter(result).outputs()["end"])


def test_a_damaged_file_gives_a_sound_one() -> None:
    data = copy.deepcopy(user().to_json())
    data["links"].append([9, 77, 0, 2, 0, "T"])  # from nowhere, and nobody reads it
    data["nodes"][0]["outputs"][0]["links"].append(55)
    data["links"][0][4] = 7  # a wrong target slot: only the node's own word counts
    data["last_node_id"] = data["last_link_id"] = 0
    result = joined(maker(), parse_workflow(data))
    assert "Make" in repr(Interpreter(result).outputs()["result"])


def with_group_node(content: int) -> Workflow:
    data = copy.deepcopy(maker(f"x{content}", "workflow>mine").to_json())
    inner = {
        "type": "Make",
        "index": 0,
        "outputs": [{"name": "y", "type": "T"}],
        "widgets_values": [],
    }
    mine = {"nodes": [{**inner, "size": [content, 1]}], "links": [], "external": []}
    data["extra"] = {"groupNodes": {"mine": mine}}
    return parse_workflow(data)


def test_two_inputs_that_read_one_link_get_a_link_each() -> None:
    data = copy.deepcopy(user().to_json())
    data["nodes"][1]["inputs"].append({"name": "again", "type": "T", "link": 1})
    made = repr(Interpreter(joined(maker(), parse_workflow(data))).outputs()["result"])
    assert made.count("'Make'") == 2


def test_the_editors_order_goes_on_from_part_to_part() -> None:
    result = joined(maker(), user(), user(result="x"))
    assert [n.data["order"] for n in result.nodes] == list(range(len(result.nodes)))


def test_group_nodes_of_one_name_but_different_content_are_refused() -> None:
    joined(with_group_node(1), with_group_node(1))
    with pytest.raises(WorkflowError, match="another group node"):
        stitch([with_group_node(1), with_group_node(2)])


def test_with_object_info_group_nodes_become_subgraphs_and_never_collide() -> None:
    result = stitch([with_group_node(1), with_group_node(2)], info=index_object_info({}))
    assert find_inconsistencies(result.to_json()) == []
    assert len(result.subgraphs) == 2
    assert {"x1", "x2"} == set(Interpreter(result).outputs())


def test_a_bare_list_of_nodes_becomes_a_whole_file() -> None:
    result = joined(parse_workflow({"nodes": [{"id": 3, "type": "A"}]}), maker())
    assert result.data["version"] == 0.4
    assert [n.id for n in result.nodes] == [3, 4, 5]


def test_links_to_absurd_slots_are_dropped() -> None:
    data = copy.deepcopy(user().to_json())
    data["links"][1][2] = 10**12
    result = joined(maker(), parse_workflow(data))
    assert all(len(n.outputs) < 3 for n in result.nodes)
