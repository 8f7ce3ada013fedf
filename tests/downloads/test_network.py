"""Which hosts and addresses are asked, and who gets a key."""

from __future__ import annotations

import pytest
from custom_nodes.discomfort.downloads.fetch_file import ask_size
from custom_nodes.discomfort.downloads.network import Network, is_public, key_for, read_url
from custom_nodes.discomfort.errors import DownloadError
from support.https_server import INTERNET, PRIVATE


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.1.2.3", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1",
        "169.254.169.254", "100.64.0.1", "100.127.255.255", "224.0.0.1", "240.0.0.1",
        "255.255.255.255", "192.0.2.1", "198.18.0.1", "::", "::1", "::ffff:127.0.0.1",
        "::ffff:10.0.0.1", "::127.0.0.1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00::1",
        "fec0::1", "ff02::1", "64:ff9b::7f00:1", "64:ff9b::a00:1", "2002:7f00:1::", "2002:a00:1::",
        "2001:db8::1", "2001:0:7f00:1::", "no address",
    ],
)  # fmt: skip
def test_address_of_this_machine_or_of_a_private_network_is_none_of_the_internet(address):
    assert not is_public(address)


@pytest.mark.parametrize("address", ["1.1.1.1", "2606:4700:4700::1111", "::ffff:1.1.1.1"])
def test_address_of_the_internet_is_one(address):
    assert is_public(address)


@pytest.mark.parametrize(
    "url",
    [
        "http://files.test/a", "ftp://files.test/a", "file:///etc/passwd", "//files.test/a",
        "files.test/a", "", "https://", "https:///a", "https://u:p@files.test/a",
        "https://u@files.test/a", "https://files.test:99999/a", "https://[::1/a",
    ],
)  # fmt: skip
def test_address_that_is_no_plain_https_one_is_refused(url):
    with pytest.raises(DownloadError):
        read_url(url)


def test_address_is_asked_in_one_spelling():
    place = read_url("HTTPS://Files.Test/a b/\u00e4?x=1 2#part")
    assert place.url == "https://files.test/a%20b/%C3%A4?x=1%202"


async def test_names_that_mean_this_machine_are_not_asked(host):
    for name in ("localhost", "127.0.0.1", "2130706433", "127.1", "0x7f.1", "[::1]"):
        with pytest.raises(DownloadError, match=r"allow_private=True|not found|can't be reached"):
            await ask_size(f"https://{name}:{host.port}/a", Network())
    assert host.asked == []


async def test_what_a_name_means_is_asked_once_and_that_address_is_gone_to(host):
    """A name that means another machine a moment later (DNS rebinding) changes nothing."""
    host.files["/a"] = b"x" * 10
    meanings = iter([[INTERNET], [PRIVATE]])
    network = Network(
        is_allowed=lambda address: address == INTERNET,
        resolve=lambda name, port: next(meanings),
        environment={},
    )
    assert await ask_size(host.url("/a"), network) == 10
    with pytest.raises(DownloadError, match="private network"):
        await ask_size(host.url("/a"), network)


async def test_only_what_was_judged_is_gone_to_where_a_name_has_several_addresses(host):
    host.files["/a"] = b"x" * 10
    network = Network(lambda a: a == INTERNET, lambda name, port: [PRIVATE, INTERNET], {})
    assert await ask_size(host.url("/a"), network) == 10


async def test_redirects_are_followed_over_https(host):
    host.files["/a"] = b"x" * 10
    host.redirect("/1", "/2", 307)
    host.redirect("/2", host.url("/a", "other.test"))
    assert await ask_size(host.url("/1"), host.network()) == 10
    assert [a.host for a in host.asked] == ["files.test", "files.test", "other.test"]


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("http://files.test/a", "only https"),
        ("https://private.test:{port}/a", "private network"),
        ("https://localhost:{port}/a", "private network"),
        ("file:///etc/passwd", "only https"),
        ("https://u:p@files.test:{port}/a", "no plain address"),
        ("/loop", "redirects more than"),
    ],
)
async def test_redirect_to_where_nothing_is_asked_is_refused(host, target, words):
    host.files["/a"] = b"x"
    host.redirect("/loop", target.format(port=host.port))
    with pytest.raises(DownloadError, match=words):
        await ask_size(host.url("/loop"), host.network())
    assert all(asked.path == "/loop" for asked in host.asked)


KEYS = {"HF_TOKEN": "hf-secret", "CIVITAI_API_TOKEN": "cv-secret"}


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("huggingface.co", "hf-secret"),
        ("civitai.com", "cv-secret"),
        ("huggingface.co.evil.test", None),
        ("evilhuggingface.co", None),
        ("cdn.huggingface.co", None),
        ("huggingface.co.", None),
        ("files.test", None),
    ],
)
def test_a_key_is_for_its_own_host_alone(name, key):
    assert key_for(name, KEYS) == key


def test_a_key_that_would_be_a_header_of_its_own_is_none():
    assert key_for("huggingface.co", {"HF_TOKEN": "a\r\nX: b"}) is None


async def test_a_key_goes_to_its_host_and_not_to_where_that_redirects(host):
    host.files["/a"] = b"x" * 10
    host.redirect("/1", host.url("/2", "civitai.com"))
    host.redirect("/2", host.url("/a", "other.test"))
    await ask_size(host.url("/1", "huggingface.co"), host.network(KEYS))
    sent = [(a.host, a.headers.get("Authorization")) for a in host.asked]
    assert sent == [
        ("huggingface.co", "Bearer hf-secret"),
        ("civitai.com", "Bearer cv-secret"),
        ("other.test", None),
    ]
    assert "hf-secret" not in str([a.headers for a in host.asked[1:]])


async def test_a_certificate_that_nobody_vouches_for_is_refused(host, monkeypatch):
    monkeypatch.delenv("SSL_CERT_FILE")
    with pytest.raises(DownloadError, match=r"(?i)certificate"):
        await ask_size(host.url("/a"), host.network(KEYS))
    assert host.asked == []


async def test_a_certificate_of_another_name_is_refused(host):
    with pytest.raises(DownloadError, match=r"(?i)certificate|hostname"):
        await ask_size(host.url("/a", "another.test"), host.network())
    assert host.asked == []
