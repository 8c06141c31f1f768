"""No URL, redirect or answer of a name server leads into a private network."""

import socket
from collections.abc import Callable
from typing import Any

import pytest
from scripted_server import PUBLIC, Leading, Server, http

from i2i.net import Client, NetworkError, Retry, UnreachableError, UnsafeUrlError, parse_url
from i2i.net.urls import is_public

ONCE = Retry(tries=1)
TYPED = ["http://typed.test/"]

PORTLESS = [
    # this machine, in every spelling that some parser takes
    "127.0.0.1", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7f.0.0.1", "0177.0.0.1", "017700000001",
    "0", "0.0.0.0", "127.255.255.254", "①②⑦.⓪.⓪.①", "127。0。0。1", "１２７.0.0.1", "localhost", "LOCALHOST",
    "localhost.", "127.0.0.1.",
    "[::1]", "[::]", "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]",
    "[64:ff9b::127.0.0.1]", "[64:ff9b:1::1]", "[2002:7f00:1::]", "[2001:0:7f00:1::]", "[fe80::1]",
    # networks that are not the internet
    "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.0.1", "169.254.169.254", "0xa9fea9fe", "2852039166",
    "[::ffff:169.254.169.254]", "[fd00:ec2::254]", "100.64.0.1", "100.127.255.255", "198.18.0.1", "192.0.0.1",
    "192.0.2.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
    "[fc00::1]", "[fdff::1]", "[fec0::1]", "[ff02::1]", "[2001:db8::1]", "[3fff::1]", "[100::1]", "[2002:a00:1::]",
]  # fmt: skip
MALFORMED = [
    "file:///etc/passwd", "ftp://example.com/", "gopher://127.0.0.1:{port}/_GET", "data:text/plain,x",
    "//127.0.0.1:{port}/", "127.0.0.1:{port}", "http:///x", "http://:{port}/", "http://user@127.0.0.1:{port}/",
    "http://example.com@127.0.0.1:{port}/", "http://127.0.0.1:{port}\\@example.com/",
    "http://example.com\\@127.0.0.1:{port}/", "http://127.0.0.1:{port}\t/", "http://127.0.0.1 :{port}/",
    "http://127.0.0.1:{port}/\r\nHost: x", "http://%31%32%37.0.0.1:{port}/", "http://[::1%25lo]:{port}/",
    "http://[::1:{port}/", "http://127.0.0.1:99999/", "http://127.0.0.1:0/", "http://127.0.0.1:-1/",
    "http://127.0.0.1:8 0/", "http://ex*mple.com/", "http://-/", "http://a..b/", "http://" + "a" * 64 + ".com/", "",
]  # fmt: skip
HOSTILE = [f"http://{host}:{{port}}/latest/meta-data" for host in PORTLESS] + MALFORMED


@pytest.mark.parametrize("url", HOSTILE)
def test_a_hostile_address_is_refused_before_anything_is_sent(url: str, canary: Server) -> None:
    # the system's resolver knows the odd spellings; every connection goes to the canary, wherever it was meant to go
    client = Client("tests", named=TYPED, retry=ONCE, backend=Leading(canary))
    with pytest.raises((UnsafeUrlError, UnreachableError)):
        client.get(url.format(port=canary.port))
    assert canary.connections == 0


@pytest.mark.parametrize("url", HOSTILE)
def test_a_redirect_is_judged_like_an_address(
    url: str, server: Server, canary: Server, make_client: Callable[..., Client]
) -> None:
    def find(host: str, port: int) -> list[str]:
        return [PUBLIC] if host == "tiles.test" else [str(f[4][0]) for f in socket.getaddrinfo(host, port)]

    place = url.format(port=canary.port).encode("utf-8").decode("latin-1").replace("\r\n", "%0d%0a")
    server.script(http(302, Location=place))
    # a place that is relative leads back to the same server, which redirects again
    with pytest.raises((UnsafeUrlError, NetworkError)):
        make_client(resolve=find, tries=1).get("http://tiles.test/")
    assert canary.connections == 0
    assert {request.headers["host"] for request in server.requests} == {"tiles.test"}


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.215.14", True), ("1.1.1.1", True), ("100.63.255.255", True), ("100.128.0.0", True),
        ("172.15.255.255", True), ("172.32.0.0", True), ("223.255.255.255", True), ("11.0.0.0", True),
        ("2606:4700::1111", True), ("::ffff:1.1.1.1", True), ("64:ff9b::101:101", True), ("2002:101:101::", True),
        ("126.255.255.255", True), ("128.0.0.0", True), ("169.253.255.255", True), ("169.255.0.0", True),
        ("::ffff:10.0.0.1", False), ("64:ff9b::a00:1", False), ("2002:a00:1::", False), ("4000::1", False),
    ],
)  # fmt: skip
def test_blocks_end_where_the_registries_say(address: str, public: bool) -> None:
    assert is_public(address) is public


