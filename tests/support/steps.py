"""Random prompts as they are queued, a world that they read, and a small ComfyUI that runs them.

What a node makes is a term of all that it could read. Two runs are the same if they make the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from custom_nodes.discomfort.graph.node_classes.object_info import index_object_info
from custom_nodes.discomfort.graph.plan.internal_nodes import LOADER, SAVER
from custom_nodes.discomfort.graph.plan.swap_ports import Swapped
from custom_nodes.discomfort.graph.prompt import Prompt, link_source, upstream
from custom_nodes.discomfort.graph.step_key.facts import Answer, ClassFacts, Facts, FileStamp
from custom_nodes.discomfort.graph.step_key.make_key import StepKey, make_key
from custom_nodes.discomfort.graph.step_key.questions import ask
from hypothesis import strategies as st

LITERALS = st.sampled_from(
    [0, 1, 1.0, True, False, None, "1", "", 0.0, -0.0, 2**70, -1, 1e300, "ü", "\ud800", "null"]
    + [{"__value__": [1, 2]}, {"__value__": [2, 1]}, {"a": 1, "b": 2}, {"a": [1]}, {"a": ["1"]}]
    + [float("inf"), ["b", 0, 1], {"a": {"b": [{"c": True}]}}, {"a": {"b": [{"c": 1}]}}]
)
FILES = ("cat.png", "dog.png [output]")
KEYS = ("picture", "mask")


def _class(hidden: Mapping[str, Any], is_output: bool = False, **inputs: Any) -> dict[str, Any]:
    shared = {"a": ["*", {}], "b": ["*", {}], "n": ["INT", {}]}
    return {
        "input": {"required": {}, "optional": {**shared, **inputs}, "hidden": hidden},
        "output": ["*", "*"],
        "output_node": is_output,
        "python_module": "nodes",
    }


RAW = {
    "Work": _class({}),
    "Other": _class({"key": "API_KEY_COMFY_ORG"}),
    "Read": _class({}, file=["COMBO", {"options": list(FILES), "image_upload": True}]),
    "KnowsId": _class({"id": "UNIQUE_ID"}),
    "KnowsIdNew": _class({"unique_id": ["UNIQUE_ID"]}),
    "SeesPrompt": _class({"prompt": "PROMPT"}),
    "SeesDynamic": _class({"prompt": ["DYNPROMPT"]}),
    "SeesWorkflow": _class({"extra_pnginfo": "EXTRA_PNGINFO"}),
    "Save": _class({"prompt": "PROMPT", "extra": "EXTRA_PNGINFO"}, is_output=True),
    "Raw": _class({}, a=["*", {"rawLink": True}]),
}
INFO = index_object_info(RAW)
PLAIN = ("Work", "Other", "Read")


@dataclass(frozen=True)
class World:
    """What a run reads beside its prompt. `blocks`: version of a value -> its content."""

    blocks: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, int] = field(default_factory=dict)
    answers: Mapping[str, Answer] = field(default_factory=dict)  # by class
    packs: Mapping[str, str] = field(default_factory=dict)  # by class
    server: str = "0.33"
    workflow: Any = None


def stamp_of(content: int) -> FileStamp:
    return FileStamp(1, 2, 3, 4, content)


def queued(prompt: Prompt) -> Swapped:
    """A prompt as `swap_ports` gives it. What nodes get to see has ports, and no loaders."""
    ends = [n for n, node in prompt.items() if node["class_type"] in ("Save", SAVER)]
    needed = frozenset(upstream(prompt, ends))
    shown = {n: node for n, node in prompt.items() if node["class_type"] != LOADER}
    return Swapped(prompt, shown, needed=needed)


def facts_of(step: Swapped, world: World) -> Facts:
    """The facts that the step's questions ask for, and no others."""
    questions = ask(step, INFO)
    versions = {
        node["inputs"]["unique_id"]: node["inputs"]["version"]
        for node in step.prompt.values()
        if node["class_type"] == LOADER
    }
    return Facts(
        values={key: world.blocks[versions[key]] for key in questions.values},
        answers={
            n: world.answers.get(step.prompt[n]["class_type"], Answer()) for n in questions.nodes
        },
        files={
            f: (stamp_of(world.files[f.name]),) if f.name in world.files else ()
            for f in questions.files
        },
        classes={k: ClassFacts(world.packs.get(k, "v1")) for k in questions.classes},
        server={"comfyui": world.server},
        kept={n["inputs"]["unique_id"]: "val" for n in _savers(step)},
        workflow=world.workflow,
    )


