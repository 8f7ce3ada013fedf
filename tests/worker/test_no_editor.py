"""A worker has no editor: it carries none of the files for one, and its answers are the same."""

from __future__ import annotations

import aiohttp
from custom_nodes.discomfort.comfy_serverless import ComfyConnector
from support.servers import Server


async def test_a_worker_serves_no_file_of_the_editors(server: Server, shared: ComfyConnector):
    if server.is_fake:  # it serves no extension's files at all
        return
    async with (
        aiohttp.ClientSession(headers=shared.auth_headers) as session,
        session.get(f"{shared.server_address}/extensions") as answer,
    ):
        assert answer.status == 200
        served = await answer.json()
    assert served
    assert not [path for path in served if "discomfort" in path]
