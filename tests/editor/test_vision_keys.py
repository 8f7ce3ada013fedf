"""Where pictures and keys go, and that no part of a key is ever shown or kept."""

from __future__ import annotations

import json
import logging
import re
import traceback
from collections.abc import Iterator
from typing import Any

import aiohttp
import pytest
import torch
from custom_nodes.discomfort.editor.picture_nodes import vision
from custom_nodes.discomfort.editor.picture_nodes.endpoint import find_endpoint
from custom_nodes.discomfort.editor.picture_nodes.key import Key
from custom_nodes.discomfort.errors import ExecutionError, NodeFailed, WorkflowError
from custom_nodes.discomfort.values.images import encode_jpeg
from support.servers import Server

from .outer import Outer, client_of, show, started
from .vision_server import ECHOES, KEY, VisionServer

OPENAI = "OPENAI_API_KEY"
NAMED = {
    OPENAI: "https://api.openai.com/",
    "DEEP_KEY": "https://deep.example:8443/v1",
    "LOCAL_KEY": "http://127.0.0.1:8000/v1/",
    "CALL_KEY": "https://call.example/v1/chat/completions",
}


def address(url: str, name: str = "", *servers: str) -> str:
    return find_endpoint(url, name, NAMED, servers).address


@pytest.mark.parametrize(
    ("url", "name", "asked"),
    [
        ("https://api.openai.com/v1", OPENAI, "https://api.openai.com/v1/chat/completions"),
        (" HTTPS://API.OpenAI.com:443/v1/ ", OPENAI, "https://api.openai.com/v1/chat/completions"),
        ("https://api.openai.com", OPENAI, "https://api.openai.com/chat/completions"),
        (
            "https://deep.example:8443/v1/chat/completions?api-version=3",
            "DEEP_KEY",
            "https://deep.example:8443/v1/chat/completions?api-version=3",
        ),
        (
            "https://deep.example:8443/v1/a%20b?x=/../y",
            "DEEP_KEY",
            "https://deep.example:8443/v1/a%20b/chat/completions?x=/../y",
        ),
        ("http://127.0.0.1:8000/v1", "LOCAL_KEY", "http://127.0.0.1:8000/v1/chat/completions"),
        ("https://call.example/v1", "CALL_KEY", "https://call.example/v1/chat/completions"),
    ],
)
def test_a_key_goes_below_the_address_that_is_named_for_it(url, name, asked):
    assert address(url, name) == asked


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://evil.example/v1", OPENAI),
        ("https://api.openai.com.evil.example/", OPENAI),
        ("https://api.openai.com:444/", OPENAI),
        ("http://api.openai.com/", OPENAI),
        ("http://api.openai.com:443/", OPENAI),
        ("http://127.0.0.1:8000/v1", OPENAI),
        ("http://localhost:11434/v1", OPENAI),
        ("http://[::1]/v1", OPENAI),
        ("https://deep.example/v1", "DEEP_KEY"),
        ("https://deep.example:8443/", "DEEP_KEY"),
        ("https://deep.example:8443/v1evil", "DEEP_KEY"),
        ("https://deep.example:8443/v", "DEEP_KEY"),
        ("https://deep.example:8443/V1", "DEEP_KEY"),
        ("https://deep.example:8443/x/v1", "DEEP_KEY"),
        ("http://127.0.0.1:8001/v1", "LOCAL_KEY"),
        ("http://localhost:8000/v1", "LOCAL_KEY"),
        ("http://127.0.0.1:8000/v2", "LOCAL_KEY"),
        ("https://call.example/v2", "CALL_KEY"),
    ],
)
def test_a_key_goes_nowhere_else(url, name):
    with pytest.raises(WorkflowError, match=f"The key in {name} may be sent to .* only"):
        address(url, name)


