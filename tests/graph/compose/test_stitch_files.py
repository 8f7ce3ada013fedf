"""Stitching and pruning of the project's own test workflows."""

from __future__ import annotations

import json
from typing import Any

import pytest
from custom_nodes.discomfort.errors import WorkflowError
from custom_nodes.discomfort.graph.compose.prune import prune
from custom_nodes.discomfort.graph.compose.stitch import stitch
from custom_nodes.discomfort.graph.ports.find_ports import find_ports
from custom_nodes.discomfort.graph.workflow.model import Workflow
from custom_nodes.discomfort.graph.workflow.parse import parse_workflow
from support.consistency import find_inconsistencies
from support.flow import Interpreter
from support.package import ROOT

FOLDER = ROOT / "test_workflows"


def read(name: str) -> Any:
    return json.loads((FOLDER / name).read_text(encoding="utf-8"))


def good_files() -> list[str]:
    """The files that are workflows whose ports can be used; the others show errors."""
    names = []
    for path in sorted(FOLDER.glob("*.json")):
        try:
            find_ports(parse_workflow(read(path.name)))
        except WorkflowError:
            continue
        names.append(path.name)
    return names


FILES = good_files()


def reread(workflow: Workflow) -> Workflow:
    data = json.loads(json.dumps(workflow.to_json()))
    assert find_inconsistencies(data) == []
    return parse_workflow(data)


def test_there_are_files() -> None:
    assert len(FILES) > 20


@pytest.mark.parametrize("name", FILES)
def test_each_output_of_a_file_can_be_pruned(name: str) -> None:
    workflow = parse_workflow(read(name))
    whole = Interpreter(workflow).outputs()
    for unique_id in find_ports(workflow).outputs:
        result = reread(prune(workflow, unique_id))
        assert Interpreter(result).outputs() == {unique_id: whole[unique_id]}
    assert workflow.to_json() == parse_workflow(read(name)).to_json()


@pytest.mark.parametrize("name", FILES)
def test_each_file_stitched_to_itself_goes_on_where_it_ended(name: str) -> None:
    workflow = parse_workflow(read(name))
    once = Interpreter(workflow).outputs()
    twice = Interpreter(workflow, once).outputs()
    outputs = Interpreter(reread(stitch([workflow, workflow]))).outputs()
    assert {uid: outputs.get(uid) for uid in twice} == twice
