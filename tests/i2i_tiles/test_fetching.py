"""Against a real server on loopback, with a clock that moves only when somebody sleeps or the test says so."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from email.utils import formatdate
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from scripted_server import Request, Server, http

from i2i.errors import OutputError
from i2i.net import Client, NetworkError, Retry, UnsafeUrlError
from i2i_tiles.fetching import LEAST_AGE, MAX_FAILURES, Fetcher
from i2i_tiles.manners import ForbiddenError, Manners
from i2i_tiles.sources import Place
from i2i_tiles.web import WebTiles

TILE = http(200, b"a tile", Content_Type="image/png")
DATE = "Thu, 01 Jan 1970 00:00:00 GMT"
TRIES = 4
MANNERS = Manners("me@example.org", rate=1.0, yes=False, permission=None)
PLACES = [Place(5, x, 7) for x in range(4)]


class Clock:
    """Time, in seconds since 1970."""

    def __init__(self) -> None:
        self.time = 1_000_000.0

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def source(server: Server, tmp_path: Path) -> WebTiles:
    return WebTiles(f"http://127.0.0.1:{server.port}/{{x}}?{{y}}{{z}}", "xyz", tmp_path / "cache")


@pytest.fixture
def fetcher(source: WebTiles, clock: Clock) -> Iterator[Callable[..., Fetcher]]:
    """Makes fetchers that share one cache, and ask for tiles as ``/x``."""
    stack = ExitStack()

    def make(**options: Any) -> Fetcher:
        retry = Retry(TRIES, sleep=clock.sleep, now=clock.now)
        client = Client("i2i/1 (+me@example.org)", named=[source.address], retry=retry, clock=clock.now, **options)
        return Fetcher(stack.enter_context(client), source, MANNERS, now=clock.now)

    with stack:
        yield make


def answering(server: Server, tile: Callable[[Request], bytes] | bytes, robots: bytes | None = None) -> None:
    def answer(request: Request) -> bytes:
        if request.target == "/robots.txt":
            return http(404) if robots is None else http(200, robots)
        return tile if isinstance(tile, bytes) else tile(request)

    server.answer = answer


def tile_requests(server: Server) -> list[Request]:
    return [request for request in server.requests if request.target != "/robots.txt"]


def test_tiles_come_into_the_cache_and_an_interrupted_run_goes_on_with_what_is_missing(
    server: Server, fetcher: Callable[..., Fetcher], source: WebTiles
) -> None:
    answering(server, TILE)
    fetching = fetcher().fetch(PLACES)
    next(fetching), next(fetching)
    del fetching
    for _ in range(2):
        assert list(fetcher().fetch(PLACES)) == [""] * 4
    assert [found[1] for place in PLACES if (found := source.cached(place))] == [b"a tile"] * 4
    assert [request.target[:2] for request in tile_requests(server)] == ["/0", "/1", "/2", "/3"]


def test_robots_txt_is_asked_once_and_can_slow_us_down(
    server: Server, fetcher: Callable[..., Fetcher], clock: Clock
) -> None:
    times = []

    def tile(request: Request) -> bytes:
        times.append(clock.time)
        return TILE

    answering(server, tile, b"User-agent: *\nCrawl-delay: 5\n")
    list(fetcher(interval=1.0).fetch(PLACES))
    assert [request.target for request in server.requests].count("/robots.txt") == 1
    assert [later - earlier for earlier, later in pairwise(times)] == [5.0] * 3


@pytest.mark.parametrize(
    ("lines", "allowed"),
    [
        ("User-agent: *\nAllow: /\nDisallow: /3/", False),  # the longest decides, not the first
        ("User-agent: *\nDisallow: /\nAllow: /3/", True),
        ("User-agent: *\nDisallow: /*/2.png?k=1$", False),  # the query counts
        ("\ufeffUser-agent: *\nDisallow: /", False),
        ("User-agent: *\nDisallow: /\n\nUser-agent: i2i\nDisallow: /4", True),  # our own group alone is for us
        ("User-agent: I2I\nUser-agent: other\nDisallow: /3", False),
        ("", True),
    ],
)
def test_robots_txt_is_read_as_rfc_9309_says(
    lines: str, allowed: bool, server: Server, clock: Clock, tmp_path: Path
) -> None:
    answering(server, TILE, lines.encode())
    source = WebTiles(f"http://127.0.0.1:{server.port}/{{z}}/{{x}}/{{y}}.png?k=1", "xyz", tmp_path / "cache")
    with Client("tests", named=[source.address], retry=Retry(1, sleep=clock.sleep)) as client:
        fetching = Fetcher(client, source, MANNERS, now=clock.now).fetch([Place(3, 1, 2)])
        if allowed:
            assert list(fetching) == [""]
        else:
            with pytest.raises(ForbiddenError, match=r"robots\.txt"):
                list(fetching)
            assert not tile_requests(server)


def test_a_server_that_wants_hours_between_two_tiles_is_not_asked(
    server: Server, fetcher: Callable[..., Fetcher]
) -> None:
    answering(server, TILE, b"User-agent: *\nCrawl-delay: 1e9\nDisallow:")
    with pytest.raises(ForbiddenError, match="1000000000 s"):
        list(fetcher().fetch(PLACES))
    assert not tile_requests(server)


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_server_that_cannot_say_what_may_be_asked_is_not_asked(
    status: int, server: Server, fetcher: Callable[..., Fetcher]
) -> None:
    server.answer = lambda request: http(status)
    with pytest.raises(NetworkError, match="later"):
        list(fetcher().fetch(PLACES))
    assert [request.target for request in server.requests] == ["/robots.txt"] * TRIES


@pytest.mark.parametrize("status", [204, 404, 410])
def test_a_tile_that_is_not_there_is_remembered_as_missing(
    status: int, server: Server, fetcher: Callable[..., Fetcher], source: WebTiles
) -> None:
    answering(server, http(status))
    for _ in range(2):
        assert list(fetcher().fetch(PLACES[:1])) == [""]
    found = source.cached(PLACES[0])
    assert found is not None
    assert found[0].status == "missing"
    assert len(tile_requests(server)) == 1


def test_a_server_that_asks_for_hours_ends_the_run(server: Server, fetcher: Callable[..., Fetcher]) -> None:
    answering(server, http(429, Retry_After=7200))
    with pytest.raises(NetworkError, match="left alone"):
        list(fetcher().fetch(PLACES))
    assert len(tile_requests(server)) == 1


def test_a_server_that_fails_at_ten_tiles_in_a_row_is_given_up_and_not_before(
    server: Server, fetcher: Callable[..., Fetcher]
) -> None:
    places = [Place(6, x, 0) for x in range(2 * MAX_FAILURES + 2)]
    last = MAX_FAILURES - 1  # the one tile that comes
    answering(server, lambda request: TILE if request.target.startswith(f"/{last}?") else http(403))
    problems = fetcher().fetch(places)
    assert [not next(problems) for _ in range(2 * MAX_FAILURES - 1)].index(True) == last
    with pytest.raises(NetworkError, match=f"{MAX_FAILURES} tiles in a row"):
        next(problems)
    assert len(tile_requests(server)) == 2 * MAX_FAILURES


@pytest.mark.parametrize(
    "answer",
    [
        http(200, b"<html>", Content_Type="text/html; charset=utf-8"),
        http(200, b"", Content_Type="image/png"),
        http(403),
        http(200, b"half a tile", Content_Length=1000, Content_Type="image/png", Connection="close"),
        http(301, Location="ftp://127.0.0.1/0"),
    ],
)
def test_an_answer_that_is_no_tile_is_not_kept(
    answer: bytes, server: Server, fetcher: Callable[..., Fetcher], source: WebTiles
) -> None:
    answering(server, answer)
    if b"ftp" in answer:
        with pytest.raises(UnsafeUrlError):
            list(fetcher().fetch(PLACES[:1]))
    else:
        (failure,) = fetcher().fetch(PLACES[:1])
        assert failure
        assert len(tile_requests(server)) == (TRIES if b"half" in answer else 1)  # it would say the same again
    assert source.cached(PLACES[0]) is None


def test_an_old_tile_is_asked_for_only_if_it_has_changed(
    server: Server, fetcher: Callable[..., Fetcher], source: WebTiles, clock: Clock
) -> None:
    def tile(request: Request) -> bytes:
        if request.headers.get("if-none-match") == '"v1"':
            return http(304)
        return http(
            200, b"a tile", Content_Type="image/png", ETag='"v1"', Last_Modified="Thu, 01 Jan 1970 00:00:00 GMT"
        )

    answering(server, tile)
    list(fetcher().fetch(PLACES[:1]))
    clock.time += LEAST_AGE + 1
    for _ in range(2):  # the second time it is fresh again
        list(fetcher().fetch(PLACES[:1]))
    first, second = tile_requests(server)
    assert "if-none-match" not in first.headers
    assert second.headers["if-modified-since"] == DATE
    found = source.cached(PLACES[0])
    assert found is not None
    assert found[1] == b"a tile"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, LEAST_AGE),
        ({"Cache_Control": "public, max-age=60"}, LEAST_AGE),
        ({"Cache_Control": "max-age=8640000"}, 8_640_000),
        ({"Expires": formatdate(1_000_000 + 8_640_000, usegmt=True)}, 8_640_000),
        ({"Expires": "-1"}, LEAST_AGE),
    ],
)
def test_a_tile_is_fresh_for_as_long_as_its_server_says_but_a_week_at_least(
    headers: dict[str, str], seconds: float, server: Server, fetcher: Callable[..., Fetcher], source: WebTiles
) -> None:
    answering(server, http(200, b"a tile", Content_Type="image/png", **headers))
    list(fetcher().fetch(PLACES[:1]))
    assert source.is_fresh(PLACES[0], 1_000_000 + seconds - 1)
    assert not source.is_fresh(PLACES[0], 1_000_000 + seconds)


def test_a_damaged_entry_of_the_cache_is_fetched_again(
    server: Server, fetcher: Callable[..., Fetcher], source: WebTiles
) -> None:
    answering(server, TILE)
    list(fetcher().fetch(PLACES[:2]))
    files = sorted(source.cache.rglob("*.tile"))
    files[0].write_bytes(files[0].read_bytes()[:-1])
    files[1].write_bytes(b"")
    list(fetcher().fetch(PLACES[:2]))
    assert len(tile_requests(server)) == 4


def test_a_cache_that_cannot_be_written_is_one_clear_error(
    server: Server, fetcher: Callable[..., Fetcher], tmp_path: Path
) -> None:
    answering(server, TILE)
    (tmp_path / "cache").write_text("a file where the folder should be")
    with pytest.raises(OutputError):
        list(fetcher().fetch(PLACES))


@pytest.mark.parametrize(
    "host",
    [
        "tile.openstreetmap.org",
        "a.tile.openstreetmap.org",
        "tile.osm.org",
        "mt1.google.com",
        "mt1.google.cn",
        "khms0.googleapis.com",
        "ecn.t0.tiles.virtualearth.net",
        "t.bing.com",
        "api.mapbox.com",
        "services.arcgisonline.com",
        "server.arcgis.com",
    ],
)
def test_hosts_whose_terms_forbid_it_are_refused_unless_there_is_a_permission(host: str) -> None:
    with pytest.raises(ForbiddenError, match=host):
        MANNERS.check_terms(host)
    replace(MANNERS, permission="contract 17").check_terms(host)
    MANNERS.check_terms(f"{host}.example.org")
    MANNERS.check_terms("not" + ".".join(host.split(".")[-2:]))
