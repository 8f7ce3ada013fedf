"""What the key of a step hangs on, and what makes a step one that is never reused."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import Any

import pytest
from custom_nodes.discomfort.errors import WorkflowError
from custom_nodes.discomfort.graph.plan.internal_nodes import SAVER
from custom_nodes.discomfort.graph.plan.recipe import make_recipe
from custom_nodes.discomfort.graph.plan.run_plan import Graft, StepPlan
from custom_nodes.discomfort.graph.plan.swap_ports import Swapped, swap_ports
from custom_nodes.discomfort.graph.ports.find_ports import find_ports_in_prompt
from custom_nodes.discomfort.graph.prompt import Source
from custom_nodes.discomfort.graph.step_key.facts import Answer, ClassFacts, FileStamp
from custom_nodes.discomfort.graph.step_key.make_key import StepKey, make_key
from custom_nodes.discomfort.graph.step_key.questions import ask
from support.prompts import port
from support.steps import INFO, World, facts_of, key_of, loader, queued

BLOCKS = World(blocks={"v1": "x", "v2": "y", "v3": "x"})


def node(kind: str = "Work", **inputs: Any) -> dict[str, Any]:
    return {"class_type": kind, "inputs": inputs}


def out(source: Any, name: str = "result") -> dict[str, Any]:
    return node(SAVER, unique_id=name, input_data=source)


def step(**changes: Any) -> dict[str, Any]:
    """Something is read, worked on, and kept; `changes` are those of the node that works."""
    return {
        "1": node("Read", file="cat.png"),
        "2": node("Work", **{"a": ["1", 0], "n": 1, **changes}),
        "3": out(["2", 0]),
    }


def key_with(prompt: dict[str, Any], **facts: Any) -> StepKey:
    """The key of a prompt with facts that differ from the usual ones."""
    swapped = queued(prompt)
    return make_key(swapped, INFO, replace(facts_of(swapped, World()), **facts))


# -- literals and links ---------------------------------------------------------------------------

ALL_DIFFERENT = [
    *(1, 1.0, True, "1", 0, 0.0, -0.0, False, None, "", "null", "true", "1.0", [], {}, "[]"),
    *(float("nan"), "NaN", float("inf"), float("-inf"), 2**64, float(2**64), 10**400, str(2**64)),
    *([1, 2, 3], [2, 1, 3], [1, 2, 3.0], {"a": 1}, {"a": True}, {"__value__": [1]}),
    *(["1", 0, 0], [["1", 0]], {"link": ["1", 0]}, "\ud800", "\\ud800", "é", "e\u0301", " ", "\0"),
]


def test_every_literal_is_told_from_every_other():
    keys = [key_of(step(n=value)).key for value in ALL_DIFFERENT]
    assert len(set(keys)) == len(ALL_DIFFERENT)


def test_an_input_that_is_absent_is_none_that_is_null():
    prompt = step()
    del prompt["2"]["inputs"]["n"]
    assert key_of(prompt).key not in (key_of(step(n=None)).key, key_of(step(n=1)).key)


def test_the_order_within_a_dict_does_not_count_and_that_in_a_list_does():
    assert key_of(step(n={"x": 1, "y": 2})).key == key_of(step(n={"y": 2, "x": 1})).key
    assert key_of(step(n={"x": [1, 2, 3]})).key != key_of(step(n={"x": [3, 2, 1]})).key


@pytest.mark.parametrize(
    "link", [["1", 1], ["4", 0], ["1", 0.0]], ids=["slot", "other node", "the same, as a float"]
)
def test_a_link_is_where_it_comes_from(link):
    prompt = {**step(), "4": node("Read", file="dog.png [output]")}
    other = {**step(a=link), "4": prompt["4"]}
    assert (key_of(other).key == key_of(prompt).key) is (link == ["1", 0])


def test_the_two_inputs_of_a_node_are_not_taken_for_each_other():
    prompt = {"1": node(n=1), "2": node(n=2), "4": out(["3", 0])}
    first = {**prompt, "3": node(a=["1", 0], b=["2", 0])}
    second = {**prompt, "3": node(a=["2", 0], b=["1", 0])}
    assert key_of(first).key != key_of(second).key


def test_one_node_used_twice_is_as_good_as_two_that_are_equal():
    shared = {"1": node(n=1), "2": node(a=["1", 0], b=["1", 0]), "3": out(["2", 0])}
    twins = {**shared, "1b": node(n=1), "2": node(a=["1", 0], b=["1b", 0])}
    assert key_of(shared) == key_of(twins)


def test_equal_output_nodes_count_as_often_as_they_stand_there():
    once = {"1": node(), "2": node("Save", a=["1", 0])}
    assert key_of(once).key != key_of({**once, "3": node("Save", a=["1", 0])}).key


def test_output_nodes_count_and_what_nothing_needs_does_not():
    with_save = {**step(), "4": node("Save", a=["1", 0])}
    assert key_of(with_save).key != key_of(step()).key
    assert key_of({**step(), "4": node("Work", a=["2", 0], n=5)}) == key_of(step())
    kept = Swapped(with_save | {"k": node(n=7)}, {}, needed=frozenset(with_save))
    assert make_key(kept, INFO, facts_of(kept, World())).key == key_of(with_save).key


def test_the_name_of_an_output_and_how_it_is_kept_count():
    assert key_of({**step(), "3": out(["2", 0], "other")}).key != key_of(step()).key
    ways = ({"result": "val"}, {"result": "ref ref-1:0"}, {"result": "ref ref-2:0"})
    also = {"result": "val", "model": "ref ref-1:0"}
    keys = {key_with(step(), kept=kept).key for kept in (*ways, also)}
    assert len(keys) == 4


# -- values, references ---------------------------------------------------------------------------


def reads(key: str, version: str, wanted: str = "{}") -> dict[str, Any]:
    return {"1": loader(key, version, wanted), "2": node(a=["1", 0]), "3": out(["2", 0])}


def test_a_value_counts_by_its_content_wherever_it_lies():
    first = key_of(reads("picture", "v1"), BLOCKS)
    assert first == key_of(reads("mask", "v3"), BLOCKS)
    assert first.key != key_of(reads("picture", "v2"), BLOCKS).key
    assert first.key != key_of(reads("picture", "v1", '{"type": "INT"}'), BLOCKS).key
    assert b"v1" not in first.form.replace(b'"v1"]', b"")  # but for the pack's digest


def test_a_value_that_a_reference_froze_in_is_known_by_its_content():
    frozen = reads("", "x")
    assert key_of(frozen).key == key_of(reads("picture", "v1"), BLOCKS).key


def test_a_reference_counts_by_its_nodes():
    recipe = make_recipe({"m": node(n=1), "l": node(a=["m", 0])}, Source("l", 1))
    prompt = {"1": port("model"), "2": node(a=["1", 0]), "3": out(["2", 0])}
    ports = find_ports_in_prompt(prompt, INFO)
    plan = StepPlan({"model": Graft(recipe)}, (), ())
    nodes = swap_ports({**prompt, "3": node("Save", a=["2", 0])}, ports, plan, INFO)
    plain = {
        "7": node(n=1),
        "8": node(a=["7", 0]),
        "2": node(a=["8", 1]),
        "3": node("Save", a=["2", 0]),
    }
    assert make_key(nodes, INFO, facts_of(nodes, World())).key == key_of(plain).key


# -- the world ------------------------------------------------------------------------------------


@pytest.mark.parametrize("field", FileStamp._fields)
def test_each_part_of_a_file_stamp_counts(field):
    stamp = FileStamp(1, 2, 3, 4, 5)
    named = ask(queued(step()), INFO).files
    assert {f.name for f in named} == {"cat.png"}
    first, second = (
        key_with(step(), files=dict.fromkeys(named, (s,)))
        for s in (stamp, stamp._replace(**{field: 9}))
    )
    assert first.key != second.key


def test_which_file_comes_first_and_whether_there_is_one_counts():
    stamps = FileStamp(1, 2, 3, 4, 5), FileStamp(1, 3, 3, 4, 5)
    named = ask(queued(step()), INFO).files
    cases = [(), stamps[:1], stamps, stamps[::-1]]
    keys = {key_with(step(), files=dict.fromkeys(named, case)).key for case in cases}
    assert len(keys) == 4


def test_the_pack_of_every_class_that_would_run_counts_and_no_other():
    first = key_of(step())
    assert key_of(step(), World(packs={"Work": "v2"})).key != first.key
    assert key_of(step(), World(packs={"Save": "v2"})) == first


def test_the_server_counts_with_exact_types():
    servers = [{"gpu": 1}, {"gpu": True}, {"gpu": "1"}, {"gpu": 1, "torch": "2"}]
    assert len({key_with(step(), server=server).key for server in servers}) == 4


def test_what_a_node_says_counts_for_it_and_no_other():
    prompt = {"1": node(), "2": node("Other"), "3": node("Save", a=["1", 0], b=["2", 0])}
    answers = dict.fromkeys(prompt, Answer())
    said = ({}, {"1": Answer("[1]")}, {"2": Answer("[1]")}, {"1": Answer("[2]")})
    assert len({key_with(prompt, answers=answers | s).key for s in said}) == 4


def test_a_date_counts_as_it_was_written_unless_a_port_gave_the_text():
    at, text = ("2", "n"), "%date:yyyy%"
    today, tomorrow = step(n="2026"), step(n="2027")
    keys = [key_with(p, undated={at: text}).key for p in (today, tomorrow)]
    assert keys[0] == keys[1] != key_of(today).key
    assert key_with(today, undated={at: "%date:MM%"}).key != keys[0]
    assert key_of(step(n={"undated": text})).key != keys[0]
    given = replace(queued(today), literals={at: "port"})
    facts = replace(facts_of(given, World()), undated={at: text})
    assert make_key(given, INFO, facts).key == key_of(today).key


def test_a_fact_that_is_missing_is_an_error_and_no_key():
    facts = facts_of(queued(step()), World())
    for name in ("answers", "files", "classes"):
        with pytest.raises(KeyError):
            make_key(queued(step()), INFO, replace(facts, **{name: {}}))
    with pytest.raises(KeyError):
        make_key(queued(reads("picture", "v1")), INFO, replace(facts, values={}))


# -- nodes that see more than their inputs --------------------------------------------------------


def renamed(prompt: dict[str, Any]) -> dict[str, Any]:
    """The prompt of one node and an output, with another id for the node."""
    return {"9": prompt["1"], "3": out(["9", 0])}


@pytest.mark.parametrize("kind", ["KnowsId", "KnowsIdNew"])
def test_the_id_of_a_node_that_asks_for_it_counts(kind):
    prompt = {"1": node(kind), "3": out(["1", 0])}
    assert key_of(prompt).key != key_of(renamed(prompt)).key
    titled = {**prompt, "1": {**prompt["1"], "_meta": {"title": "other"}}}
    assert key_of(prompt) == key_of(titled)


def test_the_id_of_what_feeds_a_raw_link_counts():
    prompt = {"1": node(), "2": node("Raw", a=["1", 0]), "3": out(["2", 0])}
    other = {"9": node(), "2": node("Raw", a=["9", 0]), "3": out(["2", 0])}
    assert key_of(prompt).key != key_of(other).key


@pytest.mark.parametrize("kind", ["SeesPrompt", "SeesDynamic", "SeesWorkflow"])
def test_the_whole_prompt_counts_where_a_node_sees_it(kind):
    prompt = {"1": node(kind), "3": out(["1", 0])}
    titled = {**prompt, "1": {**prompt["1"], "_meta": {"title": "other"}}}
    changed = [renamed(prompt), titled, dict(reversed(prompt.items())), {**prompt, "8": node()}]
    keys = {key_of(p).key for p in (prompt, *changed)}
    assert len(keys) == len(changed) + 1


def test_the_workflow_counts_where_a_node_sees_it_and_only_there():
    for kind, is_seen in (("SeesWorkflow", True), ("SeesPrompt", False), ("Save", False)):
        prompt = {"1": node(kind), "3": out(["1", 0])}
        keys = {key_of(prompt, World(workflow={"at": at})).key for at in (1, 2)}
        assert (len(keys) == 2) is is_seen


def test_where_a_value_lies_does_not_count_in_the_whole_prompt_either():
    def prompt(version: str) -> dict[str, Any]:
        return {**reads("picture", version), "2": node("SeesDynamic", a=["1", 0])}

    assert key_of(prompt("v1"), BLOCKS) == key_of(prompt("v3"), BLOCKS)
    assert key_of(prompt("v1"), BLOCKS).key != key_of(prompt("v2"), BLOCKS).key


def test_output_nodes_only_save_the_prompt_that_they_see():
    prompt = {"1": node(), "2": node("Save", a=["1", 0])}
    other = {"9": node(), "8": node("Save", a=["9", 0]), "7": node()}
    assert key_of(prompt) == key_of(other)


def test_no_key_of_an_account_has_a_place_in_it():
    prompt = {"1": node("Other"), "3": out(["1", 0])}
    assert b"API_KEY" not in key_of(prompt).form


# -- never reused ---------------------------------------------------------------------------------


def reasons(made: StepKey) -> list[str]:
    return [str(problem) for problem in made.why_never]


def test_a_step_is_reusable_where_nothing_is_said_against_it():
    assert key_of(step()).why_never == ()


@pytest.mark.parametrize(
    ("known", "words"),
    [
        (ClassFacts("d", is_idempotent=False), "NOT_IDEMPOTENT"),
        (ClassFacts("d", reads_unseen=True), "a rule says"),
        (ClassFacts(None), "not known which source files"),
    ],
)
def test_a_class_may_keep_its_nodes_from_being_reused(known, words):
    prompt = step()
    prompt["2"]["_meta"] = {"title": "my work"}
    made = key_with(prompt, classes={"Work": known, "Read": ClassFacts("d")})
    (reason,) = reasons(made)
    assert reason.startswith("node 2 'my work' (Work)") and words in reason


def test_what_always_changes_is_named_wherever_it_stands_and_what_is_not_needed_is_not():
    answers = {"1": Answer(never="it always changes"), "2": Answer(never="so does it")}
    made = key_with({**step(), "4": node()}, answers=answers)
    assert [p.node_id for p in made.why_never] == ["1", "2"]
    assert "it always changes" in reasons(made)[0]
    prompt = {**step(), "2": node(n=1)}
    assert key_with(prompt, answers=answers | {"2": Answer()}).why_never == ()


@pytest.mark.parametrize(
    "value", [object(), b"1", {1, 2}, 10**5000, {("a", "b"): 1}], ids=["", "b", "set", "int", "key"]
)
def test_a_literal_that_is_no_json_makes_a_step_that_is_never_reused(value):
    made = key_of(step(n=value))
    (reason,) = reasons(made)
    assert "its input 'n' can't be written as JSON" in reason


def test_a_literal_that_is_nested_without_end_makes_a_step_that_is_never_reused():
    value: Any = []
    for _ in range(100_000):
        value = {"__value__": value}
    assert len(key_of({"1": node(n=value), "3": out(["1", 0])}).why_never) == 1


# -- size, and what lasts -------------------------------------------------------------------------


def test_a_chain_of_10_000_nodes_needs_no_recursion():
    prompt = {"0": node(n=1)}
    for i in range(1, 10_000):
        prompt[str(i)] = node(a=[str(i - 1), 0])
    prompt["out"] = out(["9999", 0])
    first = key_of(prompt)
    prompt["0"] = node(n=2)
    assert key_of(prompt).key != first.key


def test_diamonds_on_diamonds_take_no_longer_than_their_nodes():
    prompt = {"0": node(n=1)}
    for i in range(1, 200):  # 2 ** 200 ways through it
        prompt[str(i)] = node(a=[str(i - 1), 0], b=[str(i - 1), 1])
    prompt["out"] = out(["199", 0])
    assert len(key_of(prompt).form.splitlines()) < 220


def test_a_cycle_and_a_link_to_nowhere_are_refused_with_their_node():
    with pytest.raises(WorkflowError, match=r"(?s)can't be run.*node 2 \(Work\): .*cycle"):
        key_of({"2": node(a=["2", 0]), "3": out(["2", 0])})
    lost = Swapped({"3": out(["2", 0])}, {}, needed=frozenset({"3"}))
    with pytest.raises(WorkflowError, match="node 2: a link leads to a node that is absent"):
        make_key(lost, INFO, facts_of(lost, World()))


KEY = "1dbc9cf6b51117ae283ff21b13238efaac2bd6c410a169ae95a8ec8b7be5d59a"


def test_the_key_stays_what_it_was_since_finished_steps_are_kept_under_it():
    prompt = step(b=["4", 0], t={"__value__": [1.0, True, None, "ü"]}) | {"4": node("KnowsId")}
    made = key_of(prompt, World(files={"cat.png": 5}))
    lines = [json.loads(line) for line in made.form.decode("ascii").splitlines()]
    tags = ["step", "server", "kept", *["class"] * 3, *["file"] * 2, "end", *["node"] * 4]
    assert [line[0] for line in lines] == tags
    assert made.key == hashlib.sha256(made.form).hexdigest() == KEY