def _savers(step: Swapped) -> list[dict[str, Any]]:
    return [node for node in step.prompt.values() if node["class_type"] == SAVER]


def key_of(prompt: Prompt, world: World | None = None) -> StepKey:
    step = queued(prompt)
    return make_key(step, INFO, facts_of(step, world or World()))


def run(prompt: Prompt, world: World) -> Any:
    """What the outputs are, and what the output nodes have got."""
    made: dict[str, Any] = {}
    needed = queued(prompt).needed
    terms = sorted(
        repr(_term(prompt, n, world, made))
        for n in needed
        if prompt[n]["class_type"] in ("Save", SAVER)
    )
    return world.server, terms


def _term(prompt: Prompt, node_id: str, world: World, made: dict[str, Any]) -> Any:
    if node_id not in made:
        node = prompt[node_id]
        kind, inputs = node["class_type"], node["inputs"]
        if kind == LOADER:
            return world.blocks[inputs["version"]], inputs["wanted"]
        fed: list[Any] = []
        for name, value in sorted(inputs.items()):
            link = link_source(value)
            if link is None:
                fed.append((name, typed(value), world.files.get(str(value))))
            else:
                fed.append((name, _term(prompt, link.node_id, world, made), link.slot))
        said = world.answers.get(kind, Answer()).said
        seen = _seen(prompt, node_id, world)
        made[node_id] = (kind, world.packs.get(kind, "v1"), said, seen, fed)
    return made[node_id]


def _seen(prompt: Prompt, node_id: str, world: World) -> Any:
    """What a node gets to see beside its inputs."""
    kind, step = prompt[node_id]["class_type"], queued(prompt)
    if kind.startswith("KnowsId"):
        return node_id
    if kind == "SeesPrompt":
        return repr(step.shown)
    if kind == "SeesDynamic":
        values = [_term(prompt, n, world, {}) for n in step.needed if n.startswith("in ")]
        return [n for n in prompt if n in step.needed], sorted(values)
    return world.workflow if kind == "SeesWorkflow" else None


def typed(value: Any) -> Any:
    """A literal with its types, so that 1, 1.0 and True are three."""
    if isinstance(value, dict):
        return "dict", sorted((k, typed(v)) for k, v in value.items())
    if isinstance(value, list):
        return "list", [typed(item) for item in value]
    return type(value).__name__, repr(value)


@st.composite
def prompts(draw: Any, kinds: tuple[str, ...] = PLAIN) -> Prompt:
    """A prompt with up to seven nodes, and something that is saved."""
    prompt: Prompt = {}
    for key in draw(st.lists(st.sampled_from(KEYS), unique=True)):
        prompt[f"in {key}"] = loader(key, draw(st.sampled_from(("v1", "v2", "v3"))))
    for number in range(draw(st.integers(1, 5))):
        prompt[str(number)] = draw(_node(kinds, tuple(prompt)))
    for number in range(draw(st.integers(1, 2))):
        prompt[f"save {number}"] = draw(_node(("Save",), tuple(prompt)))
    source = draw(st.sampled_from(tuple(prompt)))
    prompt["out"] = {
        "class_type": SAVER,
        "inputs": {"unique_id": "result", "input_data": [source, draw(st.integers(0, 1))]},
    }
    return prompt


def loader(key: str, version: str, wanted: str = "{}") -> dict[str, Any]:
    inputs = {"unique_id": key, "version": version, "wanted": wanted}
    return {"class_type": LOADER, "inputs": inputs}


@st.composite
def _node(draw: Any, kinds: tuple[str, ...], before: tuple[str, ...]) -> dict[str, Any]:
    kind = draw(st.sampled_from(kinds))
    inputs: dict[str, Any] = {}
    for name in draw(st.lists(st.sampled_from("ab"), unique=True)):
        if before:
            inputs[name] = [draw(st.sampled_from(before)), draw(st.integers(0, 1))]
    if draw(st.booleans()):
        inputs["n"] = draw(LITERALS)
    if kind == "Read":
        inputs["file"] = draw(st.sampled_from(FILES))
    return {"class_type": kind, "inputs": inputs}


