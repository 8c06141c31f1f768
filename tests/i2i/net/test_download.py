"""A file is under its name when it is whole and the right one; what was fetched before is not fetched again."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from scripted_server import Answer, Request, Server, http

from i2i.net import Client, NetworkError, UnreachableError, fetch
from i2i.net import download as downloading

URL = "http://files.test/set.tar.gz"
BODY = bytes(range(256)) * 2000


def download(client: Client, url: str, file: Path) -> None:
    fetch(client, url, file, lambda done, total: None)


def files(body: bytes, tag: str | None = '"1"', cuts: int = 0, each: int = 200_000) -> Answer:
    """A server of files that honours ranges, and cuts its first answers after so many bytes."""
    left = [cuts]

    def answer(request: Request) -> bytes:
        start = 0
        asked = request.headers.get("range")
        if asked and request.headers.get("if-range", tag) == tag:
            start = int(asked.removeprefix("bytes=").removesuffix("-"))
        if start >= len(body):
            return http(416, Content_Range=f"bytes */{len(body)}", ETag=tag)
        left[0] -= 1
        sent = body[start : start + each] if left[0] >= 0 else body[start:]
        ends = {"Connection": "close"} if left[0] >= 0 else {}
        if start:
            ends["Content_Range"] = f"bytes {start}-{len(body) - 1}/{len(body)}"
        return http(206 if start else 200, sent, Content_Length=len(body) - start, ETag=tag, **ends)

    return answer


@pytest.fixture
def begin(server: Server, make_client: Callable[..., Client], tmp_path: Path) -> None:
    """A download that was cut after 200,000 bytes."""
    server.answer = files(BODY, cuts=1)
    with pytest.raises(UnreachableError, match=r"received 200000 bytes, expected 512000"):
        download(make_client(tries=1), URL, tmp_path / "set")
    assert not (tmp_path / "set").exists()


def test_a_file_arrives_whole_with_its_checksum_and_progress(server: Server, client: Client, tmp_path: Path) -> None:
    server.answer = files(BODY)
    seen: list[tuple[int, int | None]] = []
    fetch(client, URL, tmp_path / "new" / "set", lambda *counts: seen.append(counts))
    assert (tmp_path / "new" / "set").read_bytes() == BODY
    assert (seen[0], seen[-1]) == ((0, len(BODY)), (len(BODY), len(BODY)))
    assert [count for count, _ in seen] == sorted(count for count, _ in seen)
    assert os.listdir(tmp_path / "new") == ["set"]


def test_cuts_are_mended_by_asking_for_the_rest(server: Server, client: Client, tmp_path: Path) -> None:
    server.answer = files(BODY, cuts=2)
    download(client, URL, tmp_path / "set")
    assert (tmp_path / "set").read_bytes() == BODY
    assert [(r.headers.get("range"), r.headers.get("if-range")) for r in server.requests] == [
        (None, None),
        ("bytes=200000-", '"1"'),
        ("bytes=400000-", '"1"'),
    ]


def test_many_cuts_are_no_failure_as_long_as_bytes_come(
    server: Server, client: Client, tmp_path: Path, waits: list[float]
) -> None:
    server.answer = files(BODY * 3, cuts=20, each=70_000)
    download(client, URL, tmp_path / "set")
    assert (tmp_path / "set").read_bytes() == BODY * 3
    assert set(waits) == {1.0}


@pytest.mark.usefixtures("begin")
def test_an_interrupted_download_goes_on_in_another_process(
    server: Server, make_client: Callable[..., Client], tmp_path: Path
) -> None:
    download(make_client(tries=1), URL, tmp_path / "set")
    assert server.requests[1].headers["range"] == "bytes=200000-"
    assert (tmp_path / "set").read_bytes() == BODY


@pytest.mark.usefixtures("begin")
def test_a_file_that_has_changed_since_is_fetched_from_the_start(
    server: Server, make_client: Callable[..., Client], tmp_path: Path
) -> None:
    server.answer = files(BODY[::-1], tag='"2"')
    download(make_client(tries=1), URL, tmp_path / "set")
    assert (tmp_path / "set").read_bytes() == BODY[::-1]


@pytest.mark.usefixtures("begin")
def test_a_server_that_ignores_the_condition_cannot_glue_two_files(
    server: Server, make_client: Callable[..., Client], tmp_path: Path
) -> None:
    changed = files(BODY[::-1], tag='"2"')
    server.answer = lambda request: changed(Request(request.target, request.headers | {"if-range": '"2"'}))
    download(make_client(tries=2), URL, tmp_path / "set")
    assert (tmp_path / "set").read_bytes() == BODY[::-1]


def test_an_answer_without_an_end_is_refused(server: Server, client: Client, tmp_path: Path) -> None:
    server.script(http(200, BODY, Content_Length=None, Connection="close"))
    with pytest.raises(NetworkError, match="does not say where the file ends"):
        download(client, URL, tmp_path / "set")


@pytest.mark.usefixtures("begin")
@pytest.mark.parametrize("place", ["", "bytes 0-9/10", "bytes */512000", "lines 200000-511999/512000", "bytes 1-"])
def test_a_range_that_was_not_asked_for_is_never_glued(
    place: str, server: Server, make_client: Callable[..., Client], tmp_path: Path
) -> None:
    server.script(http(206, BODY[200_000:], Content_Range=place, ETag='"1"'))
    with pytest.raises(NetworkError):
        download(make_client(tries=1), URL, tmp_path / "set")
    assert not (tmp_path / "set").exists()


@pytest.mark.parametrize("status", [403, 404])
def test_a_file_that_is_not_there_is_one_line(status: int, server: Server, client: Client, tmp_path: Path) -> None:
    server.script(http(status, b"<html>"))
    with pytest.raises(NetworkError, match=rf"files\.test/set\.tar\.gz answers {status}"):
        download(client, URL, tmp_path / "set")
    assert os.listdir(tmp_path) == []


def test_a_server_that_gives_nothing_but_a_few_bytes_is_left(
    server: Server, client: Client, tmp_path: Path, waits: list[float]
) -> None:
    server.answer = files(BODY, cuts=10**6, each=10)
    with pytest.raises(UnreachableError):
        download(client, URL, tmp_path / "set")
    assert waits == [1.0, 2.0, 4.0, 8.0]


def test_a_download_that_crawls_is_left(server: Server, make_client: Callable[..., Client], tmp_path: Path) -> None:
    server.answer = lambda request: http(200, b"x" * 10**6, X_Drip=1)
    with pytest.raises(UnreachableError, match="does not answer in time"):
        download(make_client(tries=1, deadline=0.3), URL, tmp_path / "set")


def test_a_part_without_a_validator_is_not_used(
    server: Server, make_client: Callable[..., Client], tmp_path: Path
) -> None:
    server.answer = files(BODY, tag=None, cuts=1)
    download(make_client(), URL, tmp_path / "set")
    assert [request.headers.get("range") for request in server.requests] == [None, None]
    assert (tmp_path / "set").read_bytes() == BODY


@pytest.mark.usefixtures("begin")
def test_a_part_that_is_longer_than_the_file_is_fetched_from_the_start(
    server: Server, make_client: Callable[..., Client], tmp_path: Path
) -> None:
    (tmp_path / ".set.part").write_bytes(BODY * 2)
    download(make_client(), URL, tmp_path / "set")
    assert (tmp_path / "set").read_bytes() == BODY


def test_a_file_beyond_the_limit_is_not_fetched(
    server: Server, client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(downloading, "MAX_BYTES", 1000)
    server.answer = files(BODY)
    with pytest.raises(NetworkError, match="more than the 1000 bytes"):
        download(client, URL, tmp_path / "set")
