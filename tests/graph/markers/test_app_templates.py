"""ComfyUI's own templates with an app: given nothing, they are queued as they were."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path

import pytest
from custom_nodes.discomfort.graph.convert.replace_nodes import lacks_classes
from custom_nodes.discomfort.graph.node_classes.object_info import index_object_info
from custom_nodes.discomfort.graph.plan.run_plan import plan_run
from custom_nodes.discomfort.graph.plan.swap_ports import swap_ports
from custom_nodes.discomfort.graph.workflow.parse import parse_workflow
from custom_nodes.discomfort.workflows.prepare import Preparer
from support import oracle


def _templates() -> list[Path]:
    spec = find_spec("comfyui_workflow_templates_json")
    if spec is None or spec.origin is None:
        return []
    if not oracle.has_public_set():  # there is no /object_info of ComfyUI 0.33
        return []
    files = sorted((Path(spec.origin).parent / "templates").glob("*.json"))
    texts = {file: file.read_text(encoding="utf-8") for file in files}
    apps = [file for file, text in texts.items() if '"linearData"' in text]
    # One has nodes of packs that are not there.
    return [f for f in apps if not lacks_classes(parse_workflow(json.loads(texts[f])), INFO)]


INFO = index_object_info(oracle.object_info())
TEMPLATES = _templates()


@pytest.mark.skipif(not TEMPLATES, reason="comfyui_workflow_templates_json is not installed")
def test_there_are_enough():
    assert len(TEMPLATES) >= 25


@pytest.mark.parametrize("path", TEMPLATES, ids=[p.stem for p in TEMPLATES])
def test_an_app_that_is_given_nothing_is_queued_as_the_file_has_it(path):
    data = json.loads(path.read_text(encoding="utf-8"))
    prepared = Preparer(INFO, ask_now=dict).prepare(data, path.name)
    ports = prepared.ports
    plan = plan_run(ports, lambda uid, kind: pytest.fail(uid), {}, set(ports.inputs))
    swapped = swap_ports(prepared.prompt, ports, plan, INFO)
    queued = {n: node for n, node in swapped.prompt.items() if n not in swapped.savers.values()}
    assert queued == {n: prepared.written[n] for n in queued}
    assert list(queued) == [n for n in prepared.written if n in queued]
    assert swapped.shown == prepared.written or not prepared.markers.ports
    assert all(marker.reason for marker in prepared.markers.refused)
    entries = data["extra"]["linearData"]
    asked = len(entries.get("inputs") or []) + len(entries.get("outputs") or [])
    assert len(prepared.markers.ports) + len(prepared.markers.refused) == asked
