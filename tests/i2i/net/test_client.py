"""What a server says arrives whole or not at all, and a busy server is left in peace."""

import ssl
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from scripted_server import Server, http

from i2i.net import Client, NetworkError, Retry, UnreachableError

URL = "http://tiles.test/a/b.png?key=secret"


def test_an_answer_has_its_status_headers_and_body(server: Server, client: Client) -> None:
    server.script(http(404, b"none", ETag='"x"'))
    response = client.get(URL, headers={"If-None-Match": '"y"'})
    assert (response.status, response.body, response.headers["etag"]) == (404, b"none", '"x"')
    (request,) = server.requests
    assert request.target == "/a/b.png?key=secret"
    assert request.headers == {
        "host": "tiles.test",
        "accept-encoding": "identity",
        "user-agent": "i2i-tests (nobody@example.org)",
        "if-none-match": '"y"',
    }


def test_connections_are_kept_and_renewed_when_the_server_closes_them(
    server: Server, client: Client, waits: list[float]
) -> None:
    for _ in range(3):
        assert client.get(URL).body == b"hello"
    assert server.connections == 1
    server.hang_up()  # without a word
    server.script(http(200, b"bye", Connection="close"))
    assert client.get(URL).body == b"bye"
    assert client.get(URL).body == b"bye"
    assert (server.connections, waits) == (3, [])


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_server_is_asked_again_after_growing_pauses(
    status: int, server: Server, client: Client, waits: list[float]
) -> None:
    server.script(http(status), http(status, Retry_After="7"), http(200, b"at last"))
    assert client.get(URL).body == b"at last"
    assert waits == [1.0, 7.0]
    server.script(http(status))
    assert client.get(URL).status == status
    assert waits[2:] == [1.0, 2.0, 4.0, 8.0]
    server.script(http(status, Retry_After="86400"))
    assert client.get(URL).status == status
    assert len(waits) == 6


@pytest.mark.parametrize("status", [401, 404])
def test_what_will_not_change_is_asked_once(status: int, server: Server, client: Client) -> None:
    server.script(http(status))
    assert client.get(URL).status == status
    assert len(server.requests) == 1


def test_requests_are_as_far_apart_as_was_asked_for(make_client: Callable[..., Client]) -> None:
    clock = [0.0]
    times: list[float] = []

    def sleep(seconds: float) -> None:
        clock[0] += seconds

    client = make_client(interval=1.0, retry=Retry(sleep=sleep), clock=lambda: clock[0])
    for taken in (0.0, 0.25, 3.0):  # that a server takes time makes no request come sooner
        client.get(URL)
        times.append(clock[0])
        clock[0] += taken
    assert times == [0.0, 1.0, 2.0]
    client.get(URL)
    assert clock[0] == 5.0


BROKEN = {
    "nothing": b"",
    "no http": b"SSH-2.0-OpenSSH\r\n\r\n",
    "cut body": b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\nConnection: close\r\n\r\nhalf",
    "cut headers": b"HTTP/1.1 200 OK\r\nContent-Le",
    "cut chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n64\r\nhalf",
    "no last chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n4\r\nhalf\r\n",
    "mad chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\nzz\r\nhalf\r\n",
    "many headers": b"HTTP/1.1 200 OK\r\n" + b"X: 1\r\n" * 200 + b"\r\n",
    "long header": b"HTTP/1.1 200 OK\r\nX: " + b"1" * 100_000 + b"\r\n\r\n",
}


@pytest.mark.parametrize("answer", BROKEN.values(), ids=BROKEN)
def test_an_answer_that_is_cut_or_no_answer_is_never_taken_for_one(
    answer: bytes, server: Server, make_client: Callable[..., Client]
) -> None:
    def give(request: Any) -> bytes:
        server.stop.set()
        return answer + b"Connection: close" * (b"Connection: close" not in answer and not answer.startswith(b"HTTP"))

    server.answer = give
    with pytest.raises(UnreachableError, match=r"http://tiles\.test/a/b\.png ") as raised:
        make_client(tries=2, idle=0.3).get(URL)
    assert "secret" not in str(raised.value)
    assert len(server.requests) == 2