def test_a_name_that_changes_its_address_is_never_followed_inside(canary: Server) -> None:
    answers = iter([[PUBLIC], ["127.0.0.1"], ["127.0.0.1"]])
    backend = Leading(canary, silent=frozenset({PUBLIC}))
    retry = Retry(sleep=lambda seconds: None)
    client = Client("tests", named=TYPED, retry=retry, resolve=lambda h, p: next(answers), backend=backend)
    with pytest.raises(UnsafeUrlError, match=r"leads to 127\.0\.0\.1"):
        client.get("http://rebind.test/")
    assert (backend.reached, canary.connections) == ([PUBLIC], 0)


def test_one_private_address_among_public_ones_is_enough_to_refuse(
    make_client: Callable[..., Client], server: Server
) -> None:
    with pytest.raises(UnsafeUrlError, match=r"leads to 10\.0\.0\.1"):
        make_client(resolve=lambda h, p: ["93.184.215.14", "10.0.0.1"]).get("http://mixed.test/")
    assert server.connections == 0


def test_a_host_is_resolved_once_a_connection(make_client: Callable[..., Client]) -> None:
    asked: list[Any] = []

    def find(host: str, port: int) -> list[str]:
        asked.append((host, port))
        return [PUBLIC]

    client = make_client(resolve=find)
    client.get("http://tiles.test/")
    client.get("http://tiles.test/")
    assert asked == [("tiles.test", 80)]


def test_the_next_address_is_tried_when_one_does_not_answer(server: Server) -> None:
    backend = Leading(server, silent=frozenset({PUBLIC}))
    with Client("tests", named=TYPED, resolve=lambda h, p: [PUBLIC, "1.1.1.1"], backend=backend) as client:
        assert client.get("http://tiles.test/").body == b"hello"
    assert backend.reached == [PUBLIC, "1.1.1.1"]


def test_a_host_that_the_user_named_may_be_private_at_its_port_alone(server: Server, canary: Server) -> None:
    with Client("tests", named=[f"http://LOCALHOST.:{server.port}/x"], retry=ONCE) as client:
        assert client.get(f"http://localhost:{server.port}/").body == b"hello"
        for other in (f"127.0.0.1:{server.port}", f"localhost:{canary.port}"):
            with pytest.raises(UnsafeUrlError, match="leads to"):
                client.get(f"http://{other}/")
    assert canary.connections == 0


def test_http_is_asked_only_where_it_was_typed(make_client: Callable[..., Client], server: Server) -> None:
    with pytest.raises(UnsafeUrlError, match="not encrypted"):
        make_client(named=["https://typed.test/"]).get("http://tiles.test/")
    assert server.connections == 0


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://Tiles.Example.org./{z}/{x}/{y}.png", "tiles.example.org"),
        ("http://[2001:DB8::0001]:80/", "2001:db8::1"),
        ("https://Bücher.example/", "xn--bcher-kva.example"),
    ],
)
def test_a_host_has_one_spelling(url: str, host: str) -> None:
    assert parse_url(url).host == host


def test_path_and_query_are_sent_as_they_were_given(server: Server, client: Client) -> None:
    client.get("http://tiles.test/a%2Fb/ü;v=1?x=[1,2]&y=%20#part")
    assert server.requests[0].target == "/a%2Fb/%C3%BC;v=1?x=[1,2]&y=%20"
