"""Random workflows with random ports: run one after the other or stitched, they make the same."""

from __future__ import annotations

import copy
import random
from typing import Any

from custom_nodes.discomfort.errors import WorkflowError
from custom_nodes.discomfort.graph.compose.freeze import freeze
from custom_nodes.discomfort.graph.compose.prune import prune
from custom_nodes.discomfort.graph.compose.stitch import stitch
from custom_nodes.discomfort.graph.ports.find_ports import find_ports
from custom_nodes.discomfort.graph.workflow.model import Workflow
from custom_nodes.discomfort.graph.workflow.parse import parse_workflow
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from support.consistency import find_inconsistencies
from support.flow import Interpreter, random_part

SEEDS = st.integers(0, 2**32)


def parts_of(seed: int) -> list[Workflow]:
    rng = random.Random(seed)
    parts = [random_part(rng, f"part{i}") for i in range(rng.randint(1, 4))]
    for part in parts:
        try:
            find_ports(part)
        except WorkflowError:
            assume(False)
    return parts


def reread(workflow: Workflow) -> Workflow:
    """The workflow as its file would be read again; the file is sound."""
    data = copy.deepcopy(workflow.to_json())
    assert find_inconsistencies(data) == []
    return parse_workflow(data)


def stitched_of(parts: list[Workflow], **options: Any) -> Workflow:
    try:
        return stitch(parts, **options)
    except WorkflowError as e:
        assume("bypassed subgraph" not in str(e))
        raise


def run_one_by_one(
    parts: list[Workflow], context: dict[str, Any]
) -> tuple[dict[str, Any], list[Any]]:
    context, work = dict(context), []
    for part in parts:
        run = Interpreter(part, context)
        context.update(run.outputs())
        work += run.work()
    return context, sorted(work, key=repr)


@settings(max_examples=300, deadline=None)
@given(SEEDS)
def test_stitched_makes_what_the_parts_make_one_by_one(seed: int) -> None:
    parts = parts_of(seed)
    before = copy.deepcopy([p.to_json() for p in parts])
    stitched = reread(stitched_of(parts))
    assert [p.to_json() for p in parts] == before
    whole = Interpreter(stitched)
    context, work = run_one_by_one(parts, {})
    assert whole.work() == work
    made = {uid for p in parts for uid in find_ports(p).outputs}
    outputs = whole.outputs()
    for unique_id in made:
        if unique_id in outputs:
            assert outputs[unique_id] == context[unique_id]
        else:  # joined: it passes through
            assert context[unique_id] in whole.port_terms(unique_id)


@settings(max_examples=300, deadline=None)
@given(SEEDS)
def test_stitched_has_the_ports_that_its_parts_promise(seed: int) -> None:
    parts = parts_of(seed)
    inputs: set[str] = set()
    outputs: dict[str, bool] = {}  # unique_id -> whether the last one was used
    for part in parts:
        ports = find_ports(part)
        for unique_id, found in ports.inputs.items():
            if unique_id not in outputs:
                inputs.add(unique_id)
            elif any(p.uses for p in found):
                outputs[unique_id] = True
        outputs |= dict.fromkeys(ports.outputs, False)
    ports = find_ports(reread(stitched_of(parts)))
    assert set(ports.inputs) == inputs
    assert set(ports.outputs) <= set(outputs)
    # One that was used may be an output too: its user may have made an output that a later one
    # shadows.
    assert set(ports.outputs) >= {uid for uid, is_used in outputs.items() if not is_used}


@settings(max_examples=150, deadline=None)
@given(SEEDS)
def test_deleted_ports_are_gone(seed: int) -> None:
    parts = parts_of(seed)
    ports = find_ports(reread(stitched_of(parts, delete_input_ports=True)))
    assert not ports.inputs
    ports = find_ports(reread(stitched_of(parts, delete_output_ports=True)))
    assert not ports.outputs


@settings(max_examples=300, deadline=None)
@given(SEEDS)
def test_pruned_makes_the_same_value_with_nothing_more(seed: int) -> None:
    for part in parts_of(seed):
        before = copy.deepcopy(part.to_json())
        expected = Interpreter(part).outputs()
        for unique_id in find_ports(part).outputs:
            pruned = prune(part, unique_id)
            assert part.to_json() == before
            assert prune(pruned, unique_id) == pruned
            again = reread(pruned)
            assert prune(again, unique_id).to_json() == again.to_json()
            run = Interpreter(again)
            assert run.outputs() == {unique_id: expected[unique_id]}
            needed = _upstream(run, unique_id)
            assert set(run.flat.nodes) == needed


@settings(max_examples=150, deadline=None)
@given(SEEDS)
def test_frozen_needs_no_input_and_stays_itself_when_stitched(seed: int) -> None:
    parts = parts_of(seed)
    *earlier, last = parts
    values = {uid: f"value of {uid}" for uid in find_ports(last).inputs}
    before = copy.deepcopy(last.to_json())
    frozen = freeze(last, values)
    assert last.to_json() == before
    assert not find_ports(frozen).inputs
    expected = Interpreter(last, values).outputs()
    assert Interpreter(frozen).outputs() == expected
    outputs = Interpreter(reread(stitched_of([*earlier, frozen]))).outputs()
    assert {uid: outputs[uid] for uid in expected} == expected


@settings(max_examples=150, deadline=None)
@given(SEEDS)
def test_references_built_on_references_make_what_the_run_made(seed: int) -> None:
    parts = parts_of(seed)
    references: dict[str, Workflow] = {}
    context: dict[str, Any] = {}
    for part in parts:
        made = {}
        outputs = Interpreter(part, context).outputs()
        for unique_id in outputs:
            closed = prune(part, unique_id)
            needed = find_ports(closed).inputs
            values = {uid: ("unmet", uid) for uid in needed if uid not in references}
            closed = freeze(closed, values)
            found = [references[uid] for uid in needed if uid in references]
            if found:
                closed = prune(stitched_of([*found, closed]), unique_id)
            made[unique_id] = reread(closed)
            assert not find_ports(closed).inputs
            assert Interpreter(closed).outputs() == {unique_id: outputs[unique_id]}
        context |= outputs
        references |= made


def _upstream(run: Interpreter, unique_id: str) -> set[str]:
    start = next(
        i
        for i, flat in run.flat.nodes.items()
        if flat.node.type == "DiscomfortPort"
        and flat.node.widgets_values[0] == unique_id
        and i not in run.used
        and run.inputs[i]
    )
    seen, stack = {start}, [start]
    while stack:
        for _, origin, _ in run.inputs[stack.pop()]:
            if origin not in seen:
                seen.add(origin)
                stack.append(origin)
    return seen
