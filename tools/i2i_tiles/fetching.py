"""Fetch tiles into the cache as the owner of a server would wish: never twice, and not what its robots.txt forbids."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from i2i.net import BUSY, Client, NetworkError, Response, parse_url
from i2i.net.retry import retry_after, seconds_of
from i2i_tiles.manners import ForbiddenError, Manners
from i2i_tiles.sources import Place
from i2i_tiles.web import Entry, WebTiles

if TYPE_CHECKING:
    from protego import Protego

AGENT = "i2i"
"""What robots.txt calls this program."""
MAX_BYTES = 16 * 2**20
"""Largest tile."""
MAX_DELAY = 3600.0
"""Longest pause between two tiles, seconds, that a server may ask for and still be asked."""
MAX_FAILURES = 10
"""Tiles in a row that could not be had, after which the server is left alone."""
MISSING = frozenset({204, 404, 410})
"""Answers for a place where the server has no tile."""
LEAST_AGE = 7 * 24 * 3600.0
"""Seconds that a tile is kept at least, as servers without another word ask for (OpenStreetMap's tile usage policy)."""
LATER = "Run the same command again later: the tiles that came are kept."


class Fetcher:
    """Fetches the tiles of one server into its cache, one request at a time.

    Args:
        client: Sends requests.
        source: The server and its cache.
        manners: Whether terms are to be obeyed.
        now: Seconds since 1970.
    """

    def __init__(
        self, client: Client, source: WebTiles, manners: Manners, now: Callable[[], float] = time.time
    ) -> None:
        self._client = client
        self._source = source
        self._manners = manners
        self._now = now
        self._failures = 0
        self._robots: Protego | None = None

    def fetch(self, places: Iterable[Place]) -> Iterator[str]:
        """Fetch tiles that are not in the cache; yields for each why it could not be had, or nothing.

        Raises:
            ForbiddenError: If the server's robots.txt or terms forbid it.
            NetworkError: If the server fails, or asks to be left alone for longer than is sensible.
            UnsafeUrlError: If the address, or one it redirects to, is none that is asked.
            OutputError: If the cache cannot be written.
        """
        for place in places:
            problem = "" if self._source.is_fresh(place, self._now()) else self._fetch(place)
            self._failures = self._failures + 1 if problem else 0
            if self._failures >= MAX_FAILURES:
                raise NetworkError(f"{problem} The server failed at {MAX_FAILURES} tiles in a row. {LATER}")
            yield problem

    def _fetch(self, place: Place) -> str:
        url = self._source.url(place)
        self._check_robots(url)
        known = self._source.cached(place)
        try:
            response = self._client.get(url, headers=_conditions(known[0]) if known else {}, max_bytes=MAX_BYTES)
        except NetworkError as error:
            return str(error)
        self._manners.check_terms(response.url.host)
        if known is not None and response.status == 304:
            self._keep(place, response, *known)
        elif response.status in MISSING:
            self._keep(place, response, Entry("missing", 0, 0), b"")
        elif problem := self._problem_of(response):
            return problem
        else:
            self._keep(place, response, Entry("here", 0, 0), response.body)
        return ""

    def _problem_of(self, response: Response) -> str:
        """Return why an answer is no tile; nothing if it is one."""
        if response.status in BUSY and (retry_after(response.headers, self._now()) or 0) > self._client.retry.patience:
            raise NetworkError(f"{response.url} asks to be left alone for longer. {LATER}")
        if response.status != 200:
            return f"{response.url} answers {response.status}."
        kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind and not kind.startswith("image/") and kind not in ("application/octet-stream", "binary/octet-stream"):
            return f"{response.url} sends {kind}, not an image."
        return "" if response.body else f"{response.url} sends nothing."

    def _keep(self, place: Place, response: Response, before: Entry, body: bytes) -> None:
        """Keep a tile with what this answer says about it, or the one before where this one is silent."""
        now, headers = self._now(), response.headers
        etag, modified = headers.get("etag", before.etag), headers.get("last-modified", before.modified)
        self._source.keep(place, Entry(before.status, now, fresh_until(headers, now), etag, modified), body)

    def _check_robots(self, url: str) -> None:
        """Ask once for robots.txt (RFC 9309); it may also slow us down.

        Raises:
            ForbiddenError: If it forbids the tile.
        """
        if self._robots is None:
            self._robots = self._read_robots(url)
            delay = self._robots.crawl_delay(AGENT) or 0.0
            if delay > MAX_DELAY:
                raise ForbiddenError(
                    f"{parse_url(url)} may be asked every {delay:.0f} s only. Use downloaded files instead."
                )
            self._client.interval = max(self._client.interval, delay)
        if not self._robots.can_fetch(parse_url(url).text, AGENT):
            raise ForbiddenError(
                f"The robots.txt of the server forbids {parse_url(url)}. Use downloaded files instead."
            )

    def _read_robots(self, url: str) -> "Protego":
        from protego import Protego  # of an extra; `WebTiles` has looked whether it is installed

        response = self._client.get(urljoin(url, "/robots.txt"), max_bytes=MAX_BYTES)
        if response.status in BUSY or response.status >= 500:
            raise NetworkError(f"{response.url} answers {response.status}, so nothing is asked. Try again later.")
        # who has no such file, or shows it to nobody, forbids nothing
        return Protego.parse(response.body.decode("utf-8-sig", "replace") if response.status == 200 else "")


def _conditions(entry: Entry) -> dict[str, str]:
    """Return headers that let the server answer that nothing has changed (RFC 9110, section 13)."""
    said = {"If-None-Match": entry.etag, "If-Modified-Since": entry.modified}
    return {name: value for name, value in said.items() if value}


def fresh_until(headers: Mapping[str, str], now: float) -> float:
    """Return until when a server lets its answer be used (RFC 9111, section 4.2), but `LEAST_AGE` at least.

    Args:
        headers: Of the answer, names in lower case.
        now: Seconds since 1970.
    """
    expires = seconds_of(headers.get("expires", ""))
    seconds = 0.0 if expires is None else expires - now
    for part in headers.get("cache-control", "").split(","):
        name, _, value = part.strip().partition("=")
        if name.lower() == "max-age" and value.strip('"').isdecimal():
            seconds = float(value.strip('"'))
    return now + max(LEAST_AGE, seconds)
