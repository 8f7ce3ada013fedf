"""Random graphs cut into files at ports, and a small ComfyUI of our own that runs prompts.

A value is a term: what made it, from what. The truth about a graph is computed from the graph
itself; files, conversion, ports and references must not change it.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from custom_nodes.discomfort.graph.compose.closure import close_workflow
from custom_nodes.discomfort.graph.convert.to_prompt import to_prompt
from custom_nodes.discomfort.graph.node_classes.object_info import index_object_info
from custom_nodes.discomfort.graph.plan.internal_nodes import LOADER
from custom_nodes.discomfort.graph.plan.recipe import Recipe
from custom_nodes.discomfort.graph.plan.run_plan import (
    Binding,
    Frozen,
    Graft,
    Load,
    StepPlan,
    plan_run,
)
from custom_nodes.discomfort.graph.plan.swap_ports import recipe_of_output, swap_ports
from custom_nodes.discomfort.graph.ports.find_ports import find_ports
from custom_nodes.discomfort.graph.prompt import Prompt, link_source
from custom_nodes.discomfort.graph.workflow.model import Workflow
from custom_nodes.discomfort.graph.workflow.parse import parse_workflow
from support.flow import SUBGRAPH_INPUT, Flow

KINDS = ("VALUE", "MODEL")  # of the two outputs of every node
INPUTS = (("a", "VALUE"), ("b", "VALUE"), ("m", "MODEL"))
RULES = {"MODEL": "ref"}


def _class(outputs: list[str], inputs: Mapping[str, str], **widgets: str) -> dict[str, Any]:
    return {
        "input": {
            "required": {name: (kind, {}) for name, kind in widgets.items()},
            "optional": {name: (kind, {}) for name, kind in inputs.items()},
        },
        "output": outputs,
        "output_node": False,
    }


INFO = index_object_info(
    {
        **{f"Work{i}": _class(list(KINDS), dict(INPUTS), n="INT") for i in range(3)},
        "KeepVALUE": _class(["VALUE"], {"x": "VALUE"}),
        "KeepMODEL": _class(["MODEL"], {"x": "MODEL"}),
        "DiscomfortPort": _class(["*"], {"input_data": "*"}, unique_id="STRING", tags="STRING"),
    }
)


@dataclass(frozen=True)
class Job:
    """One node of a graph: its class, its number, and where its inputs come from."""

    kind: str
    n: int
    sources: Mapping[str, tuple[int, int]]  # input name -> (job, output slot)


def random_jobs(rng: random.Random) -> list[Job]:
    jobs: list[Job] = []
    for _ in range(rng.randint(2, 8)):
        sources = {}
        for name, kind in INPUTS:
            if jobs and rng.random() < 0.6:
                sources[name] = rng.randrange(len(jobs)), KINDS.index(kind)
        jobs.append(Job(f"Work{rng.randrange(3)}", rng.randrange(4), sources))
    return jobs


def truth(jobs: list[Job]) -> list[Any]:
    """The term that each job makes."""
    made: list[Any] = []
    for job in jobs:
        fed = {name: (made[i], slot) for name, (i, slot) in job.sources.items()}
        made.append((job.kind, job.n, tuple(sorted(fed.items()))))
    return made


def random_cut(rng: random.Random, jobs: list[Job]) -> list[list[int]]:
    """The jobs in consecutive pieces."""
    pieces: list[list[int]] = [[]]
    for index in range(len(jobs)):
        if pieces[-1] and rng.random() < 0.4:
            pieces.append([])
        pieces[-1].append(index)
    return pieces


def uid_of(source: tuple[int, int]) -> str:
    return f"v{source[0]}.{source[1]}"


def build_piece(
    jobs: list[Job], piece: list[int], looks: random.Random, shape: random.Random
) -> Workflow:
    """A file with these jobs. Every output that a later job of another piece, or the user, takes
    has an OUTPUT port.

    Args:
        looks: draws ids, titles and the order in the file.
        shape: draws what links lead through, and what is in subgraphs.
    """
    return _Piece(jobs, piece, looks, shape).workflow()


class _Piece:
    def __init__(
        self, jobs: list[Job], piece: list[int], looks: random.Random, shape: random.Random
    ):
        self.jobs, self.piece, self.looks, self.shape = jobs, piece, looks, shape
        self.flow = Flow(name="piece")
        self.ids = iter(looks.sample(range(1, 5000), 400))
        self.made: dict[tuple[int, int], tuple[Any, int]] = {}
        self.ports: dict[str, int] = {}

    def workflow(self) -> Workflow:
        for index in self.piece:
            self._add(index)
        wanted = {
            source
            for i, job in enumerate(self.jobs)
            for source in job.sources.values()
            if i not in self.piece and source[0] in self.piece
        }
        wanted |= {(self.piece[-1], slot) for slot in (0, 1)}
        for source in sorted(wanted):
            self._port(self.flow, uid_of(source), self._through(self.made[source], source[1]))
        _type_links(self.flow)
        data = self.flow.json()
        self.looks.shuffle(data["nodes"])
        return parse_workflow(data)

    def _node(self, flow: Flow, kind: str, *sources: Any, slots: Any = (), **more: Any) -> int:
        """A node with typed slots, an id and a title by chance."""
        more.setdefault("title", self.looks.choice(("", "a title", "another")))
        if more["title"] == "":
            del more["title"]
        names = tuple(name for name, _ in slots)
        node_id = flow.node(kind, *sources, names=names, node_id=next(self.ids), **more)
        node = flow.at(node_id)
        for entry, (_, type_) in zip(node["inputs"], slots, strict=False):
            entry["type"] = type_
        for entry, type_ in zip(node["outputs"], INFO.output_types(kind), strict=False):
            entry["type"] = type_
        return node_id

    def _port(self, flow: Flow, unique_id: str, source: Any = None) -> int:
        slots = (("input_data", "*"),)
        return self._node(flow, "DiscomfortPort", source, slots=slots, widgets=[unique_id, ""])

    def _add(self, index: int) -> None:
        job = self.jobs[index]
        if self.shape.random() < 0.3:
            self._add_in_subgraph(index, job)
            return
        sources = [self._source(job, name, slot) for name, slot in INPUTS]
        node_id = self._node(
            self.flow, job.kind, *sources, slots=INPUTS, outputs=2, widgets=[job.n]
        )
        for slot in (0, 1):
            self.made[index, slot] = (node_id, slot)
        if self.shape.random() < 0.2:  # a muted node changes nothing
            self._node(
                self.flow, job.kind, (node_id, 0), slots=INPUTS, outputs=2, mode=2, widgets=[9]
            )

    def _add_in_subgraph(self, index: int, job: Job) -> None:
        inner, outside = Flow(), []
        sources: list[Any] = []
        for name, _ in INPUTS:
            source = job.sources.get(name)
            if source is None:
                sources.append(None)
            elif source[0] not in self.piece and self.shape.random() < 0.5:
                sources.append(self._port(inner, uid_of(source)))
            else:
                outside.append(self._source(job, name, ""))
                sources.append(inner.subgraph_input(name))
                inner.inputs[-1]["type"] = dict(INPUTS)[name]
        node_id = self._node(inner, job.kind, *sources, slots=INPUTS, outputs=2, widgets=[job.n])
        for slot in (0, 1):
            inner.subgraph_output(KINDS[slot], (node_id, slot))
            inner.outputs[-1]["type"] = KINDS[slot]
        _type_links(inner)
        self.flow.definitions.update(inner.definitions)
        key = self.flow.define(f"subgraph-{index}", inner)
        instance = self.flow.instance(key, *outside, node_id=next(self.ids))
        for side in ("inputs", "outputs"):
            for outer, edge in zip(self.flow.at(instance)[side], getattr(inner, side), strict=True):
                outer["type"] = edge["type"]
        for slot in (0, 1):
            self.made[index, slot] = (instance, slot)

    def _source(self, job: Job, name: str, kind: str) -> Any:
        source = job.sources.get(name)
        if source is None:
            return None
        if source[0] in self.piece:
            return self._through(self.made[source], source[1])
        unique_id = uid_of(source)
        if unique_id not in self.ports or self.shape.random() < 0.5:
            self.ports[unique_id] = self._port(self.flow, unique_id)
        return self._through((self.ports[unique_id], 0), source[1])

    def _through(self, source: tuple[Any, int], slot: int) -> tuple[Any, int]:
        """What a link leads through on its way: reroutes, passthru ports, bypassed nodes."""
        while self.shape.random() < 0.3:
            way = self.shape.randrange(3)
            if way == 0:
                node_id = self._node(self.flow, "Reroute", source, slots=(("", "*"),))
            elif way == 1:
                node_id = self._port(self.flow, f"passing {next(self.ids)}", source)
            else:
                slots = (("x", KINDS[slot]),)
                node_id = self._node(self.flow, f"Keep{KINDS[slot]}", source, slots=slots, mode=4)
            source = (node_id, 0)
        return source


def _type_links(flow: Flow) -> None:
    for link in flow.links:
        origin, slot = link[1], link[2]
        slots = flow.inputs if origin == SUBGRAPH_INPUT else flow.at(origin)["outputs"]
        link[5] = slots[slot]["type"]


class Store:
    """A context, and a run over it: the decisions are those of `graph`, the effects our own."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self.references: dict[str, Workflow] = {}

    def run(self, workflow: Workflow) -> None:
        ports, prompt = find_ports(workflow), to_prompt(workflow, INFO)
        plan = plan_run(ports, lambda uid, _: self.binding(uid), RULES)
        swapped = swap_ports(prompt, ports, plan, INFO)
        made = {uid: self._close(workflow, uid, plan) for uid in plan.references}
        for unique_id, node_id in swapped.savers.items():
            source = link_source(swapped.prompt[node_id]["inputs"]["input_data"])
            assert source is not None
            self.values[unique_id] = evaluate(swapped.prompt, *source, self.values)
        self.references |= made

    def binding(self, unique_id: str) -> Binding:
        if unique_id in self.references:
            return Graft(recipe_of(self.references[unique_id], unique_id))
        return Load(unique_id, unique_id)

    def value(self, unique_id: str) -> Any:
        """The value, if need be by rebuilding it."""
        if unique_id in self.values:
            return self.values[unique_id]
        recipe = recipe_of(self.references[unique_id], unique_id)
        return evaluate(recipe.nodes, *recipe.source, self.values)

    def _close(self, workflow: Workflow, unique_id: str, plan: StepPlan) -> Workflow:
        bindings = {uid: f for uid, f in plan.bindings.items() if not isinstance(f, Graft)}
        closed = close_workflow(
            workflow, unique_id, bindings, self.references, INFO, lambda load: Frozen(load.version)
        )
        return parse_workflow(closed.to_json())


def recipe_of(stored: Workflow, unique_id: str) -> Recipe:
    ports = find_ports(stored)
    assert not ports.inputs
    plan = StepPlan({}, (), (unique_id,))
    return recipe_of_output(to_prompt(stored, INFO), ports, plan, INFO, unique_id)


def evaluate(prompt: Prompt, node_id: str, slot: int, values: Mapping[str, Any]) -> Any:
    """What a node of a prompt gives at a slot, as ComfyUI would make it."""
    node = prompt[node_id]
    if node["class_type"] == LOADER:
        return values[node["inputs"]["version"]]
    fed = {}
    for name, value in node["inputs"].items():
        link = link_source(value)
        if link is not None:
            fed[name] = evaluate(prompt, *link, values)
    return ((node["class_type"], node["inputs"]["n"], tuple(sorted(fed.items()))), slot)
