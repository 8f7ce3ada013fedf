"""DiscomfortTestRunner in a user's ComfyUI, through the API: what the editor queues."""

from __future__ import annotations

from .outer import runner, show


async def test_ports_are_sockets_and_values_come_out(client):
    prompt = {
        "1": {"class_type": "PrimitiveString", "inputs": {"value": "abc"}},
        "2": runner("loop_text.json", input_1=["1", 0]),
        "3": show(["2", 0]),
        "4": show(["2", 1]),
    }
    result = await client.execute(prompt)
    assert result.outputs["3"]["text"] == ["abc."]
    assert result.outputs["4"]["text"] == ["4"]