@pytest.mark.parametrize("name", ["", OPENAI, "DEEP_KEY"])
@pytest.mark.parametrize(
    "url",
    [
        "",
        "ftp://x",
        "api.openai.com",
        "https://",
        "https:///v1",
        "https://x@evil.example/",
        "https://api.openai.com@evil.example/",
        "https://api.openai.com:pass@evil.example/",
        "https://api.openai.com\\@evil.example/",
        "https://api.openai.com#@evil.example/",
        "https://api.openai.com/#",
        "https://api.openai.com:x/",
        "https://api.openai.com:99999/",
        "https://api.openai.com:0/",
        "https://api..openai.com/",
        "https://api.openai.com./v1",
        "https://api.openai.com /v1",
        "https://api.openai.com/v1\n/x",
        "https://\u0430pi.openai.com/",
        "https://api\u3002openai\u3002com/",
        "https://[::1/",
        "https://deep.example:8443/v1/../x",
        "https://deep.example:8443/v1/./x",
        "https://deep.example:8443/v1/%2e%2e/x",
        "https://deep.example:8443/v1/%2E./x",
        "https://deep.example:8443/v1/..;a/x",
        "https://deep.example:8443/v1/%2e%2e%2fx",
        "https://deep.example:8443/v1/..%5cx",
        "https://deep.example:8443/v1/%252e%252e/x",
        "https://deep.example:8443/v1/\\..\\x",
        "https://deep.example:8443/v1//x",
        "https://deep.example:8443/v1%3fx",
        "https://deep.example:8443/v1/%00",
    ],
)
def test_what_two_programs_may_read_differently_is_no_address(url, name):
    with pytest.raises(WorkflowError, match="url must be the address"):
        address(url, name)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:11434/v1",
        "http://127.9.9.9/v1",
        "http://localhost:1234",
        "http://[::1]:8000/v1",
        "https://api.openai.com/v2",
        "https://deep.example:8443/other",
        "http://192.168.1.7:1234/v1",
    ],
)
def test_without_a_key_this_machine_and_named_servers_are_asked(url):
    assert address(url, "", "http://192.168.1.7:1234/v1").startswith(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/v1",
        "http://api.openai.com/v1",
        "http://192.168.1.7:1235/v1",
        "http://192.168.1.7:1234/v2",
        "http://192.168.1.8:1234/v1",
        "http://169.254.169.254/latest",
        "http://localhost.evil.example/",
        "http://127.1/",
        "http://2130706433/",
        "http://0.0.0.0/",
    ],
)
def test_without_a_key_nobody_else_is_asked(url):
    with pytest.raises(WorkflowError, match="VISION_SERVERS"):
        address(url, "", "http://192.168.1.7:1234/v1")


def test_a_key_in_place_of_its_name_is_not_shown(monkeypatch):
    monkeypatch.setenv("SET_BUT_NOT_NAMED", "x")
    with pytest.raises(WorkflowError, match='"SET_BUT_NOT_NAMED": "https://api.openai.com/" to'):
        address("https://api.openai.com/v1", "SET_BUT_NOT_NAMED")
    for key in ("sk-1234567890", "sk_live_abc", "AKIAIOSFODNN7EXAMPLE", "\u00e9"):
        with pytest.raises(WorkflowError, match="must be the NAME") as caught:
            address("https://api.openai.com/v1", key)
        assert key not in str(caught.value)
    for url in (f"https://u:{KEY}@api.openai.com/", f"https://evil.example/?key={KEY}"):
        with pytest.raises(WorkflowError) as caught:
            address(url)
        assert KEY not in str(caught.value)


@pytest.mark.parametrize("bad", ["api.openai.com", "", 5, None, "https://a/../b"])
def test_settings_that_are_no_addresses_are_told_by_their_name(bad):
    with pytest.raises(WorkflowError, match=r"VISION_KEYS in editor\.json: A"):
        find_endpoint("https://a.example", "A", {"A": bad})
    with pytest.raises(WorkflowError, match=r"VISION_SERVERS in editor\.json"):
        find_endpoint("https://a.example", "", {}, [bad])


# -- no part of a key


def parts_of(key: str) -> set[str]:
    return {key[i : i + 4].lower() for i in range(len(key) - 3)}


def assert_hidden(text: str) -> None:
    assert not [part for part in parts_of(KEY) if part in text.lower()], text


def test_parts_are_taken_out_and_all_else_stays(monkeypatch):
    monkeypatch.setenv("A", KEY)
    hide = Key("A").hide
    assert hide(f"a {KEY} b{KEY[3:9]}c {KEY}{KEY}") == "a *** b***c ***"
    assert hide(KEY[:4]) == "***" and hide(KEY[:3]) == KEY[:3] and hide("") == ""
    assert hide(KEY.upper()) == "***"
    assert Key("").hide(f"{KEY} stays") == f"{KEY} stays"
    monkeypatch.setenv("A", "k1")
    assert Key("A").hide("k1 k k1k1") == "*** k ***"


@pytest.mark.parametrize("value", ["two words", "a\nb", "\u00e9t\u00e9", "a\x7f", "  "])
def test_what_can_be_no_key_is_refused_by_its_name(monkeypatch, value):
    monkeypatch.setenv("A", value)
    with pytest.raises(WorkflowError, match="environment variable A ") as caught:
        Key("A")
    assert value not in str(caught.value)


PICTURE = encode_jpeg(torch.zeros(1, 6, 8, 3), 8)[0]
HOW = [*ECHOES, "no HTTP", "reason"]


