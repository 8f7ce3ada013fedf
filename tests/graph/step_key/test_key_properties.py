"""Equal keys mean equal values, and other keys mean that something differs, over random graphs."""

from __future__ import annotations

import random
from typing import Any

from custom_nodes.discomfort.graph.convert.to_prompt import to_prompt
from custom_nodes.discomfort.graph.plan.run_plan import Load, plan_run
from custom_nodes.discomfort.graph.plan.swap_ports import swap_ports
from custom_nodes.discomfort.graph.ports.find_ports import find_ports
from custom_nodes.discomfort.graph.step_key.facts import Answer, ClassFacts, Facts
from custom_nodes.discomfort.graph.step_key.make_key import make_key
from custom_nodes.discomfort.graph.step_key.questions import ask
from hypothesis import given, settings
from hypothesis import strategies as st
from support import pieces
from support.steps import WORLDS, World, changed, key_of, prompts, run, with_other_looks

STEPS = st.tuples(prompts(), WORLDS)


@settings(max_examples=60, deadline=None)
@given(st.data(), STEPS)
def test_other_ids_titles_and_order_have_the_same_key(data: Any, step: Any) -> None:
    prompt, world = step
    other = data.draw(with_other_looks(prompt))
    assert key_of(prompt, world) == key_of(other, world)


@settings(max_examples=300, deadline=None)
@given(st.data(), STEPS)
def test_keys_are_equal_if_and_only_if_the_step_makes_the_same(data: Any, step: Any) -> None:
    prompt, world = step
    other, other_world = data.draw(changed(prompt, world))
    is_same = run(prompt, world) == run(other, other_world)
    assert (key_of(prompt, world).key == key_of(other, other_world).key) is is_same


@settings(max_examples=100, deadline=None)
@given(st.data(), prompts(("Work", "SeesPrompt", "SeesDynamic", "KnowsIdNew")), WORLDS)
def test_where_nodes_see_more_equal_keys_still_mean_equal_values(
    data: Any, prompt: Any, world: World
) -> None:
    other, other_world = data.draw(changed(prompt, world))
    if key_of(prompt, world).key == key_of(other, other_world).key:
        assert run(prompt, world) == run(other, other_world)


def key_of_file(jobs: list[pieces.Job], piece: list[int], looks: int, shape: int) -> str:
    """The key of a workflow file with these jobs, which reads what other files made."""
    workflow = pieces.build_piece(jobs, piece, random.Random(looks), random.Random(shape))
    ports, info = find_ports(workflow), pieces.INFO
    plan = plan_run(ports, lambda uid, _: Load(uid, f"version {looks} of {uid}"), pieces.RULES)
    step = swap_ports(to_prompt(workflow, info), ports, plan, info)
    questions = ask(step, info)
    facts = Facts(
        values={uid: f"content of {uid}" for uid in questions.values},
        answers=dict.fromkeys(questions.nodes, Answer()),
        files={},
        classes=dict.fromkeys(questions.classes, ClassFacts("v1")),
        server={},
        kept={**dict.fromkeys(plan.saves, "val"), **dict.fromkeys(plan.references, "ref")},
    )
    return make_key(step, info, facts).key


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32))
def test_a_file_that_is_drawn_otherwise_has_the_same_key(seed: int) -> None:
    rng = random.Random(seed)
    jobs = pieces.random_jobs(rng)
    piece = pieces.random_cut(rng, jobs)[-1]
    keys = {key_of_file(jobs, piece, looks, shape) for looks, shape in ((1, 2), (3, 4), (5, 6))}
    assert len(keys) == 1
    last = jobs[-1]
    other = [*jobs[:-1], pieces.Job(last.kind, last.n + 1, last.sources)]
    assert key_of_file(other, piece, 1, 2) not in keys