def test_a_body_beyond_the_limit_is_not_read(server: Server, client: Client) -> None:
    server.script(http(200, b"12345"), http(200, b"12345", Content_Length=10**15))
    assert client.get(URL, max_bytes=5).body == b"12345"
    with pytest.raises(NetworkError, match="more than the 5 bytes"):
        client.get(URL, max_bytes=5)
    chunked = b"".join(b"3\r\nabc\r\n" for _ in range(3)) + b"0\r\n\r\n"
    server.script(http(200, chunked, Transfer_Encoding="chunked"))
    assert client.get(URL, max_bytes=9).body == b"abcabcabc"
    with pytest.raises(NetworkError, match="more than the 8 bytes"):
        client.get(URL, max_bytes=8)


@pytest.mark.parametrize("length", ["-1", "1e3", "5, 6", "0x5"])
def test_a_length_that_is_no_number_is_refused(length: str, server: Server, client: Client) -> None:
    server.script(http(200, b"12345", Content_Length=length, Connection="close"))
    with pytest.raises(UnreachableError, match="does not answer as it should"):
        client.get(URL)


def test_a_compressed_body_is_refused(server: Server, client: Client) -> None:
    server.script(http(200, b"\x1f\x8b", Content_Encoding="gzip"))
    with pytest.raises(NetworkError, match="encoding 'gzip', which was not asked for"):
        client.get(URL)


@pytest.mark.parametrize("part", ["headers", "body"])
def test_a_server_that_drips_is_left_at_the_deadline(
    part: str, server: Server, make_client: Callable[..., Client]
) -> None:
    drip = http(200, b"x" * 10**6, X_Drip=1)
    server.script(drip if part == "headers" else drip.replace(b"\r\n\r\n", b"\r\n\r\n" + b"y" * 50, 1))
    began = time.monotonic()
    with pytest.raises(UnreachableError, match="does not answer in time"):
        make_client(tries=1, idle=5.0, deadline=0.3).get(URL)
    assert time.monotonic() - began < 4  # neither the 5 s of silence nor the 3 h that the body would take


def test_a_silent_server_is_left(server: Server, make_client: Callable[..., Client]) -> None:
    server.answer = lambda request: b"" * server.stop.wait(5)
    with pytest.raises(UnreachableError, match="does not answer in time"):
        make_client(tries=1, idle=0.1).get(URL)


def test_redirects_are_followed_thrice(server: Server, client: Client) -> None:
    def count_down(request: Any) -> bytes:
        left = int(request.target[1:])
        return http(302, Location=f"/{left - 1}") if left else http(200, b"here")

    server.answer = count_down
    response = client.get("http://tiles.test/3")
    assert (response.body, response.url.text) == (b"here", "http://tiles.test/0")
    with pytest.raises(NetworkError, match="redirects more than 3 times"):
        client.get("http://tiles.test/4")


def test_headers_of_the_user_do_not_go_to_another_server(server: Server, client: Client) -> None:
    server.script(http(307, Location="http://else.test/x"), http(200))
    client.get(URL, headers={"Authorization": "secret"})
    assert [request.headers.get("authorization") for request in server.requests] == ["secret", None]
    assert [request.headers["host"] for request in server.requests] == ["tiles.test", "else.test"]


def test_proxies_of_the_environment_are_not_used_and_cookies_not_kept(
    server: Server, canary: Server, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY", "https_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{canary.port}")
    server.script(http(200, b"hello", Set_Cookie="id=1"))
    assert client.get(URL).body == client.get(URL).body == b"hello"
    assert "cookie" not in server.requests[1].headers
    assert canary.connections == 0


def test_the_certificate_must_be_of_the_host_that_was_asked(server: Server, make_client: Callable[..., Client]) -> None:
    identity = Path(__file__).with_name("tiles.test.pem")
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(identity)
    server.tls = serving
    trusting = ssl.create_default_context(cafile=identity)
    assert make_client(tls=trusting).get("https://tiles.test/").body == b"hello"
    with pytest.raises(NetworkError, match="no valid certificate: Hostname mismatch"):
        make_client(tls=trusting).get("https://else.test/")
    with pytest.raises(NetworkError, match="no valid certificate: self-signed certificate"):
        make_client().get("https://tiles.test/")
    assert len(server.requests) == 1
