"""A ComfyUI as a user has it, with this extension, clients that queue there, and nodes to queue."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import signal
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from custom_nodes.discomfort.errors import ValidationFailed
from custom_nodes.discomfort.worker.attached_server import AttachedServer
from custom_nodes.discomfort.worker.client.client import Client
from support.servers import Server, plain_server, wait_until

PROJECT = Path(__file__).resolve().parents[2]
WORKFLOWS = PROJECT / "test_workflows"


@dataclass
class Outer:
    """The user's ComfyUI. `base` has its folders, `log` is what it said."""

    address: str
    pid: int
    base: Path

    @property
    def log(self) -> str:
        return (self.base / "log.txt").read_text(encoding="utf-8", errors="replace")

    @property
    def workflows(self) -> Path:
        return self.base / "user" / "default" / "workflows"

    def nested(self) -> list[int]:
        """The pids of the ComfyUIs that it started."""
        found = []
        try:
            children = psutil.Process(self.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return []
        for child in children:
            try:
                if any(part.endswith("main.py") for part in child.cmdline()):
                    found.append(child.pid)
            except psutil.Error:
                continue
        return found


@contextlib.contextmanager
def started(
    comfyui: Server,
    base: Path,
    *,
    on_cpu: bool = True,
    arguments: Sequence[str] = (),
    **environment: str,
) -> Iterator[Outer]:
    """A user's ComfyUI, with the workflows of this project saved in it."""
    saved = base / "user" / "default" / "workflows"
    shutil.copytree(WORKFLOWS, saved)
    for name, data in MADE.items():
        (saved / name).write_text(json.dumps(data), encoding="utf-8")
    given = [*(["--cpu"] if on_cpu else []), *arguments]
    with plain_server(
        comfyui,
        base,
        with_extension=True,
        environment=environment,
        arguments=given,
    ) as (address, pid):
        made = Outer(address, pid, base)
        yield made
        nested = made.nested()
        with contextlib.suppress(psutil.NoSuchProcess):
            program = psutil.Process(pid)
            program.send_signal(signal.SIGINT)  # Ctrl+C, as a user ends it
            psutil.wait_procs([program], timeout=30)
    wait_until(
        lambda: not any(map(psutil.pid_exists, nested)), "the end of the ComfyUI that it started"
    )


@contextlib.asynccontextmanager
async def client_of(outer: Outer) -> AsyncIterator[Client]:
    made = await AttachedServer(outer.address).ensure_ready()
    yield made
    await asyncio.to_thread(made.listener.close)
    await made.http.close()


def runner(workflow: Any, **inputs: Any) -> dict[str, Any]:
    """A DiscomfortTestRunner in a prompt."""
    return {"class_type": "DiscomfortTestRunner", "inputs": {"workflow": workflow, **inputs}}


def loop(*workflows: str, **inputs: Any) -> dict[str, Any]:
    """A DiscomfortLoopExecutor in a prompt."""
    widgets = {"iterations": 1, "stop_when": "", "carry": "*", "collect": "last", **inputs}
    names = "\n".join(workflows)
    return {"class_type": "DiscomfortLoopExecutor", "inputs": {"workflows": names, **widgets}}


def show(source: list[Any]) -> dict[str, Any]:
    """Shows any value as text, in the outputs of a run."""
    return {"class_type": "PreviewAny", "inputs": {"source": source}}


def told(error: ValidationFailed) -> str:
    """The one thing that ComfyUI said of the node 1."""
    assert error.reply is not None
    (said,) = error.reply["node_errors"]["1"]["errors"]
    return f"{said['message']}: {said['details']}"


def port(unique_id: str, source: list[Any] | None = None) -> dict[str, Any]:
    """A port in a prompt."""
    inputs = {"unique_id": unique_id, "tags": "", **({"input_data": source} if source else {})}
    return {"class_type": "DiscomfortPort", "inputs": inputs}


def workflow(*nodes: tuple[str, list[Any], dict[str, Any], list[str]]) -> dict[str, Any]:
    """A workflow as the editor saves it, from (class, widget values, inputs, output types).

    An input is `name: (number of the node before it, slot, type)`; the nodes count from 1.
    """
    made, links = [], []
    for number, (kind, values, inputs, outputs) in enumerate(nodes, 1):
        sockets = []
        for slot, (name, (origin, origin_slot, type_name)) in enumerate(inputs.items()):
            links.append([len(links) + 1, origin, origin_slot, number, slot, type_name])
            sockets.append({"name": name, "type": type_name, "link": len(links)})
        made.append(
            {
                "id": number,
                "type": kind,
                "pos": [300 * number, 100],
                "size": [210, 80],
                "flags": {},
                "order": number - 1,
                "mode": 0,
                "inputs": sockets,
                "outputs": [{"name": t, "type": t, "links": []} for t in outputs],
                "properties": {},
                "widgets_values": values,
            }
        )
    for link in links:
        made[link[1] - 1]["outputs"][link[2]]["links"].append(link[0])
    return {
        "last_node_id": len(made),
        "last_link_id": len(links),
        "nodes": made,
        "links": links,
        "groups": [],
        "config": {},
        "extra": {},
        "version": 0.4,
    }


USE_MODEL = workflow(
    ("DiscomfortPort", ["model", ""], {}, ["*"]),
    ("StubUseModel", [0], {"model": (1, 0, "MODEL")}, ["STRING", "INT"]),
    ("DiscomfortPort", ["about", ""], {"input_data": (2, 0, "STRING")}, ["*"]),
    ("DiscomfortPort", ["loads", ""], {"input_data": (2, 1, "INT")}, ["*"]),
)
MAKE_MODEL = workflow(
    ("DiscomfortPort", ["strength", ""], {}, ["*"]),
    ("StubLoadModel", ["made inside"], {}, ["MODEL", "CLIP"]),
    (
        "StubPatchModel",
        [1.0],
        {"model": (2, 0, "MODEL"), "strength": (1, 0, "FLOAT")},
        ["MODEL"],
    ),
    ("DiscomfortPort", ["model", ""], {"input_data": (3, 0, "MODEL")}, ["*"]),
)
SLEEP = workflow(
    ("DiscomfortPort", ["seconds", ""], {}, ["*"]),
    ("StubSleep", [1.0, 0], {"seconds": (1, 0, "FLOAT")}, ["INT"]),
    ("DiscomfortPort", ["number", ""], {"input_data": (2, 0, "INT")}, ["*"]),
)
COUNT = workflow(
    ("DiscomfortPort", ["number", ""], {}, ["*"]),
    ("DiscomfortPort", ["step", ""], {}, ["*"]),
    ("StubAdd", [0, 0], {"a": (1, 0, "INT"), "b": (2, 0, "INT")}, ["INT"]),
    ("DiscomfortPort", ["number", ""], {"input_data": (3, 0, "INT")}, ["*"]),
)
OLD_SUM = workflow(  # of a class that another has replaced, where ComfyUI knows of that
    ("DiscomfortPort", ["number", ""], {}, ["*"]),
    ("StubOldSum", [5], {"first": (1, 0, "INT")}, ["INT"]),
    ("DiscomfortPort", ["sum", ""], {"input_data": (2, 0, "INT")}, ["*"]),
)
RAISE = workflow(
    ("DiscomfortPort", ["message", ""], {}, ["*"]),
    ("StubRaise", ["x"], {"message": (1, 0, "STRING")}, ["INT"]),
    ("DiscomfortPort", ["number", ""], {"input_data": (2, 0, "INT")}, ["*"]),
)
LOAD_PICTURE = workflow(
    ("LoadImage", ["inside.png", "image"], {}, ["IMAGE", "MASK"]),
    ("LoadImage", ["unused.png", "image"], {}, ["IMAGE", "MASK"]),
    ("DiscomfortPort", ["picture", ""], {"input_data": (1, 0, "IMAGE")}, ["*"]),
)
LOAD_NAMED = workflow(
    ("DiscomfortPort", ["name", ""], {}, ["*"]),
    ("LoadImage", ["", "image"], {"image": (1, 0, "COMBO")}, ["IMAGE", "MASK"]),
    ("DiscomfortPort", ["picture", ""], {"input_data": (2, 0, "IMAGE")}, ["*"]),
)
SCALE = workflow(
    ("EmptyImage", [8, 8, 1, 0], {}, ["IMAGE"]),
    ("DiscomfortPort", ["method", ""], {}, ["*"]),
    (
        "ImageScale",
        ["area", 4, 4, "disabled"],
        {"image": (1, 0, "IMAGE"), "upscale_method": (2, 0, "COMBO")},
        ["IMAGE"],
    ),
    ("DiscomfortPort", ["picture", ""], {"input_data": (3, 0, "IMAGE")}, ["*"]),
)
READ_NAMED = workflow(
    ("DiscomfortPort", ["name", ""], {}, ["*"]),
    ("StubReadText", [""], {"name": (1, 0, "STRING")}, ["STRING"]),
    ("DiscomfortPort", ["text", ""], {"input_data": (2, 0, "STRING")}, ["*"]),
)
FOLLOW = workflow(
    ("DiscomfortPort", ["name", ""], {}, ["*"]),
    ("StubReadText", [""], {"name": (1, 0, "STRING")}, ["STRING"]),
    ("DiscomfortPort", ["name", ""], {"input_data": (2, 0, "STRING")}, ["*"]),
)
ALWAYS = workflow(
    ("StubCounts", ["nobody"], {}, ["INT"]),
    ("DiscomfortPort", ["count", ""], {"input_data": (1, 0, "INT")}, ["*"]),
)
NOT_INSTALLED = workflow(
    ("DiscomfortPort", ["text", ""], {}, ["*"]),
    ("NobodyHasThisNode", [], {"text": (1, 0, "STRING")}, ["STRING"]),
    ("DiscomfortPort", ["text", ""], {"input_data": (2, 0, "STRING")}, ["*"]),
)
NO_PORTS = workflow(("PrimitiveInt", [1, "fixed"], {}, ["INT"]))
RUNS_ITSELF = workflow(
    ("DiscomfortTestRunner", ["runs_itself.json", "", False, False, ""], {}, ["*"]),
    ("DiscomfortPort", ["picture", ""], {"input_data": (1, 0, "*")}, ["*"]),
)
MADE = {
    "use_model.json": USE_MODEL,
    "make_model.json": MAKE_MODEL,
    "sleep.json": SLEEP,
    "count.json": COUNT,
    "old_sum.json": OLD_SUM,
    "raise.json": RAISE,
    "load_picture.json": LOAD_PICTURE,
    "load_named.json": LOAD_NAMED,
    "scale.json": SCALE,
    "read_named.json": READ_NAMED,
    "follow.json": FOLLOW,
    "always.json": ALWAYS,
    "not_installed.json": NOT_INSTALLED,
    "no_ports.json": NO_PORTS,
    "runs_itself.json": RUNS_ITSELF,
}
