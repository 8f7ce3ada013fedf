"""Who is on this machine, and which page asks."""

from __future__ import annotations

import pytest
from custom_nodes.discomfort.system.local_requests import Request, judge


def asked(
    host: str | None = "127.0.0.1:8188",
    *more: tuple[str, str],
    method: str = "GET",
    peer: str = "127.0.0.1",
    reached: str = "127.0.0.1",
) -> str | None:
    headers = [] if host is None else [("Host", host)]
    return judge(Request(method, peer, reached, 8188, [*headers, *more]))


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1:8188",
        "127.0.0.1",
        "127.1.2.3:1",
        "localhost:8188",
        "LocalHost",
        "localhost.",
        "[::1]:8188",
        "0.0.0.0:8188",  # what ComfyUI prints with --listen
    ],
)
def test_this_machine_is_answered_under_its_names(host):
    assert asked(host) is None


@pytest.mark.parametrize("address", ["192.168.1.5", "10.0.0.1", "fe80::1%eth0", "2001:db8::1"])
def test_a_machine_reaches_its_own_address_from_that_address(address):
    host = f"[{address.partition('%')[0]}]:8188" if ":" in address else f"{address}:8188"
    assert asked(host, peer=address, reached=address) is None
    if "." in address:
        assert asked(host, peer=f"::ffff:{address}", reached=address) is None
    assert "another" in (asked(host, peer="192.168.1.6", reached=address) or "")


@pytest.mark.parametrize(
    ("peer", "reached"),
    [
        ("192.168.1.6", "192.168.1.5"),
        ("127.0.0.2", "127.0.0.1"),
        ("", ""),
        ("/run/comfyui.socket", "/run/comfyui.socket"),
        ("::1", "127.0.0.1"),
    ],
)
def test_others_are_not_answered(peer, reached):
    assert "another" in (asked(peer=peer, reached=reached) or "")


@pytest.mark.parametrize(
    "host",
    [
        None,
        "",
        "evil.example",
        "evil.example:8188",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "127.0.0.1@evil.example",
        "evil.example#127.0.0.1",
        "evil.example/127.0.0.1",
        "127.1",
        "2130706433",
        "192.168.1.5:8188",  # an address, and not the one that was reached
        "[::1",
        "::1",
        "localhost:8188, evil.example",
        "l\u00f6calhost",
    ],
)
def test_a_name_that_may_lead_anywhere_is_not_answered(host):
    assert "any machine" in (asked(host) or "")


def test_two_hosts_are_none():
    assert asked("localhost", ("host", "localhost")) is not None


@pytest.mark.parametrize(
    "header",
    [
        ("X-Forwarded-For", "127.0.0.1"),
        ("x-forwarded-host", "localhost"),
        ("X-Forwarded-Proto", "https"),
        ("X-Real-IP", "127.0.0.1"),
        ("Forwarded", "for=127.0.0.1"),
        ("Via", "1.1 proxy"),
        ("CF-Connecting-IP", "127.0.0.1"),
    ],
)
def test_what_a_proxy_hands_on_is_not_answered(header):
    assert "proxy" in (asked("localhost", header) or "")


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "POST", "OPTIONS"])
@pytest.mark.parametrize(
    "header",
    [
        ("Origin", "https://evil.example"),
        ("Origin", "http://localhost:3000"),
        ("Origin", "http://127.0.0.1:8188"),
        ("Origin", "null"),
        ("Origin", "http://localhost:8188@evil.example"),
        ("Origin", "file://localhost:8188"),
        ("Origin", "http://localhost:x"),
        ("Origin", "http://["),
        ("Origin", ""),
        ("Referer", "https://comfyui.example/"),
        ("Sec-Fetch-Site", "cross-site"),
        ("Sec-Fetch-Site", "same-site"),
        ("Sec-Fetch-Site", "what is this"),
    ],
)
def test_other_sites_are_not_answered(method, header):
    assert "other sites" in (asked("localhost:8188", header, method=method) or "")


@pytest.mark.parametrize("method", ["GET", "DELETE"])
@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("localhost:8188", "http://localhost:8188"),
        ("LOCALHOST:8188", "http://localhost:8188"),
        ("localhost", "http://localhost"),
        ("localhost:80", "http://localhost"),
        ("localhost:443", "https://localhost"),
        ("[::1]:8188", "http://[::1]:8188"),
    ],
)
def test_a_page_of_this_server_is_answered(method, host, origin):
    site = ("Sec-Fetch-Site", "same-origin")
    referer = ("Referer", f"{origin}/?a=b")
    assert asked(host, ("Origin", origin), site, referer, method=method) is None


def test_an_address_typed_by_hand_is_answered_and_changes_nothing():
    typed = ("Sec-Fetch-Site", "none")
    assert asked("localhost", typed) is None
    assert asked("localhost", typed, method="DELETE") is not None
