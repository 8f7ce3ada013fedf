"""Which inputs workflows have, of which types: asked of the ComfyUI that will run them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..graph.node_classes.object_info import ObjectInfo
from ..run.addresses import with_call_ports
from ..workflows.prepare import Prepared

if TYPE_CHECKING:
    from ..discomfort import Discomfort


@dataclass(frozen=True, slots=True)
class KnownInputs:
    """What can be given.

    Attributes:
        kinds: name -> ComfyUI type, of ports, and of the addresses that were asked for.
        choices: of dropdowns: name -> what can be chosen.
        outputs: the names of OUTPUT ports.
    """

    kinds: Mapping[str, str]
    choices: Mapping[str, Sequence[Any]]
    outputs: tuple[str, ...]


async def find_inputs(
    discomfort: Discomfort, workflows: Sequence[str], names: Iterable[str]
) -> KnownInputs:
    """The inputs of workflows that will be run together.

    Args:
        names: of values; those that are no ports may be addresses.

    Raises:
        FileNotFoundError, WorkflowError: a workflow, or an address, that can't be used.
    """
    engine = discomfort._engine  # which keeps what is prepared here for the run
    sources = await engine.sources.read(list(workflows))
    environment = await engine.environment()
    preparer = environment.preparer
    read = [await preparer.prepare_aside(source) for source in sources]
    called = with_call_ports(read, names, (), preparer, environment.rules)
    kinds: dict[str, str] = {}
    choices: dict[str, Sequence[Any]] = {}
    for workflow in called:
        for name in workflow.ports.inputs:
            kinds.setdefault(name, workflow.ports.input_type(name))
            found = _choices(workflow, name, preparer.info)
            if found is not None:
                choices.setdefault(name, found)
    outputs = dict.fromkeys(name for workflow in read for name in workflow.ports.outputs)
    return KnownInputs(kinds, choices, tuple(outputs))


def _choices(workflow: Prepared, name: str, info: ObjectInfo) -> Sequence[Any] | None:
    for port in workflow.ports.inputs[name]:
        for use in port.uses:
            node = workflow.prompt.get(use.node_id)
            spec = info.input_spec(node["class_type"], use.input_name) if node else None
            options = spec[1].get("options") if spec is not None else None
            if isinstance(options, list):
                return options
    return None
