"""Asks a tile server for tiles as its owner would wish: slowly, by name, never twice, and not when it says no."""

import time
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple
from urllib.parse import urljoin

from i2i.errors import DataError
from i2i.net import BUSY, Client, NetworkError, Response, UnreachableError, UnsafeUrlError, host_of
from i2i.net.urls import parse
from i2i_tiles.cache import Cache, Entry, fresh_until
from i2i_tiles.robots import Robots
from i2i_tiles.sources import Place
from i2i_tiles.terms import ForbiddenError, check_terms

AGENT = "i2i"
"""What robots.txt calls this program."""
MAX_BYTES = 16 * 2**20
"""Largest tile."""
TRIES = 4
MAX_ERRORS = 20
"""Requests without a tile in a row, after which the server is left alone."""
MISSING = frozenset({204, 404, 410})
"""Answers for a place where the server has no tile."""


class Failure(NamedTuple):
    """A tile that could not be had."""

    place: Place
    message: str


class Fetcher:
    """Fetches the tiles of one address into a cache, one request at a time.

    Args:
        client: Sends requests, without trying again by itself.
        cache: Where tiles are kept.
        url_of: Address of a tile.
        interval: Seconds between the beginnings of two requests.
        permission: Reference of a permission for a server whose terms forbid bulk download.
        clock: Seconds from some beginning.
        now: Seconds since 1970.
        sleep: Waits, seconds.
    """

    def __init__(
        self,
        client: Client,
        cache: Cache,
        url_of: Callable[[Place], str],
        *,
        interval: float,
        permission: str | None = None,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client = client
        self._cache = cache
        self._url_of = url_of
        self._interval = interval
        self._permission = permission
        self._clock = clock
        self._now = now
        self._sleep = sleep
        self._next = 0.0
        self._errors = 0
        self._robots: Robots | None = None

    def fetch(self, places: Iterable[Place]) -> Iterator[Failure | None]:
        """Fetch tiles that are not in the cache; one result each.

        Raises:
            ForbiddenError: If the server's robots.txt or terms forbid it.
            NetworkError: If the server fails, or asks to be left alone for longer than is sensible.
            UnsafeUrlError: If the address, or one it redirects to, is none that is asked.
            OutputError: If the cache cannot be written.
        """
        for place in places:
            yield None if self._cache.is_fresh(place, self._now()) else self._fetch(place)

    def _fetch(self, place: Place) -> Failure | None:
        url = self._url_of(place)
        self._check_robots(url)
        known = self._cache.read(place)
        for tried in range(1, TRIES + 1):
            problem, again, response = self._ask(url, known[0] if known else None)
            if not problem and response is not None:
                self._errors = 0
                self._keep(place, response, known)
                return None
            self._errors += 1
            if self._errors >= MAX_ERRORS:
                raise NetworkError(
                    f"The server of {parse(url)} failed {MAX_ERRORS} times in a row ({problem}). "
                    "Run the same command again later: the tiles that came are kept."
                )
            if not again or tried == TRIES:
                break
            if not self._client.wait(tried, response.headers if response else None):
                raise NetworkError(
                    f"The server of {parse(url)} asks to be left alone for longer ({problem}). "
                    "Run the same command again later: the tiles that came are kept."
                )
        return Failure(place, f"{parse(url)} could not be had: {problem}.")

    def _ask(self, url: str, known: Entry | None) -> tuple[str, bool, Response | None]:
        """What is wrong, whether it may be right later, and the answer."""
        try:
            response = self._request(url, known.conditions if known else {})
        except UnreachableError as error:
            return str(error).rstrip("."), True, None
        except UnsafeUrlError:
            raise
        except NetworkError as error:
            return str(error).rstrip("."), False, None
        check_terms(host_of(response.url), self._permission)
        return _problem_of(response, known), response.status in BUSY, response

    def _request(self, url: str, headers: dict[str, str]) -> Response:
        wait = self._next - self._clock()
        if wait > 0:
            self._sleep(wait)
        self._next = self._clock() + self._interval
        return self._client.get(url, headers=headers, max_bytes=MAX_BYTES)

    def _keep(self, place: Place, response: Response, known: tuple[Entry, bytes] | None) -> None:
        now = self._now()
        if response.status == 304 and known is not None:
            entry, body = known
            self._cache.write(place, entry.renewed(response.headers, now), body)
            return
        entry = Entry(
            status="missing" if response.status in MISSING else "here",
            fetched=now,
            fresh_until=fresh_until(response.headers, now),
            etag=response.headers.get("etag", ""),
            modified=response.headers.get("last-modified", ""),
        )
        self._cache.write(place, entry, response.body if entry.status == "here" else b"")

    def _check_robots(self, url: str) -> None:
        """Ask once for robots.txt (RFC 9309); it may also slow us down.

        Raises:
            ForbiddenError: If it forbids the tile.
        """
        if self._robots is None:
            self._robots = self._read_robots(url)
            self._interval = max(self._interval, self._robots.delay)
        if not self._robots.allow(url):
            raise ForbiddenError(
                f"The robots.txt of {host_of(url)!r} forbids {parse(url)}. Use downloaded files instead."
            )

    def _read_robots(self, url: str) -> Robots:
        response = self._request(urljoin(url, "/robots.txt"), {})
        if response.status in BUSY or response.status >= 500:
            raise NetworkError(f"{host_of(url)!r} cannot say what may be asked of it now. Run the same command later.")
        # who has no such file, or shows it to nobody, forbids nothing
        text = response.body.decode("utf-8", "replace") if response.status == 200 else ""
        return Robots.parse(text, AGENT)


def _problem_of(response: Response, known: Entry | None) -> str:
    """Why an answer is no tile; nothing if it is one, or says that there is none."""
    if response.status in MISSING or (response.status == 304 and known is not None):
        return ""
    if response.status != 200:
        return f"the server answers {response.status}"
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind and not kind.startswith("image/") and kind not in ("application/octet-stream", "binary/octet-stream"):
        return f"the server sends {kind}, not an image"
    return "" if response.body else "the server sends nothing"


def check_all_came(failures: list[Failure], asked: int) -> None:
    """Refuse to go on when a server gave nothing at all.

    Raises:
        DataError: If every tile failed.
    """
    if failures and len(failures) == asked:
        raise DataError(f"None of {asked} tiles could be had. The first: {failures[0].message}")
