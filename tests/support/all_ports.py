"""Workflows with ports of any names and of every kind, and the node classes of these."""

from __future__ import annotations

from typing import Any

from .prompts import port

INFO: dict[str, Any] = {
    "Whole": {
        "input": {"required": {"value": ["INT", {"min": 0, "max": 9, "step": 3}]}},
        "output": ["INT"],
    },
    "Blend": {
        "input": {
            "required": {
                "picture": ["IMAGE", {}],
                "mode": [["normal", "overlay"], {}],
                "amount": ["FLOAT", {"min": 0.0, "max": 1.0}],
                "file": [["a.safetensors", "b.safetensors"], {}],
                "text": ["STRING", {"multiline": True}],
                "flag": ["BOOLEAN", {}],
                "either": ["INT,FLOAT", {}],
                "model": ["MODEL", {}],
            }
        },
        "output": ["IMAGE", "MODEL", "LATENT", "STRING", "FLOAT", "BOOLEAN", "THING"],
        "output_is_list": [True, False, False, False, False, False, False],
    },
    "PreviewImage": {
        "input": {"required": {"images": ["IMAGE", {}]}},
        "output": [],
        "output_node": True,
    },
}


def named(*names: str) -> dict[str, Any]:
    """A prompt that hands whole numbers through ports of these names, in and out."""
    prompt: dict[str, Any] = {}
    for number, name in enumerate(names, start=1):
        inner = {"class_type": "PrimitiveInt", "inputs": {"value": [f"in{number}", 0]}}
        prompt[f"in{number}"] = port(name)
        prompt[f"value{number}"] = inner
        prompt[f"out{number}"] = port(name, [f"value{number}", 0])
    return prompt


def blend() -> dict[str, Any]:
    """A workflow of the editor, whose ports feed every kind of widget and socket of `Blend`."""
    inputs = INFO["Blend"]["input"]["required"]
    kinds = {
        name: "COMBO" if isinstance(spec[0], list) else spec[0] for name, spec in inputs.items()
    }
    nodes: list[dict[str, Any]] = [
        {
            "id": 1,
            "type": "Blend",
            "inputs": [
                {
                    "name": name,
                    "type": kind,
                    "link": number,
                    **({} if kind in ("IMAGE", "MODEL") else {"widget": {"name": name}}),
                }
                for number, (name, kind) in enumerate(kinds.items(), start=1)
            ],
            "outputs": [
                {"name": kind, "type": kind, "links": [20 + slot]}
                for slot, kind in enumerate(INFO["Blend"]["output"])
            ],
            "widgets_values": ["normal", 0.5, "a.safetensors", "a cat", True],
        }
    ]
    links: list[list[Any]] = []
    for number, (name, kind) in enumerate(kinds.items(), start=1):
        nodes.append(
            {
                "id": 10 + number,
                "type": "DiscomfortPort",
                "widgets_values": [name, "look, first" if name == "mode" else ""],
                "outputs": [{"name": "output", "type": kind, "links": [number]}],
            }
        )
        links.append([number, 10 + number, 0, 1, number - 1, kind])
    for slot, kind in enumerate(INFO["Blend"]["output"]):
        nodes.append(
            {
                "id": 30 + slot,
                "type": "DiscomfortPort",
                "widgets_values": [f"made {kind.lower()}", ""],
                "inputs": [{"name": "input_data", "type": kind, "link": 20 + slot}],
            }
        )
        links.append([20 + slot, 1, slot, 30 + slot, 0, kind])
    return {"nodes": nodes, "links": links}
