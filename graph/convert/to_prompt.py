"""A workflow becomes the prompt that the front end's "Export (API)" gives. Pure, no browser.

The order of work: parse, expand group nodes, flatten, then for each node its widgets' values and
over them what its links lead to. All that is wrong is reported at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from ...errors import CHECK_HINT, Problem, WorkflowError
from ..node_classes.core_nodes import BROWSER_INPUTS
from ..node_classes.input_specs import MISSING
from ..node_classes.node_class import ClassSpec
from ..node_classes.object_info import ObjectInfo
from ..node_classes.widgets import index_object_info
from ..prompt import Prompt, PromptNode, Source
from ..workflow.model import PORT_TYPE, Workflow
from ..workflow.order import execution_order
from ..workflow.parse import parse_workflow
from .draw_seeds import Draw, Place, draw_seeds
from .editor_state import NodeState
from .find_controls import draw_impossible, find_controls
from .flatten import FlatGraph, FlatNode, flatten
from .follow_link import Promoted, inputs_on_way
from .missing_classes import pack_meta
from .patterns import Patterns
from .primitives import REPLACE_PROPERTY, primitive_of, primitive_value
from .unusable import is_missing_class, unusable_type
from .widget_values import dynamic_prompt


class Conversion(NamedTuple):
    """A prompt, and what was decided on the way.

    `seeds`: the values that were drawn, `{(node_id, input_name): new value}`.
    `under`: the values of the widgets that ports feed, which count while these have none.
    `undated`: the texts in which `%date:...%` was filled in, as they are without that.
    """

    prompt: Prompt
    seeds: dict[Place, Any]
    under: dict[Place, Any]
    undated: dict[Place, str]


def to_prompt(
    workflow: Mapping[str, Any] | Workflow,
    object_info: Mapping[str, Any] | ObjectInfo,
    *,
    randomize_seeds: bool = False,
    seed: int | None = None,
    now: datetime | None = None,
) -> Prompt:
    """Convert a workflow into the prompt that ComfyUI takes. Arguments and errors: `convert`.

    A seed has the value in the file, like in "Export (API)". The editor changes seeds when it
    *queues* a prompt; `randomize_seeds` does the same here: a random value, one more or one less,
    as the widget beside the seed says ("fixed" stays).
    """
    draw = Draw() if randomize_seeds else None
    return convert(workflow, object_info, seed=seed, now=now, draw=draw).prompt


def convert(
    workflow: Mapping[str, Any] | Workflow,
    object_info: Mapping[str, Any] | ObjectInfo,
    *,
    seed: int | None = None,
    now: datetime | None = None,
    draw: Draw | None = None,
) -> Conversion:
    """Convert a workflow, and report which seeds were changed.

    Args:
        workflow: the editor's JSON, or parsed; not changed. Lists and dicts among its values
            appear in the prompt as they are, not copied.
        object_info: the server's /object_info; index it once (`index_object_info`) when
            converting often.
        seed: makes the random choices repeatable. Of `{a|b}` in a prompt text, the text and this
            number decide which option is taken, so that None takes the same one each time; with
            None, new seeds come from the system's randomness.
        now: the time for %date:...% in file names. None: the clock.
        draw: change seeds; None: leave them as they are.

    Raises:
        WorkflowError: unknown node types, links to nowhere, values that can't be read: all of
            them at once.
    """
    info = index_object_info(object_info)
    parsed = workflow if isinstance(workflow, Workflow) else parse_workflow(workflow)
    flat = flatten(parsed, info)
    writer = _Writer(flat, info, 0 if seed is None else seed, now)
    prompt, problems = writer.nodes()
    if problems:
        lacks = any(is_missing_class(n.node, n.state.spec, info) for n in flat.nodes.values())
        hint = CHECK_HINT if lacks else ""
        raise WorkflowError("The workflow can't be converted:", problems, hint)
    # The server would refuse a cycle too, but without saying which nodes.
    execution_order(
        prompt,
        writer.links,
        lambda i: flat.nodes[i].problem(
            "it feeds the next one in this list, and the last feeds the first"
        ),
    )
    seeds = {}
    if draw is not None:
        controls = find_controls(flat, writer.primitive_controls)
        seeds = draw_seeds(prompt, controls, writer.shared, draw, seed)
    return Conversion(prompt, seeds, writer.under, writer.undated)


class PartOfPrompt(NamedTuple):
    """What `known_part` gives: the prompt without those nodes that have problems.

    Attributes:
        unknown: the nodes whose classes the server lacks.
        problems: of the others.
    """

    prompt: Prompt
    unknown: list[FlatNode]
    problems: list[Problem]


def known_part(workflow: Workflow, info: ObjectInfo) -> PartOfPrompt:
    """As much of the prompt as can be told where `convert` raises: not to be run, but looked at.

    Raises:
        WorkflowError: nothing can be told: its subgraphs or links can't be followed.
    """
    flat = flatten(workflow, info)
    writer = _Writer(flat, info, 0, None)
    prompt, problems = writer.nodes()
    unknown = [n for n in flat.nodes.values() if is_missing_class(n.node, n.state.spec, info)]
    ids = {node.id for node in unknown}
    return PartOfPrompt(prompt, unknown, [p for p in problems if p.node_id not in ids])


class _Writer:
    """Writes nodes one by one. Holds what is the same for all of them."""

    def __init__(self, flat: FlatGraph, info: ObjectInfo, seed: int, now: datetime | None):
        self.flat = flat
        self.rules_of = info.rules
        self.seed = seed
        self.patterns = Patterns(flat.root.graph, now)
        self.links: list[tuple[str, str]] = []
        # Which inputs get their value from one place: (node id, input) -> that place.
        self.shared: dict[tuple[str, str], Any] = {}
        self.primitive_controls: dict[tuple[str, str], Any] = {}
        self.under: dict[Place, Any] = {}
        self.undated: dict[Place, str] = {}

    def nodes(self) -> tuple[Prompt, list[Problem]]:
        """All nodes that can be written, and what keeps the others from it."""
        prompt: Prompt = {}
        problems: list[Problem] = []
        for node in self.flat.nodes.values():
            found = self.node(node, problems)
            if found is not None:
                prompt[node.id] = found
        return prompt, problems

    def node(self, flat: FlatNode, problems: list[Problem]) -> PromptNode | None:
        """The node as the prompt has it; None if there are problems, which join the list."""
        spec = flat.state.spec
        if spec is None or (spec.rules is not None and spec.rules.is_refused):
            rules = spec.rules if spec is not None else self.rules_of(flat.node.type)
            problems.append(flat.problem(unusable_type(flat.node, rules)))
            return None
        count = len(problems)
        inputs: dict[str, Any] = {}
        try:
            self._write_values(flat, spec, inputs)
            if spec.rules is not None and spec.rules.drawn:
                draw_impossible(flat.state, inputs, f"{self.seed} {flat.id}")
        except WorkflowError as e:
            problems.extend(flat.problem(p.reason) for p in e.problems)
        for name in flat.state.links:
            try:
                self._write_link(flat, name, inputs)
            except WorkflowError as e:
                problems.extend(e.problems)
        if spec.class_type in BROWSER_INPUTS:
            name = BROWSER_INPUTS[spec.class_type]
            if not inputs.get(name):
                problems.append(
                    flat.problem(
                        f"its {name!r} is recorded by the browser, and the file has no recording; "
                        "load a file with another node"
                    )
                )
        if len(problems) > count:
            return None
        title = flat.node.data.get("title") or spec.display_name
        meta = {"title": title, **pack_meta(flat.node.properties)}
        return {"inputs": inputs, "class_type": spec.class_type, "_meta": meta}

    def _write_values(self, flat: FlatNode, spec: ClassSpec, inputs: dict[str, Any]) -> None:
        state = flat.state
        for name, value in state.values.items():
            kind = type(value)
            if kind is str:
                widget = spec.by_name.get(name) or state.widget(name)
                if widget is not None and widget.options.get("dynamicPrompts"):
                    value = dynamic_prompt(value, self.seed)
                elif name in spec.patterns:
                    value = self._fill_in(value, (flat.id, name))
            elif kind is list:
                widget = spec.by_name.get(name)
                value = _wrapped(value, widget.type if widget is not None else "")
            inputs[name] = value

    def _write_link(self, flat: FlatNode, name: str, inputs: dict[str, Any]) -> None:
        """Put what the link leads to over the widget's own value; nothing leaves it as it is."""
        found = self.flat.resolve(flat, name)
        if isinstance(found, Source):
            origin = self.flat.nodes.get(found.node_id)
            if origin is not None and origin.node.type == PORT_TYPE:
                self._note_under(flat, name, inputs)
            inputs[name] = [found.node_id, found.slot]
            self.undated.pop((flat.id, name), None)
            self.links.append((found.node_id, flat.id))
        elif isinstance(found, Promoted):
            inputs[name] = _wrapped(found.value)
            self.undated.pop((flat.id, name), None)
            self.shared[flat.id, name] = (id(found.scope), id(found.instance), found.slot)
        elif (
            name in inputs
            and (primitive := primitive_of(flat.scope.graph, flat.state, name)) is not None
        ):
            value = self._primitive_value(flat, name, primitive)
            if value is not MISSING:
                inputs[name] = _wrapped(value)
                self.shared[flat.id, name] = (id(flat.scope), id(primitive))
                self.primitive_controls[flat.id, name] = (
                    primitive.node.widgets_values[1:2] or [False]
                )[0]

    def _note_under(self, flat: FlatNode, name: str, inputs: Mapping[str, Any]) -> None:
        """Note what the input would have if its port were not linked: the widget's value, or what
        the outermost instance that the port is linked to shows for it.
        """
        if name not in inputs:
            return
        last = [*inputs_on_way(flat.scope, flat.state, name)][-1]
        value = inputs[name] if last.state is flat.state else last.state.value(last.name)
        if value is not MISSING:
            self.under[flat.id, name] = value if last.state is flat.state else _wrapped(value)

    def _primitive_value(self, flat: FlatNode, name: str, primitive: NodeState) -> Any:
        value = primitive_value(flat.scope.graph, flat.state, name)
        if value is not MISSING:
            self.undated.pop((flat.id, name), None)
        if isinstance(value, str) and primitive.node.properties.get(REPLACE_PROPERTY):
            return self._fill_in(value, (flat.id, name))
        return value

    def _fill_in(self, text: str, at: Place) -> str:
        """The text with its %patterns% replaced."""
        filled, undated = self.patterns.fill_in(text)
        if undated != filled:
            self.undated[at] = undated
        return filled


def _wrapped(value: Any, kind: str = "") -> Any:
    """A list would be taken for a link, so it is wrapped; a curve's says what it is."""
    if not isinstance(value, list):
        return value
    return {"__type__": "CURVE", "__value__": value} if kind == "CURVE" else {"__value__": value}
