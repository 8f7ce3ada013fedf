"""Workflows that name models, as the editor saves them, with where these are from."""

from __future__ import annotations

from typing import Any


def vae_workflow(*models: tuple[str, dict[str, Any]], **more: Any) -> dict[str, Any]:
    """One VAELoader for each `(name, what the workflow says of it)`, all of which are shown."""
    nodes: list[dict[str, Any]] = []
    links: list[list[Any]] = []
    latent = 1000
    size = {"id": latent, "type": "EmptyLatentImage", "widgets_values": [64, 64, 1]}
    nodes.append({**size, "outputs": [{"name": "LATENT", "type": "LATENT", "links": []}]})
    for i, (name, said) in enumerate(models):
        loader, decoder, viewer = 3 * i + 1, 3 * i + 2, 3 * i + 3
        first = 10 * i
        links += [
            [first + 1, loader, 0, decoder, 1, "VAE"],
            [first + 2, latent, 0, decoder, 0, "LATENT"],
            [first + 3, decoder, 0, viewer, 0, "IMAGE"],
        ]
        nodes += [
            {
                "id": loader,
                "type": "VAELoader",
                "widgets_values": [name],
                "properties": {"models": [said]} if said else {},
                "outputs": [{"name": "VAE", "type": "VAE", "links": [first + 1]}],
            },
            {
                "id": decoder,
                "type": "VAEDecode",
                "inputs": [
                    {"name": "samples", "type": "LATENT", "link": first + 2},
                    {"name": "vae", "type": "VAE", "link": first + 1},
                ],
                "outputs": [{"name": "IMAGE", "type": "IMAGE", "links": [first + 3]}],
            },
            {
                "id": viewer,
                "type": "PreviewImage",
                "inputs": [{"name": "images", "type": "IMAGE", "link": first + 3}],
            },
        ]
    return {"nodes": nodes, "links": links, **more}


def said_of(url: str, name: str, **more: Any) -> dict[str, Any]:
    """What the workflow says of a model."""
    return {"name": name, "url": url, "directory": "vae", **more}
