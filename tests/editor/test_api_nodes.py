"""API nodes in what the runner nodes run: who queued pays, with the login of that prompt."""

from __future__ import annotations

import json
import time
from functools import partial
from typing import Any

import pytest
from custom_nodes.discomfort.errors import NodeFailed
from custom_nodes.discomfort.system.login import VARIABLE
from support.account_server import account_server

from .outer import client_of, loop, runner, show, started, workflow

TOKEN = "eyJhbGciOiJub25lIn0.of-who-queued"
MACHINES = "comfyui-of-this-machine-and-nobody-else"


def paid(text: str) -> dict[str, Any]:
    return workflow(
        ("GeminiNode", [text, "gemini-2.5-pro", 1, "fixed"], {}, ["STRING"]),
        ("DiscomfortPort", ["text", ""], {"input_data": (1, 0, "STRING")}, ["*"]),
    )


@pytest.mark.one_version
async def test_the_login_of_who_queued_goes_on_and_is_shown_nowhere(comfyui, tmp_path):
    with account_server() as elsewhere:
        arguments = ("--comfy-api-base", elsewhere.url)
        started_with_key = partial(started, **{VARIABLE: MACHINES})
        with started_with_key(comfyui, tmp_path / "outer", arguments=arguments) as outer:
            for name in ("a", "b", "c"):
                text = json.dumps(paid(f"{name} {time.monotonic_ns()}"))
                (outer.workflows / f"{name}.json").write_text(text, encoding="utf-8")
            async with client_of(outer) as client:
                prompt = {"1": runner("a.json"), "2": show(["1", 0])}
                login = {"auth_token_comfy_org": TOKEN}
                result = await client.execute(prompt, client_data=login, timeout=120)
                assert result.outputs["2"]["text"] == ["a lighthouse"]
                assert elsewhere.logins == [{"Authorization": f"Bearer {TOKEN}"}]

                elsewhere.reset()
                elsewhere.is_refusing = True
                prompt = {"1": loop("b.json"), "2": show(["1", 1])}
                with pytest.raises(NodeFailed) as e:
                    await client.execute(prompt, client_data=login, timeout=120)
                assert elsewhere.logins[0] == {"Authorization": f"Bearer {TOKEN}"}
                assert TOKEN not in repr(vars(e.value)) + str(e.value)

                elsewhere.reset()
                prompt = {"1": runner("c.json"), "2": show(["1", 0])}
                try:  # 0.3.64 does not ask without a login
                    await client.execute(prompt, timeout=120)
                except NodeFailed as failed:
                    assert "login" in str(failed)
                assert not any(elsewhere.logins)  # the machine's key is its owner's

                paths = ("/queue", "/history", "/internal/logs")
                seen = "".join([(await client.http.get(path)).text for path in paths])
                assert TOKEN not in seen and MACHINES not in seen
            assert TOKEN not in outer.log and MACHINES not in outer.log
