"""Tile servers: an address with placeholders, and the tiles that have been fetched from it."""

import re
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from i2i.errors import UsageError
from i2i.places import is_url, without_secrets
from i2i.plugins import suggest
from i2i_tiles.cache import Cache
from i2i_tiles.mercator import MAX_ZOOM, flipped
from i2i_tiles.sources import Coverage, Credit, Place, StoredTiles, text_of
from i2i_tiles.stores import Scheme

PROVIDER = "xyz:"
"""What the name of a provider in the library xyzservices begins with."""
FIELD = re.compile(r"\{([^{}]*)\}")
FIELDS = ("z", "x", "y", "-y")


class WebTiles(StoredTiles):
    """Tiles of a server, as far as they are in the cache; `i2i_tiles.fetching` brings them there.

    Args:
        name: As the user typed it.
        scheme: How ``{y}`` is counted.
        folder: The cache of all addresses.

    Raises:
        UsageError: If the address does not say where a tile is, or a library is missing.
    """

    def __init__(self, name: str, scheme: Scheme, folder: Path) -> None:
        self.name = without_secrets(name)
        self.address = name
        self._zooms: tuple[int, int] | None = None
        if name.startswith(PROVIDER):
            self.address, self._zooms, self.credit = _provider(name)
        self._scheme = scheme
        _check(self.address)
        if find_spec("protego") is None:  # which reads its robots.txt
            raise _library_is_missing(self.name)
        self.cache = Cache(folder, f"{scheme} {self.address}")

    def url(self, place: Place) -> str:
        """Return the address of a tile."""
        zoom, x, y = place
        row = y if self._scheme == "xyz" else flipped(zoom, y)
        values = {"z": zoom, "x": x, "y": row, "-y": flipped(zoom, y)}
        return FIELD.sub(lambda match: str(values[match[1]]), self.address)

    def zooms(self) -> tuple[int, int] | None:
        """Return the coarsest and the finest zoom, if the name is that of a provider."""
        return self._zooms

    def coverage(self, zoom: int) -> Coverage:
        """Return the whole world: every tile may be there."""
        return Coverage(0, 0, 2**zoom, 2**zoom)

    def missing(self, places: Iterable[Place]) -> list[Place]:
        """Return the tiles that have to be asked for: not in the cache, or there for too long."""
        now = time.time()
        return [place for place in places if not self.cache.is_fresh(place, now)]

    def days(self, places: Iterable[Place]) -> set[str]:
        """Return when tiles were fetched, as days of universal time: ``2026-11-22``."""
        found = filter(None, map(self.cache.read, places))
        return {datetime.fromtimestamp(entry.fetched, UTC).date().isoformat() for entry, _ in found}

    def data(self, place: Place) -> bytes | None:
        """Return the bytes of a tile that was fetched; none where there was none, or nobody asked."""
        found = self.cache.read(place)
        return found[1] if found is not None and found[0].status == "here" else None


def is_address(text: str) -> bool:
    """Tell whether a source is a server."""
    return text.startswith(PROVIDER) or is_url(text)


def _check(address: str) -> None:
    shown = repr(without_secrets(address))
    fields = set(FIELD.findall(address))
    if strange := sorted(fields - set(FIELDS)):
        hint = " Give one server, such as a." if "s" in strange else ""
        raise UsageError(f"{shown} has the placeholder {{{strange[0]}}}; known are {{z}}, {{x}}, {{y}}, {{-y}}.{hint}")
    if not ({"z", "x"} <= fields and fields & {"y", "-y"}):
        raise UsageError(f"{shown} does not say where a tile is. Give an address with {{z}}/{{x}}/{{y}}.")
    if FIELD.search(urlsplit(address).netloc):
        raise UsageError(f"{shown} has a placeholder in its host. Give one server.")


def _library_is_missing(name: str) -> UsageError:
    return UsageError(f"{name!r} is a server, which needs a library. Install it: pip install 'i2i-toolkit[geo]'.")


def _provider(name: str) -> tuple[str, tuple[int, int], Credit]:
    """Return address, zooms and credit of a provider that xyzservices knows."""
    try:
        from xyzservices import providers
    except ModuleNotFoundError:
        raise _library_is_missing(name) from None
    wanted = name.removeprefix(PROVIDER)
    try:
        provider: Any = providers.query_name(wanted)
    except ValueError:
        raise UsageError(f"xyzservices knows no provider {wanted!r}.{suggest(wanted, providers.flatten())}") from None
    if provider.requires_token():
        raise UsageError(f"{name!r} needs a key. Give the provider's address with your key in it.")
    zooms = (int(provider.get("min_zoom", 0)), int(provider.get("max_zoom", MAX_ZOOM)))
    return provider.build_url(scale_factor=""), zooms, Credit(attribution=text_of(provider.get("attribution")))
