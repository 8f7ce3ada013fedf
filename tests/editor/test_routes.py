"""Who is answered by our routes in a user's ComfyUI, over HTTP as browsers and others send it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import aiohttp
import pytest
from custom_nodes.discomfort.records.history import History
from support.servers import Server

from .outer import COUNT, Outer, started

# On macOS there is one loopback address, so that nobody can be elsewhere.
elsewhere_only = pytest.mark.skipif(
    sys.platform == "darwin", reason="there is one loopback address only"
)
ELSEWHERE = "127.0.0.2"
LISTENS_AT = "127.0.0.3"


class Said(NamedTuple):
    status: int
    text: str

    @property
    def error(self) -> str:
        return json.loads(self.text)["error"]


async def ask(
    outer: Outer, path: str, method: str = "GET", *, source: str = "", **headers: str
) -> Said:
    """One request, with headers under their names in Python, from an address of this machine."""
    local = (source, 0) if source else None
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    async with (
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(local_addr=local)) as http,
        http.request(method, outer.address + path, headers=sent) as reply,
    ):
        return Said(reply.status, await reply.text())


def record(outer: Outer) -> str:
    """The path of a record of this user's, which is over."""
    root = outer.base / "data" / "discomfort" / "runs"
    root.mkdir(parents=True, exist_ok=True)
    history = History("private words")
    history.start_recording(root=root)
    history.close()
    return f"/discomfort/runs/{history.record_id}"


REFUSED = {
    "elsewhere": {"source": ELSEWHERE},
    "rebound": {"Host": "evil.example:8188"},
    "rebound, one of ours before": {"Host": "127.0.0.1.evil.example"},
    "proxy": {"X_Forwarded_For": "192.0.2.7"},
    "proxy that keeps the name": {"Host": "comfyui.example", "Origin": "https://comfyui.example"},
    "proxy that says nothing": {"Referer": "https://comfyui.example/"},
    "other site": {"Sec_Fetch_Site": "cross-site"},
    "other port": {"Sec_Fetch_Site": "same-site"},
    "other page": {"Origin": "http://localhost:1"},
    "sandbox": {"Origin": "null"},
}


@pytest.mark.parametrize("case", REFUSED)
async def test_hello_and_records_answer_this_machine_and_this_page_only(outer: Outer, case):
    if case == "elsewhere" and sys.platform == "darwin":
        pytest.skip("there is one loopback address only")
    one = record(outer)
    for path in ("/discomfort/hello", "/discomfort/runs", one, f"{one}/report"):
        for prefix in ("", "/api"):
            said = await ask(outer, prefix + path, **REFUSED[case])
            assert said.status == 403, said
            assert "private words" not in said.text and str(outer.base) not in said.text
    assert (await ask(outer, one, "DELETE", **REFUSED[case])).status == 403
    assert (await ask(outer, one)).status == 200


async def test_this_machine_sees_and_removes_records(outer: Outer):
    one, port = record(outer), urlsplit(outer.address).port
    for host in (f"127.0.0.1:{port}", f"localhost:{port}", "[::1]:1", f"0.0.0.0:{port}"):
        page = {"Host": host, "Origin": f"http://{host}", "Sec_Fetch_Site": "same-origin"}
        assert (await ask(outer, one, **page)).status == 200, host
        assert (await ask(outer, "/discomfort/hello", Host=host)).status == 200, host
    assert (await ask(outer, one, "DELETE", **page)).status == 200
    assert (await ask(outer, one)).status == 404


async def test_the_refusal_says_what_to_do(outer: Outer):
    said = await ask(outer, "/discomfort/runs", X_Forwarded_For="192.0.2.7")
    port = urlsplit(outer.address).port
    assert said.error.startswith("What a run recorded is private.")
    assert f"open ComfyUI as http://127.0.0.1:{port}." in said.error


PORTS = "/discomfort/ports?workflow="


@pytest.mark.parametrize("case", [c for c in REFUSED if "other" not in c and c != "sandbox"])
async def test_ports_are_told_to_whom_comfyui_gives_the_workflow(outer: Outer, case):
    if case == "elsewhere" and sys.platform == "darwin":
        pytest.skip("there is one loopback address only")
    file = await ask(outer, "/userdata/workflows%2Fcount.json", **REFUSED[case])
    said = await ask(outer, f"{PORTS}count.json", **REFUSED[case])
    assert file.status == said.status == 200
    assert [p["name"] for p in json.loads(said.text)["inputs"]] == ["number", "step"]


@pytest.mark.parametrize("case", ["other page", "sandbox", "other site"])
async def test_ports_are_told_to_no_page_to_which_comfyui_does_not_talk(outer: Outer, case):
    file = await ask(outer, "/userdata/workflows%2Fcount.json", **REFUSED[case])
    said = await ask(outer, f"{PORTS}count.json", **REFUSED[case])
    assert said.status == file.status


