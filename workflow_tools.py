"""WorkflowTools: what can be done with workflows and pictures without running anything.

Everything happens in `graph/` (pure) and `values/`; here stand the documented methods.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .comfy_serverless import ComfyConnector
from .errors import WorkflowError
from .graph.compose import remove_reroutes
from .graph.compose.stitch import stitch
from .graph.convert.to_prompt import to_prompt
from .graph.node_classes.object_info import ObjectInfo
from .graph.plan.internal_nodes import refuse_internal
from .graph.ports.find_ports import Port, find_ports
from .graph.prompt import is_prompt
from .graph.workflow.model import NodeId, Workflow
from .graph.workflow.order import execution_order
from .graph.workflow.parse import parse_workflow
from .inspection.known_classes import known_classes
from .run.engine import Engine
from .run.options import Options
from .system.config import load_pass_by_rules
from .values import images, json_form, metadata, picture_files
from .workflow_context import WorkflowContext
from .workflows.files import read_workflow

log = logging.getLogger("discomfort.tools")


def workflow_to_prompt(
    workflow: str | Path | Mapping[str, Any],
    object_info: Mapping[str, Any] | ObjectInfo | None = None,
    **options: Any,
) -> dict[str, Any]:
    """What the front end's "Export (API)" makes of a workflow. See `graph/convert/to_prompt.py`.

    Args:
        object_info: a server's, or what `ComfyConnector.object_info_index` gives, which has the
            rules that node packs brought, too. Your own rules hold in both. None: the last that the
            configured ComfyUI gave; what is to be known about it is logged.
    """
    data = read_workflow(workflow)
    if is_prompt(data):
        return data
    known = known_classes(object_info)
    for note in known.notes:
        log.warning(note)
    return to_prompt(data, known.info, **options)


class WorkflowTools:
    """Discovery, stitching, conversion and pictures. It holds nothing but the pass-by rules.

    Args:
        worker: what `run_sequential` runs on; None: the process's worker, started when needed.
    """

    def __init__(
        self,
        pass_by_rules_path: str | Path | None = None,
        *,
        worker: ComfyConnector | None = None,
    ):
        self.pass_by_rules = load_pass_by_rules(pass_by_rules_path)
        self._worker = worker

    open_image_as_tensor = staticmethod(picture_files.open_image_as_tensor)
    save_comfy_image_to_disk = staticmethod(images.save_comfy_image_to_disk)
    workflow_from_image = staticmethod(metadata.read_workflow_metadata)
    serialize = staticmethod(json_form.serialize)
    deserialize = staticmethod(json_form.deserialize)
    workflow_to_prompt = staticmethod(workflow_to_prompt)

    def discover_port_nodes(self, workflow: str | Path | Mapping[str, Any]) -> dict[str, Any]:
        """Find all ports of a workflow, also those in subgraphs.

        Returns:
            `inputs`, `outputs`, `passthrus`: {unique_id: {node_id, tags, type, input_type,
                output_type}};
            `execution_order`: the root's node ids, sources first; `nodes`: {node id: node};
            `links`; `unique_id_to_node`. A port in a subgraph has the node id "instance:node".

        Raises:
            WorkflowError: malformed, a cycle, an empty unique_id, or one that two outputs share.
        """
        parsed = _parse(workflow)
        ports = find_ports(parsed)
        found = {
            "inputs": {uid: _describe(group[0]) for uid, group in ports.inputs.items()},
            "outputs": {uid: _describe(port) for uid, port in ports.outputs.items()},
            "passthrus": {uid: _describe(group[0]) for uid, group in ports.passthrus.items()},
        }
        return {
            **found,
            "execution_order": _order_nodes(parsed),
            "nodes": {node.id: node.data for node in parsed.nodes},
            "links": list(parsed.data.get("links") or []),
            "unique_id_to_node": {
                uid: port["node_id"] for group in found.values() for uid, port in group.items()
            },
        }

    discover_ports = discover_port_nodes

    def remove_reroute_nodes(
        self, nodes: list[dict[str, Any]] | dict[Any, dict[str, Any]], links: list[Any]
    ) -> tuple[list[dict[str, Any]] | dict[Any, dict[str, Any]], list[Any], dict[Any, Any]]:
        """Join what is linked through Reroute nodes directly. Nothing given is changed.

        Args:
            nodes: a workflow's list, or the dict by id that `discover_port_nodes` gives.
            links: a workflow's links.

        Returns:
            The nodes (in the form given), the links, and which link carries now what an old one
            carried: {old id: new id}.
        """
        listed = list(nodes.values()) if isinstance(nodes, dict) else nodes
        kept, new_links, carried = remove_reroutes.remove_reroute_nodes(listed, links)
        if isinstance(nodes, dict):
            return {node["id"]: node for node in kept}, new_links, carried
        return kept, new_links, carried

    def validate_workflow(self, workflow: Any) -> bool:
        """Whether this is a workflow that can be used; the reasons are logged if not.

        Looked at are its form, links, cycles and ports. Which nodes there are, and which values
        they take, only a server knows: `Discomfort.plan` asks it.
        """
        try:
            parsed = _parse(workflow)
            refuse_internal(parsed.data, "The workflow")
            _order_nodes(parsed)
            find_ports(parsed)
        except (WorkflowError, FileNotFoundError, TypeError) as e:
            log.error("%s", e)
            return False
        return True

    def stitch_workflows(
        self,
        workflows: str | Path | Mapping[str, Any] | Sequence[str | Path | Mapping[str, Any]],
        delete_input_ports: bool = False,
        delete_output_ports: bool = False,
    ) -> dict[str, Any]:
        """Join workflows at their ports into one that opens in the editor, the parts side by side.

        An OUTPUT of an earlier workflow is linked to the INPUTs of the same unique_id in later
        ones. Each part stands in a group that has the name of its file.

        Args:
            delete_input_ports: remove INPUT ports that nothing feeds after that.
            delete_output_ports: remove OUTPUT ports that nothing uses after that.

        Returns:
            `stitched_workflow`, and its `inputs`, `outputs` and `execution_order` as discovered.

        Raises:
            WorkflowError: nothing to stitch, a malformed workflow, a cycle, or nodes that only
                Discomfort writes (the nodes are named).
        """
        if isinstance(workflows, (str, Path, Mapping)):
            workflows = [workflows]  # as `run` takes one
        if not workflows:
            raise WorkflowError("There is nothing to stitch: pass at least one workflow.")
        names = [Path(w).stem if isinstance(w, (str, Path)) else "" for w in workflows]
        parts = [_parse(workflow) for workflow in workflows]
        for part, name in zip(parts, names, strict=True):
            refuse_internal(part.data, name or "A workflow to be stitched")
        stitched = stitch(
            parts,
            delete_input_ports,
            delete_output_ports,
            titles=names,
        ).to_json()
        found = self.discover_port_nodes(stitched)
        return {
            "stitched_workflow": stitched,
            **{key: found[key] for key in ("inputs", "outputs", "execution_order")},
        }

    async def run_sequential(
        self,
        workflow_paths: Sequence[str | Path | Mapping[str, Any]],
        inputs: Mapping[str, Any],
        iterations: int = 1,
        use_ram: bool = True,
        persist_prefix: str | None = None,
    ) -> dict[str, Any]:
        """`Discomfort.run` on the worker of the Discomfort whose `Tools` this is, else on the
        process's.

        Args:
            persist_prefix: every val output is also left as `<persist_prefix><unique_id>.pkl`,
                overwritten each time.
        """
        worker = self._worker or await ComfyConnector.create()
        engine = Engine(worker, lambda: self.pass_by_rules)
        options = Options(iterations=iterations, use_ram=use_ram, keeps_results=True)
        with WorkflowContext() as context:
            results = await engine.run(workflow_paths, inputs, options, context)
            if persist_prefix is not None:
                for unique_id in results:
                    if context.internal.get_receipt(unique_id).pass_by == "val":
                        target = Path(f"{persist_prefix}{unique_id}.pkl")
                        context.export_data(unique_id, target, overwrite=True)
        return results


# The class's first name.
DiscomfortWorkflowTools = WorkflowTools


def _parse(workflow: str | Path | Mapping[str, Any]) -> Workflow:
    data = read_workflow(workflow)
    if is_prompt(data):
        raise WorkflowError(
            "This is an API prompt, not a workflow: it has no links to look at. Save the "
            "workflow itself from the editor (Workflow > Save)."
        )
    return parse_workflow(data)


def _order_nodes(workflow: Workflow) -> list[NodeId]:
    """The root's node ids, sources first.

    Raises:
        WorkflowError: a cycle; its nodes are named.
    """
    nodes = {node.id: node for node in workflow.nodes}
    links = ((link.origin_id, link.target_id) for link in workflow.links.values())
    return execution_order(
        nodes, links, lambda node_id: nodes[node_id].problem("it is a part of the cycle")
    )


def _describe(port: Port) -> dict[str, Any]:
    return {
        "node_id": int(port.node_id) if port.node_id.lstrip("-").isdigit() else port.node_id,
        "tags": list(port.tags),
        "type": port.type,
        "input_type": port.input_type,
        "output_type": port.output_type,
    }
