"""Downloads before pairs are made: who is asked for what, how politely, and what that will take."""

import ipaddress
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import version

from i2i.errors import UsageError
from i2i.net import Client, host_of
from i2i_tiles.fetching import Failure, Fetcher, check_all_came
from i2i_tiles.sources import Place
from i2i_tiles.terms import check_terms
from i2i_tiles.web import PROVIDER, WebTiles

MAX_TILES = 20_000
"""Most tiles that are fetched without being told to."""
TYPICAL_BYTES = 20_000
"""Of a tile of 256 pixels, to guess how much will come."""


@dataclass(frozen=True)
class Manners:
    """How servers are asked; see the options of `i2i_tiles.tiles.Tiles`."""

    contact: str | None
    rate: float
    yes: bool
    permission: str | None

    def check(self, source: WebTiles) -> None:
        """Refuse what should not be asked.

        Raises:
            ForbiddenError: If the server's terms forbid bulk download.
            UsageError: If it cannot be told whom to ask about the requests.
            UnsafeUrlError: If the address is no http or https URL.
        """
        check_terms(host_of(source.address), self.permission)
        if not self.contact or not ("@" in self.contact or "://" in self.contact):
            raise UsageError(
                f"{source.name!r} is a server, whose owner must be able to reach you. "
                "Give an e-mail address or a web page with --contact."
            )

    def client(self, source: WebTiles) -> Client:
        """What asks a server that may be asked."""
        # who types an address means it, wherever it is; who names a provider does not know where that leads
        typed = not source.name.startswith(PROVIDER)
        return Client(
            f"i2i/{version('i2i')} (+{self.contact})",
            allow={host_of(source.address)} if typed else (),
            http=typed and source.address.startswith("http:"),
            tries=1,
        )

    def remarks(self, sources: Iterable[WebTiles]) -> list[str]:
        """What the user should think of, of each server."""
        if self.rate <= 1:
            return []
        return [f"{self.rate:g} requests a second go to {source.name!r}: its owner should agree." for source in sources]

    def interval(self, source: WebTiles) -> float:
        """Seconds between two requests; none on this computer, which is nobody else's."""
        return 0.0 if _is_here(host_of(source.address)) else 1 / self.rate


def check_amount(wanted: int, manners: Manners) -> None:
    """Refuse to fetch very many tiles unasked.

    Raises:
        UsageError: If there are more than `MAX_TILES`, and nobody said yes.
    """
    if wanted > MAX_TILES and not manners.yes:
        raise UsageError(
            f"{wanted} tiles would be fetched, about {_duration(wanted / manners.rate)} of requests. "
            f"Take a smaller --aoi or a lower --zoom, or say that you mean it with --yes (beyond {MAX_TILES})."
        )


def gather(
    source: WebTiles, wanted: Sequence[Place], manners: Manners, on_progress: Callable[[int], None]
) -> dict[Place, Failure]:
    """Bring tiles into the cache.

    Args:
        source: The server.
        wanted: The tiles; see `missing`.
        manners: How it is asked.
        on_progress: Told after each tile how many are done.

    Returns:
        What could not be had.

    Raises:
        I2iError: If it may not be asked, or fails; see `Fetcher.fetch`.
    """
    manners.check(source)
    failures = []
    with manners.client(source) as client:
        interval, permission = manners.interval(source), manners.permission
        fetcher = Fetcher(client, source.cache, source.url, interval=interval, permission=permission)
        for done, failure in enumerate(fetcher.fetch(wanted), 1):
            failures += [failure] if failure else []
            on_progress(done)
    check_all_came(failures, len(wanted))
    return {failure.place: failure for failure in failures}


def missing(source: WebTiles, places: Iterable[Place]) -> list[Place]:
    """The tiles that have to be asked for: not in the cache, or there for too long."""
    now = time.time()
    return [place for place in places if not source.cache.is_fresh(place, now)]


def forecast(source: WebTiles, places: Sequence[Place], manners: Manners) -> str:
    """What fetching these tiles would take, in words."""
    manners.check(source)
    wanted = len(missing(source, places))
    there = f"{len(places) - wanted} are in the cache already, " if wanted < len(places) else ""
    megabytes = wanted * TYPICAL_BYTES / 1e6
    interval = manners.interval(source)
    pace = f"about {_duration(wanted * interval)} at {manners.rate:g} a second" if interval else "without pauses"
    volume = f"{megabytes:.1f} MB at {TYPICAL_BYTES // 1000} kB a tile"
    return f"{source.name}: {there}{wanted} tiles to fetch, {pace}, and {volume}"


def _duration(seconds: float) -> str:
    """A time in the unit that people would take."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def _is_here(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
