"""What comes from a stranger: our own nodes in it are refused by name, at every entry."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from custom_nodes.discomfort.errors import CorruptValueError, UntrustedValueError, WorkflowError
from custom_nodes.discomfort.graph.plan.internal_nodes import INTERNAL
from support.prompts import port

KINDS = sorted(INTERNAL)


def hostile_prompt(kind: str) -> dict:
    """A prompt with an OUTPUT port, whose value such a node is to make."""
    place = {"run_dir": "/tmp", "version": "a_b"}
    inputs = {
        "DiscomfortContextLoader": {"unique_id": "a", "wanted": "{}", **place},
        "DiscomfortContextSaver": {"unique_id": "a", "handoff": "{}", "input_data": 1},
        "DiscomfortFree": {"nonce": "a"},
        "DiscomfortAsList": {"value": 1},
    }[kind]
    return {"7": {"class_type": kind, "inputs": inputs}, "8": port("out", ["7", 0])}


def hostile_workflow(kind: str) -> dict:
    made = {"name": "*", "type": "*", "links": [1]}
    nodes = [
        {"id": 7, "type": kind, "inputs": [], "outputs": [made]},
        {
            "id": 8,
            "type": "DiscomfortPort",
            "inputs": [{"name": "input_data", "type": "*", "link": 1}],
            "outputs": [{"name": "output", "type": "*", "links": []}],
            "widgets_values": ["out", ""],
        },
    ]
    return {"nodes": nodes, "links": [[1, 7, 0, 8, 0, "*"]]}


FORMS = pytest.mark.parametrize(
    "make", [hostile_prompt, hostile_workflow], ids=["prompt", "workflow"]
)


@FORMS
@pytest.mark.parametrize("kind", KINDS)
async def test_run_and_plan_refuse_internal_nodes(discomfort, tmp_path, make, kind):
    data = make(kind)
    path = tmp_path / "theirs.json"
    path.write_text(json.dumps(data))
    for given in (data, path):
        with pytest.raises(WorkflowError, match=f"node 7.*{kind}"):
            await discomfort.run(given)
        with pytest.raises(WorkflowError, match=f"node 7.*{kind}"):
            await discomfort.plan(given)


@FORMS
@pytest.mark.parametrize("kind", KINDS)
async def test_references_with_internal_nodes_are_refused(discomfort, tmp_path, make, kind):
    path = tmp_path / "theirs.json"
    path.write_text(json.dumps(make(kind)))
    with discomfort.Context() as context:
        with pytest.raises(CorruptValueError, match=kind):
            context.import_reference(path, "model")
        with pytest.raises(WorkflowError, match=kind):
            context.save("model", make(kind), pass_by="ref")
        assert not context.list_keys()


async def test_reference_that_was_put_into_a_context_by_other_means_is_refused(discomfort):
    user = {"class_type": "StubUseModel", "inputs": {"model": ["1", 0], "seed": 1}}
    use = {"1": port("model"), "2": user, "3": port("told", ["2", 0])}
    with discomfort.Context() as context:
        store = context.internal.store
        store.save("model", hostile_prompt("DiscomfortContextLoader"), pass_by="ref")
        with pytest.raises(WorkflowError, match="DiscomfortContextLoader"):
            await discomfort.run(use, context=context)


def test_stitching_and_validation_refuse_internal_nodes(discomfort, workflows):
    for kind in KINDS:
        with pytest.raises(WorkflowError, match=kind):
            parts = [workflows / "loop_text.json", hostile_workflow(kind)]
            discomfort.Tools.stitch_workflows(parts)
        assert not discomfort.Tools.validate_workflow(hostile_workflow(kind))


@FORMS
async def test_the_connector_refuses_internal_nodes(discomfort, make):
    for kind in KINDS:
        with pytest.raises(WorkflowError, match=kind):
            await discomfort.Worker.run_workflow(make(kind))
        with pytest.raises(WorkflowError, match=kind):
            await discomfort.Worker.execute(hostile_prompt(kind))
        with pytest.raises(WorkflowError, match=kind):
            async for _ in discomfort.Worker.stream(hostile_prompt(kind)):
                pass


class Touches:
    """Leaves a file when it is opened, here or in the worker."""

    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


COPY = {"1": port("given"), "2": port("copied", ["1", 0])}


async def test_value_of_an_untrusted_context_that_needs_code_is_opened_nowhere(
    discomfort, tmp_path, monkeypatch
):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    touched = tmp_path / "touched"
    with discomfort.Context() as context:
        context.save("given", Touches(touched))
        with discomfort.Context(run_id=context.run_id, create=False, trusted=False) as careful:
            with pytest.raises(UntrustedValueError, match="'given' is not given to the worker"):
                await discomfort.run(COPY, context=careful)
            assert not touched.exists()
            careful.save("given", [1, 2])
            assert (await discomfort.run(COPY, context=careful))["copied"] == [1, 2]
        await discomfort.run(COPY, {"given": Touches(touched)}, context=context)
    assert touched.exists(), "the worker opens what is trusted: else this test shows nothing"


async def test_what_the_script_gives_to_a_run_on_an_untrusted_context_arrives(discomfort):
    with discomfort.Context(trusted=False) as context:
        # The worker copied it; the script still opens none that needs code.
        with pytest.raises(UntrustedValueError, match="the value of 'copied'"):
            await discomfort.run(COPY, {"given": Path("ours")}, context=context)
        assert sorted(context.list_keys()) == ["copied", "given"]
