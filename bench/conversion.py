"""How long it takes to convert a workflow into a prompt.

    python bench/conversion.py [--repeat 5]

Median and 95th percentile over the oracle's workflows (the hand-made ones where the whole set is
not there), with /object_info parsed and indexed; then workflows of 100, 1,000 and 10,000 nodes.
"""

from __future__ import annotations

import argparse
import statistics
import time
from typing import Any

import _project  # noqa: F401
from custom_nodes.discomfort.errors import WorkflowError
from custom_nodes.discomfort.graph.convert.to_prompt import to_prompt
from custom_nodes.discomfort.graph.node_classes.widgets import index_object_info
from support.oracle import cases, object_info

TARGETS = {"median": 0.5, "p95": 3.0, "1000 nodes": 20.0}


def best_ms(work: Any, repeat: int) -> float:
    """The shortest of several runs, in CPU time: the rest is the machine's other work.

    A conversion waits for nothing, so on an idle machine this is the time on the clock.
    """
    times = []
    for _ in range(repeat):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return 1000 * min(times)


def large_workflow(nodes: int) -> dict[str, Any]:
    """Chains of a loader, two texts, a sampler and so on, `nodes` in all, with reroutes between."""
    made: list[dict[str, Any]] = []
    links: list[list[Any]] = []

    def add(kind: str, values: list[Any], **inputs: tuple[int, int, str]) -> int:
        node_id = len(made) + 1
        slots = []
        for name, (origin, slot, link_type) in inputs.items():
            links.append([len(links) + 1, origin, slot, node_id, len(slots), link_type])
            slots.append({"name": name, "type": link_type, "link": len(links)})
        made.append(
            {
                "id": node_id,
                "type": kind,
                "mode": 0,
                "inputs": slots,
                "outputs": [],
                "properties": {},
                "widgets_values": values,
            }
        )
        return node_id

    while len(made) < nodes:
        loader = add("CheckpointLoaderSimple", ["a.safetensors"])
        good = add("CLIPTextEncode", ["a {red|blue} cat"], clip=(loader, 1, "CLIP"))
        bad = add("CLIPTextEncode", ["blurry"], clip=(loader, 1, "CLIP"))
        latent = add("EmptyLatentImage", [512, 512, 1])
        reroute = add("Reroute", [], **{"": (latent, 0, "LATENT")})
        sampler = add(
            "KSampler",
            [1, "randomize", 20, 8, "euler", "normal", 1],
            model=(loader, 0, "MODEL"),
            positive=(good, 0, "CONDITIONING"),
            negative=(bad, 0, "CONDITIONING"),
            latent_image=(reroute, 0, "LATENT"),
        )
        image = add("VAEDecode", [], samples=(sampler, 0, "LATENT"), vae=(loader, 2, "VAE"))
        add("SaveImage", ["ComfyUI"], images=(image, 0, "IMAGE"))
    return {"nodes": made, "links": links, "version": 0.4}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--repeat", type=int, default=5, help="runs of each workflow (best counts)")
    repeat = parser.parse_args().repeat
    info = index_object_info(object_info())
    times = []
    for case in cases():
        try:
            to_prompt(case.workflow, info)
        except WorkflowError:
            continue
        times.append(best_ms(lambda w=case.workflow: to_prompt(w, info), repeat))
    times.sort()
    p95 = times[int(0.95 * (len(times) - 1))]
    print(f"{len(times)} workflows, milliseconds each")
    print(f"  median {statistics.median(times):7.3f}   (target {TARGETS['median']})")
    print(f"  p95    {p95:7.3f}   (target {TARGETS['p95']})")
    print(f"  max    {times[-1]:7.3f}")
    for nodes in (100, 1_000, 10_000):
        workflow = large_workflow(nodes)
        taken = best_ms(lambda w=workflow: to_prompt(w, info), repeat)
        target = f"   (target {TARGETS['1000 nodes']})" if nodes == 1_000 else ""
        print(f"  {nodes:6} nodes {taken:8.2f} ms, {1000 * taken / nodes:5.1f} us a node{target}")


if __name__ == "__main__":
    main()
