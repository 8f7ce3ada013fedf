"""A workflow with ports as a prompt, and plans of it, for tests that explain or draw one."""

from __future__ import annotations

from typing import Any

from custom_nodes.discomfort.graph.explain.workflow_plan import (
    GIVEN,
    Offer,
    Surroundings,
    WorkflowPlan,
    explain_workflow,
)
from custom_nodes.discomfort.graph.node_classes.object_info import index_object_info
from custom_nodes.discomfort.graph.plan.recipe import make_recipe
from custom_nodes.discomfort.graph.plan.run_plan import Graft, Literal, Load
from custom_nodes.discomfort.graph.ports.find_ports import find_ports_in_prompt
from custom_nodes.discomfort.graph.prompt import Prompt, Source


def class_of(outputs: list[str], is_output: bool = False, **inputs: str) -> dict[str, Any]:
    required = {name: (kind, {}) for name, kind in inputs.items()}
    return {"input": {"required": required}, "output": outputs, "output_node": is_output}


INFO = index_object_info(
    {
        "Load": class_of(["MODEL", "CLIP"], name="STRING"),
        "Patch": class_of(["MODEL"], model="MODEL", amount="FLOAT"),
        "Use": class_of(["IMAGE"], model="MODEL", text="STRING", image="IMAGE"),
        "Show": class_of([], is_output=True, image="IMAGE"),
        "DiscomfortPort": class_of(["*"], input_data="*"),
        "DiscomfortContextSaver": class_of([], is_output=True, input_data="*"),
        "DiscomfortContextLoader": class_of(["*"], unique_id="STRING"),
    }
)
AROUND = Surroundings({"MODEL": "ref", "CLIP": "ref"}, INFO, {})
LOADED = {"9": {"class_type": "Load", "inputs": {"name": "a"}}}
MODEL = make_recipe(LOADED, Source("9", 0))


def port(unique_id: str, source: list | None = None, tags: str = "") -> dict:
    inputs = {"unique_id": unique_id, "tags": tags, **({"input_data": source} if source else {})}
    return {"class_type": "DiscomfortPort", "inputs": inputs}


WORK: Prompt = {
    "1": port("model"),
    "2": port("text", tags="prompt, short"),
    "3": port("image"),
    "4": {
        "class_type": "Use",
        "inputs": {"model": ["1", 0], "text": ["2", 0], "image": ["3", 0]},
        "_meta": {"title": "Paint <it> & 'go'\x00\ud800"},
    },
    "5": port("between", ["4", 0]),
    "6": {"class_type": "Show", "inputs": {"image": ["5", 0]}},
    "7": port("result", ["4", 0]),
    "8": {"class_type": "Patch", "inputs": {"model": ["1", 0], "amount": 0.5}},
    "10": port("patched", ["8", 0]),
    "11": {"class_type": "Load", "inputs": {"name": "not needed"}},
}
OFFERS = {
    "model": Offer(Graft(MODEL), "context"),
    "text": Offer(Literal("a cat"), "inputs"),
    "image": Offer(Load("image", GIVEN), "inputs", 12_600_000, "ram"),
}


def plan_of(offers: dict[str, Offer] = OFFERS, around: Surroundings = AROUND) -> WorkflowPlan:
    ports = find_ports_in_prompt(WORK, INFO)
    return explain_workflow("work.json", WORK, ports, offers, around)[0]