@pytest.mark.parametrize("how", HOW)
async def test_a_key_that_a_server_repeats_is_in_no_error_and_no_log(
    vision_server: VisionServer, monkeypatch, caplog, how
):
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("MY_KEY", KEY)
    monkeypatch.setattr(vision, "_FIRST_PAUSE_S", 0.01)
    where = find_endpoint(vision_server.url, "MY_KEY", {"MY_KEY": vision_server.url})
    question = vision.Question(where, f"echo {how}", "What?", rating="0 to 10", retries=1)
    with pytest.raises(ExecutionError) as caught:
        await vision.describe(question, PICTURE)
    asked = vision_server.asked(f"echo {how}")
    assert {note["key"] for note in asked} == {f"Bearer {KEY}"}
    lines = "".join(traceback.format_exception(caught.value))
    assert_hidden(re.sub(r'File ".*"', "", lines))  # a folder may be called like a part of the key
    assert_hidden(caplog.text)
    assert caught.value.__cause__ is None and caught.value.__context__ is None
    assert vision_server.url in str(caught.value) or "no rating" in str(caught.value)
    assert f"x{KEY[0]}" not in str(caught.value)
    if how == "whole":
        assert "refused the key (401, MY_KEY)" in str(caught.value)


async def test_a_redirect_gets_neither_key_nor_picture(vision_server: VisionServer, monkeypatch):
    monkeypatch.setenv("MY_KEY", KEY)
    before = len(vision_server.asked("away"))
    where = find_endpoint(f"{vision_server.url}/first", "MY_KEY", {"MY_KEY": vision_server.url})
    with pytest.raises(ExecutionError, match="answered 307"):
        await vision.describe(vision.Question(where, "away", "What?"), PICTURE)
    (note,) = vision_server.asked("away")[before:]
    assert note["path"] == "/v1/first/chat/completions"


async def test_what_was_judged_is_what_is_asked(vision_server: VisionServer):
    for path in ("/a%20b", "/a~b", "/%41", "/a+b", "/x;y=1"):
        where = find_endpoint(f"{vision_server.url}{path}?q=%2e", "", {})
        await vision.describe(vision.Question(where, f"good {path}", "What?"), PICTURE)
        (note,) = vision_server.asked(f"good {path}")
        assert note["path"] == f"/v1{path}/chat/completions?q=%2e"


@pytest.fixture(scope="module")
def keyed(
    comfyui: Server, vision_server: VisionServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Outer]:
    """A user's ComfyUI with a key for the server of the tests."""
    base = tmp_path_factory.mktemp("keyed")
    settings = base / "user" / "discomfort" / "editor.json"
    settings.parent.mkdir(parents=True)
    settings.write_text(json.dumps({"VISION_KEYS": {"MY_KEY": vision_server.url}}))
    with started(comfyui, base, MY_KEY=KEY, OTHER_KEY=KEY) as made:
        yield made


def describer(url: str, model: str, key_variable: str = "MY_KEY") -> dict[str, Any]:
    image = {"width": 8, "height": 8, "batch_size": 1, "color": 0}
    question = {
        "image": ["0", 0],
        "url": url,
        "model": model,
        "prompt": "?",
        "rating": "off",
        "key_variable": key_variable,
        "retries": 0,
    }
    return {
        "0": {"class_type": "EmptyImage", "inputs": image},
        "1": {"class_type": "DiscomfortImageDescriber", "inputs": question},
        "2": show(["1", 0]),
    }


async def test_a_key_is_in_no_log_history_or_record_of_comfyui(keyed: Outer, vision_server):
    async with client_of(keyed) as client, aiohttp.ClientSession() as http:
        result = await client.execute(describer(vision_server.url, "good"), timeout=60)
        assert result.outputs["2"]["text"] == ["A red square."]
        assert vision_server.asked("good")[-1]["key"] == f"Bearer {KEY}"
        for how in HOW:
            prompt = describer(vision_server.url, f"echo {how}")
            if how == "rating":  # only said when a rating is asked for
                prompt["1"]["inputs"]["rating"] = "0 to 10"
            with pytest.raises(NodeFailed) as caught:
                await client.execute(prompt, timeout=60)
            assert_hidden(str(caught.value) + caught.value.comfy_traceback)
        for path in ("/history", "/internal/logs", "/queue"):
            async with http.get(keyed.address + path) as reply:
                assert_hidden(await reply.text())
    assert_hidden(keyed.log)
    records = keyed.base / "data" / "discomfort" / "runs"
    for path in records.rglob("*") if records.exists() else ():
        if path.is_file():
            assert_hidden(path.read_text(encoding="latin-1"))
