"""How tile servers are asked: which may be, by whom, how fast, for how much, and what that will take."""

import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from i2i import __version__
from i2i.errors import I2iError, UsageError, things
from i2i.net import Client, Retry, parse_url
from i2i_tiles.sources import Place
from i2i_tiles.web import PROVIDER, WebTiles

MAX_TILES = 20_000
"""Most tiles that are fetched without being told to."""
TYPICAL_BYTES = 20_000
"""Of a tile of 256 pixels, to guess how much will come."""

# As their terms stood in 2026. A suffix of the host decides, so that all of a provider's servers are meant.
FORBIDDEN = {
    "tile.openstreetmap.org": "the tile usage policy of OpenStreetMap forbids bulk download",
    "tile.osm.org": "the tile usage policy of OpenStreetMap forbids bulk download",
    "google.com": "Google's terms forbid scraping and storing map content",
    "google.cn": "Google's terms forbid scraping and storing map content",
    "googleapis.com": "Google's terms forbid scraping and storing map content",
    "virtualearth.net": "the terms of Bing Maps forbid copying and storing map content",
    "bing.com": "the terms of Bing Maps forbid copying and storing map content",
    "mapbox.com": "Mapbox's terms forbid deriving data from tiles and storing them beyond a device's cache",
    "arcgisonline.com": "Esri's terms allow automated extraction of its imagery as exported tile packages only",
    "arcgis.com": "Esri's terms allow automated extraction of its imagery as exported tile packages only",
}


class ForbiddenError(I2iError):
    """A server whose terms or robots.txt forbid what a dataset needs."""

    exit_code = 77


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
        self.check_terms(parse_url(source.address).host)
        if not self.contact or not ("@" in self.contact or "://" in self.contact):
            raise UsageError(
                f"{source.name!r} is a server, whose owner must be able to reach you. "
                "Give an e-mail address or a web page with --contact."
            )

    def check_terms(self, host: str) -> None:
        """Refuse a host whose terms forbid bulk download, unless there is a permission.

        Args:
            host: The host, lower case.

        Raises:
            ForbiddenError: If they do.
        """
        for suffix, reason in FORBIDDEN.items():
            if (host == suffix or host.endswith(f".{suffix}")) and not self.permission:
                raise ForbiddenError(
                    f"{host!r} is not asked for tiles: {reason}. Use downloaded files, another server or one of your "
                    "own; with a contract that allows it, give its reference with --permission."
                )

    def check_amount(self, wanted: int) -> None:
        """Refuse to fetch very many tiles unasked.

        Raises:
            UsageError: If there are more than `MAX_TILES`, and nobody said yes.
        """
        if wanted > MAX_TILES and not self.yes:
            raise UsageError(
                f"{wanted} tiles would be fetched, about {_duration(wanted / self.rate)} of requests. "
                f"Take a smaller --aoi or a lower --zoom, or say that you mean it with --yes (beyond {MAX_TILES})."
            )

    def client(self, source: WebTiles) -> Client:
        """Return what asks a server that may be asked."""
        # who types an address means it, wherever it is; who names a provider does not know where that leads
        named = [] if source.name.startswith(PROVIDER) else [source.address]
        agent = f"i2i/{__version__} (+{self.contact})"
        return Client(agent, named=named, interval=self._interval(source), retry=Retry(tries=4))

    def _interval(self, source: WebTiles) -> float:
        """Return the seconds between two requests; none on this computer, which is nobody else's."""
        return 0.0 if _is_here(parse_url(source.address).host) else 1 / self.rate

    def remarks(self, sources: Iterable[WebTiles]) -> list[str]:
        """Return what the user should think of, of each server."""
        if self.rate <= 1:
            return []
        return [f"{self.rate:g} requests a second go to {source.name!r}: its owner should agree." for source in sources]

    def forecast(self, source: WebTiles, places: Sequence[Place]) -> str:
        """Return what fetching these tiles would take, in words."""
        self.check(source)
        wanted = len(source.missing(places))
        there = f"{len(places) - wanted} are in the cache already, " if wanted < len(places) else ""
        interval = self._interval(source)
        pace = f"about {_duration(wanted * interval)} at {self.rate:g} a second" if interval else "without pauses"
        volume = f"{wanted * TYPICAL_BYTES / 1e6:.1f} MB at {TYPICAL_BYTES // 1000} kB a tile"
        return f"{source.name}: {there}{things(wanted, 'tile')} to fetch, {pace}, and {volume}"


def _duration(seconds: float) -> str:
    """Say a time in the unit that people would take."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def _is_here(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