ODD_NAMES = [
    "%00",
    "a%00b.json",
    "..",
    "%2e%2e%2f%2e%2e%2fcomfyui.db",
    "/etc/passwd",
    "~nobody-here/x.json",
    "~/x.json",
    "%ff%fe",
    "%ed%a0%80.json",
    "x" * 5000,
    "a/" * 2000 + "x.json",
    "%5c%5chost%5cshare%5cx.json",
    "C:%5cx.json",
    "CON",
    ".",
    "%0a",
    "count.json%0a",
    "count.json/x",
    "deep.json",
    "bad.json",
    "latin.json",
    "folder.json",
    "loop.json",
    "neither.json",
]


@pytest.mark.parametrize("name", ODD_NAMES, ids=lambda name: name[:20])
async def test_odd_names_of_workflows_are_told_without_a_path(outer: Outer, name):
    saved = outer.workflows
    (saved / "deep.json").write_text("[" * 100_000, encoding="utf-8")
    (saved / "bad.json").write_text("{", encoding="utf-8")
    (saved / "latin.json").write_bytes(b'{"nodes": "\xff"}')
    (saved / "neither.json").write_text("{}", encoding="utf-8")
    (saved / "folder.json").mkdir(exist_ok=True)
    if not (saved / "loop.json").is_symlink():
        (saved / "loop.json").symlink_to(saved / "loop.json")
    log = len(outer.log)
    said = await ask(outer, f"{PORTS}count.json&workflow={name}")
    if name in ("%0a", "count.json%0a"):  # blanks around a name are no part of it
        assert said.status == 200
        return
    assert 400 <= said.status < 500
    assert str(outer.base) not in said.text and str(Path.home()) not in said.text
    assert "Traceback" not in outer.log[log:]


ODD_IDS = ["%00", "..%2f..", "%2e%2e", "x" * 5000, "%ff", "20300101-000000-abcdefgh%00", "~", "CON"]


@pytest.mark.parametrize("name", ODD_IDS, ids=lambda name: name[:20])
async def test_odd_names_of_records_are_told_without_a_path(outer: Outer, name):
    one, log = record(outer), len(outer.log)
    asked = [f"/discomfort/runs/{name}", f"{one}/picture/{name}", f"{one}/workflow/{name}"]
    for path in (*asked, f"{asked[0]}/report", f"{one}?last={name}", f"{one}?before={name}"):
        said = await ask(outer, path)
        assert 400 <= said.status < 500 and str(outer.base) not in said.text
    assert 400 <= (await ask(outer, asked[0], "DELETE")).status < 500
    assert "Traceback" not in outer.log[log:]


@pytest.fixture(scope="module")
def shared_comfyui(comfyui: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outer]:
    """A ComfyUI for several people, which listens on an address that is not the usual one."""
    base = tmp_path_factory.mktemp("shared")
    (base / "user").mkdir()
    (base / "user" / "users.json").write_text('{"alice": "Alice", "default": "Default"}')
    own = base / "user" / "alice" / "workflows"
    own.mkdir(parents=True)
    (own / "of alice.json").write_text(json.dumps(COUNT), encoding="utf-8")
    (base / "input").mkdir()
    (base / "input" / "for all.json").write_text(json.dumps(COUNT), encoding="utf-8")
    with started(comfyui, base, arguments=["--listen", LISTENS_AT, "--multi-user"]) as made:
        made.address = made.address.replace("127.0.0.1", LISTENS_AT)
        yield made


@elsewhere_only
async def test_listening_opens_what_is_private_to_nobody(shared_comfyui: Outer):
    one = record(shared_comfyui)
    for path in ("/discomfort/hello", "/discomfort/runs", one):
        for source in ("127.0.0.1", ELSEWHERE):
            assert (await ask(shared_comfyui, path, source=source)).status == 403
        assert (await ask(shared_comfyui, path, source=LISTENS_AT)).status == 200
        assert (await ask(shared_comfyui, path, source=LISTENS_AT, Host="a.example")).status == 403
    assert (await ask(shared_comfyui, one, "DELETE", source=ELSEWHERE)).status == 403
    assert (await ask(shared_comfyui, one, "DELETE", source=LISTENS_AT)).status == 200


@elsewhere_only
@pytest.mark.parametrize("user", ["", "default", "alice", "nobody", "..", "a/../default"])
@pytest.mark.parametrize(
    "name", ["count.json", "of alice.json", "../../alice/workflows/of alice.json"]
)
async def test_ports_follow_comfyuis_own_users(shared_comfyui: Outer, user, name):
    who: dict[str, Any] = {"comfy_user": user} if user else {}
    file = await ask(shared_comfyui, f"/userdata/workflows%2F{name.replace('/', '%2F')}", **who)
    said = await ask(shared_comfyui, PORTS + name, **who)
    # What a node of anybody's runs is the default user's: other workflows have no ports here.
    is_told = file.status == 200 and name == "count.json"
    assert (said.status == 200) == is_told
    assert said.status in (200, 404)


@elsewhere_only
async def test_ports_of_what_all_may_run_are_told_to_all(shared_comfyui: Outer):
    said = await ask(shared_comfyui, f"{PORTS}for all.json", source=ELSEWHERE)
    assert said.status == 200
