"""A graph may be cut into files anywhere: run one by one or stitched, it makes the same values."""

from __future__ import annotations

import random
from typing import Any

from custom_nodes.discomfort.graph.compose.stitch import stitch
from custom_nodes.discomfort.graph.convert.to_prompt import to_prompt
from custom_nodes.discomfort.graph.plan.run_plan import StepPlan, plan_run
from custom_nodes.discomfort.graph.plan.swap_ports import resolve_output, swap_ports
from custom_nodes.discomfort.graph.ports.find_ports import find_ports
from custom_nodes.discomfort.graph.prompt import link_source
from hypothesis import given, settings
from hypothesis import strategies as st
from support.pieces import (
    INFO,
    RULES,
    Job,
    Store,
    build_piece,
    evaluate,
    random_cut,
    random_jobs,
    recipe_of,
    truth,
    uid_of,
)

SEEDS = st.integers(0, 2**32)


def files_of(jobs: list[Job], cut: list[list[int]], seed: int, looks: int | None = None) -> list:
    names = random.Random(seed if looks is None else looks)
    return [build_piece(jobs, piece, names, random.Random(seed + i)) for i, piece in enumerate(cut)]


def expected(jobs: list[Job], unique_id: str) -> Any:
    index, slot = unique_id[1:].split(".")
    return truth(jobs)[int(index)], int(slot)


def cut_graph(seed: int) -> tuple[list[Job], list[list[int]]]:
    rng = random.Random(seed)
    jobs = random_jobs(rng)
    return jobs, random_cut(rng, jobs)


@settings(max_examples=80, deadline=None)
@given(SEEDS)
def test_run_file_by_file_it_makes_what_the_whole_makes(seed: int) -> None:
    jobs, cut = cut_graph(seed)
    store = Store()
    for workflow in files_of(jobs, cut, seed):
        store.run(workflow)
        for unique_id in find_ports(workflow).outputs:
            assert store.value(unique_id) == expected(jobs, unique_id)
    assert uid_of((len(jobs) - 1, 1)) in store.references


@settings(max_examples=80, deadline=None)
@given(SEEDS)
def test_stitched_it_makes_what_the_whole_makes(seed: int) -> None:
    jobs, cut = cut_graph(seed)
    stitched = stitch(files_of(jobs, cut, seed), info=INFO)
    ports, prompt = find_ports(stitched), to_prompt(stitched, INFO)
    assert not ports.inputs
    assert {uid_of((len(jobs) - 1, slot)) for slot in (0, 1)} <= ports.outputs.keys()
    for unique_id in ports.outputs:
        nodes, source = resolve_output(prompt, ports, StepPlan({}, (), ()), INFO, unique_id)
        assert source is not None
        assert evaluate(nodes, *source, {}) == expected(jobs, unique_id)


def recipes_of(files: list) -> dict[str, str]:
    store = Store()
    for workflow in files:
        store.run(workflow)
    return {uid: recipe_of(stored, uid).id for uid, stored in store.references.items()}


@settings(max_examples=40, deadline=None)
@given(SEEDS, SEEDS)
def test_ids_titles_and_order_in_the_file_change_no_recipe(seed: int, looks: int) -> None:
    jobs, cut = cut_graph(seed)
    recipes = recipes_of(files_of(jobs, cut, seed))
    assert recipes_of(files_of(jobs, cut, seed, looks)) == recipes


@settings(max_examples=40, deadline=None)
@given(SEEDS, SEEDS)
def test_what_links_lead_through_changes_no_recipe(seed: int, shape: int) -> None:
    jobs, cut = cut_graph(seed)
    assert recipes_of(files_of(jobs, cut, shape)) == recipes_of(files_of(jobs, cut, seed))


@settings(max_examples=40, deadline=None)
@given(SEEDS, st.data())
def test_a_changed_value_changes_the_recipes_over_it_and_no_others(seed: int, data: Any) -> None:
    """In one file: across files a value that is handed over has its own version instead."""
    jobs, _ = cut_graph(seed)
    cut = [list(range(len(jobs)))]
    changed = data.draw(st.integers(0, len(jobs) - 1))
    before = {uid_of((i, 1)): term for i, term in enumerate(truth(jobs))}
    other = [Job(j.kind, j.n + 10 * (i == changed), j.sources) for i, j in enumerate(jobs)]
    after = {uid_of((i, 1)): term for i, term in enumerate(truth(other))}
    old, new = recipes_of(files_of(jobs, cut, seed)), recipes_of(files_of(other, cut, seed))
    assert old.keys() == new.keys() != set()
    for unique_id in old:
        assert (old[unique_id] == new[unique_id]) == (before[unique_id] == after[unique_id])


@settings(max_examples=40, deadline=None)
@given(SEEDS)
def test_equal_parts_of_two_files_are_one_node_each_in_a_prompt(seed: int) -> None:
    """Two files make the same model, under other names; a third uses both."""
    jobs, _ = cut_graph(seed)
    last = len(jobs) - 1
    copies = [*jobs, *(Job(j.kind, j.n, {k: (i + last + 1, s) for k, (i, s) in j.sources.items()})
                       for j in jobs)]  # fmt: skip
    user = [
        Job("Work0", 1, {"m": (last, 1)}),
        Job("Work1", 2, {"m": (2 * last + 1, 1), "a": (len(copies), 0)}),
    ]
    whole = [*copies, *user]
    cut = [list(range(last + 1)), list(range(last + 1, len(copies))), [len(copies), len(whole) - 1]]
    store = Store()
    files = files_of(whole, cut, seed)
    for workflow in files:
        store.run(workflow)
    ports, prompt = find_ports(files[2]), to_prompt(files[2], INFO)
    swapped = swap_ports(
        prompt, ports, plan_run(ports, lambda uid, _: store.binding(uid), RULES), INFO
    )
    grafted = [n for n in swapped.prompt if n.startswith("ref-")]
    needed = {
        link_source(n["inputs"]["m"])
        for i, n in swapped.prompt.items()
        if "m" in n["inputs"] and i not in grafted
    }
    assert len(needed) == 1
    terms = {repr(evaluate(swapped.prompt, n, 0, {})) for n in grafted}
    assert len(terms) == len(grafted)
    assert store.value(uid_of((len(whole) - 1, 0))) == expected(whole, uid_of((len(whole) - 1, 0)))
