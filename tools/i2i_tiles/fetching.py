"""Fetch tiles into the cache as the owner of a server would wish: never twice, and not what its robots.txt forbids."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urljoin

from i2i.errors import DataError
from i2i.net import BUSY, Client, NetworkError, Response, parse_url
from i2i.net.retry import retry_after
from i2i_tiles.cache import Entry, fresh_until
from i2i_tiles.manners import ForbiddenError, Manners
from i2i_tiles.sources import Place
from i2i_tiles.web import WebTiles

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


class Failure(NamedTuple):
    """A tile that could not be had."""

    place: Place
    message: str


def gather(
    source: WebTiles, wanted: Sequence[Place], manners: Manners, on_progress: Callable[[int], None]
) -> dict[Place, str]:
    """Bring tiles into the cache.

    Args:
        source: The server.
        wanted: The tiles; see `WebTiles.missing`.
        manners: How it is asked.
        on_progress: Told after each tile how many are done.

    Returns:
        Why tiles could not be had.

    Raises:
        DataError: If no tile at all could be had.
        I2iError: If the server may not be asked, or fails; see `Fetcher.fetch`.
    """
    manners.check(source)
    failures: dict[Place, str] = {}
    with manners.client(source) as client:
        for done, failure in enumerate(Fetcher(client, source, manners).fetch(wanted), 1):
            failures |= [failure] if failure else []
            on_progress(done)
    if failures and len(failures) == len(wanted):
        raise DataError(f"None of {len(wanted)} tiles could be had. The first: {next(iter(failures.values()))}")
    return failures


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

    def fetch(self, places: Iterable[Place]) -> Iterator[Failure | None]:
        """Fetch tiles that are not in the cache; one result each.

        Raises:
            ForbiddenError: If the server's robots.txt or terms forbid it.
            NetworkError: If the server fails, or asks to be left alone for longer than is sensible.
            UnsafeUrlError: If the address, or one it redirects to, is none that is asked.
            OutputError: If the cache cannot be written.
        """
        for place in places:
            yield None if self._source.cache.is_fresh(place, self._now()) else self._fetch(place)

    def _fetch(self, place: Place) -> Failure | None:
        url = self._source.url(place)
        self._check_robots(url)
        known = self._source.cache.read(place)
        try:
            response = self._client.get(url, headers=known[0].conditions if known else {}, max_bytes=MAX_BYTES)
        except NetworkError as error:
            problem = str(error)
        else:
            problem = self._problem_of(response, known is not None)
            if not problem:
                self._failures = 0
                self._keep(place, response, known)
                return None
        self._failures += 1
        if self._failures >= MAX_FAILURES:
            raise NetworkError(
                f"{problem} The server failed at {MAX_FAILURES} tiles in a row. "
                "Run the same command again later: the tiles that came are kept."
            )
        return Failure(place, problem)

    def _problem_of(self, response: Response, is_known: bool) -> str:
        """Return why an answer is no tile; nothing if it is one, or says that there is none."""
        self._manners.check_terms(response.url.host)
        if response.status in MISSING or (response.status == 304 and is_known):
            return ""
        if response.status in BUSY and (retry_after(response.headers, self._now()) or 0) > self._client.retry.patience:
            raise NetworkError(
                f"{response.url} asks to be left alone for longer. "
                "Run the same command again later: the tiles that came are kept."
            )
        if response.status != 200:
            return f"{response.url} answers {response.status}."
        kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind and not kind.startswith("image/") and kind not in ("application/octet-stream", "binary/octet-stream"):
            return f"{response.url} sends {kind}, not an image."
        return "" if response.body else f"{response.url} sends nothing."

    def _keep(self, place: Place, response: Response, known: tuple[Entry, bytes] | None) -> None:
        now = self._now()
        if response.status == 304 and known is not None:
            self._source.cache.write(place, known[0].renewed(response.headers, now), known[1])
            return
        entry = Entry(
            status="missing" if response.status in MISSING else "here",
            fetched=now,
            fresh_until=fresh_until(response.headers, now),
            etag=response.headers.get("etag", ""),
            modified=response.headers.get("last-modified", ""),
        )
        self._source.cache.write(place, entry, response.body if entry.status == "here" else b"")

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