WORLDS = st.builds(
    World,
    blocks=st.fixed_dictionaries({v: st.sampled_from(("x", "y")) for v in ("v1", "v2", "v3")}),
    files=st.dictionaries(st.sampled_from(FILES), st.integers(0, 1)),
    answers=st.dictionaries(
        st.just("Read"), st.sampled_from((Answer("[1]"), Answer("[1.0]"), Answer("")))
    ),
    packs=st.dictionaries(st.sampled_from(PLAIN), st.sampled_from(("v1", "v2"))),
    server=st.sampled_from(("0.33", "0.34")),
)


@st.composite
def changed(draw: Any, prompt: Prompt, world: World) -> tuple[Prompt, World]:
    """The step after a few small changes, each of which may matter or not."""
    for _ in range(draw(st.integers(0, 3))):
        which = draw(st.sampled_from(("literal", "link", "world", "twin", "idle", "look")))
        if which == "world":
            other = draw(WORLDS)
            name = draw(st.sampled_from(("blocks", "files", "answers", "packs", "server")))
            world = replace(world, **{name: getattr(other, name)})
        elif which == "look":
            prompt = draw(with_other_looks(prompt))
        else:
            prompt = draw(_CHANGES[which](prompt))
    return prompt, world


@st.composite
def with_other_looks(draw: Any, prompt: Prompt) -> Prompt:
    """Other ids, titles and order."""
    ids = list(prompt)
    names = dict(zip(ids, draw(st.permutations([f"{i}:x" for i in range(len(ids))])), strict=True))
    made = {}
    for node_id in draw(st.permutations(ids)):
        node = prompt[node_id]
        inputs = {}
        for name in draw(st.permutations(list(node["inputs"]))):
            link = link_source(node["inputs"][name])
            inputs[name] = [names[link.node_id], link.slot] if link else node["inputs"][name]
        title = draw(st.sampled_from(("", "a title")))
        made[names[node_id]] = {**node, "inputs": inputs, "_meta": {"title": title}}
    return made


@st.composite
def _other_literal(draw: Any, prompt: Prompt) -> Prompt:
    node_id = draw(st.sampled_from([n for n in prompt if prompt[n]["class_type"] != LOADER]))
    node = prompt[node_id]
    return {**prompt, node_id: {**node, "inputs": {**node["inputs"], "n": draw(LITERALS)}}}


@st.composite
def _other_link(draw: Any, prompt: Prompt) -> Prompt:
    linked = [
        (n, name)
        for n, node in prompt.items()
        for name, value in node["inputs"].items()
        if link_source(value) is not None
    ]
    node_id, name = draw(st.sampled_from(linked))
    before = [n for n in prompt if node_id not in upstream(prompt, [n])]
    link = [draw(st.sampled_from(before)), draw(st.integers(0, 1))]
    node = prompt[node_id]
    return {**prompt, node_id: {**node, "inputs": {**node["inputs"], name: link}}}


@st.composite
def _twin(draw: Any, prompt: Prompt) -> Prompt:
    """One of the links leads to a node that is equal to the one that it came from."""
    user, name = draw(
        st.sampled_from(
            [(n, i) for n, d in prompt.items() for i, v in d["inputs"].items() if link_source(v)]
        )
    )
    link = link_source(prompt[user]["inputs"][name])
    assert link is not None
    if prompt[link.node_id]["class_type"] == "Save":
        return prompt
    twin = f"twin of {link.node_id}"
    node = prompt[user]
    return {
        **prompt,
        twin: prompt[link.node_id],
        user: {**node, "inputs": {**node["inputs"], name: [twin, link.slot]}},
    }


@st.composite
def _idle(draw: Any, prompt: Prompt) -> Prompt:
    """A node that nothing needs."""
    source = draw(st.sampled_from(tuple(prompt)))
    return {**prompt, "idle": {"class_type": "Work", "inputs": {"a": [source, 0]}}}


_CHANGES = {"literal": _other_literal, "link": _other_link, "twin": _twin, "idle": _idle}
