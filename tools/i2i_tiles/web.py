"""Tile servers: an address with placeholders, and the cache of the tiles that were fetched from it."""

import hashlib
import json
import re
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from i2i import safe_json
from i2i.errors import UsageError, suggest
from i2i.places import is_url, without_secrets
from i2i.system.files import make_folder, write_atomically
from i2i_tiles.mercator import MAX_ZOOM, flipped
from i2i_tiles.sources import Coverage, Credit, Place, StoredTiles, text_of
from i2i_tiles.stores import Scheme

PROVIDER = "xyz:"
"""What the name of a provider in the library xyzservices begins with."""
FIELD = re.compile(r"\{([^{}]*)\}")
FIELDS = ("z", "x", "y", "-y")


@dataclass(frozen=True)
class Entry:
    """What a server said about one tile."""

    status: Literal["here", "missing"]
    fetched: float
    """Seconds since 1970."""
    fresh_until: float
    """Seconds since 1970; until then the tile need not be asked for."""
    etag: str = ""
    modified: str = ""
    """Its ``Last-Modified``, as sent."""


class WebTiles(StoredTiles):
    """Tiles of a server, as far as they are in the cache; `i2i_tiles.fetching` brings them there.

    An entry of the cache is one file: the checksum of all that follows, a line of JSON, and the bytes of the tile.

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
        self.cache = folder / hashlib.sha256(f"{scheme} {self.address}".encode()).hexdigest()[:16]

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

    def data(self, place: Place) -> bytes | None:
        """Return the bytes of a tile that was fetched; none where there was none, or nobody asked."""
        found = self.cached(place)
        return found[1] if found is not None and found[0].status == "here" else None

    def cached(self, place: Place) -> tuple[Entry, bytes] | None:
        """Return what the cache has of a tile; None where that is nothing, or damaged."""
        try:
            checksum, content = self._file(place).read_bytes().split(b"\n", 1)
            line, body = content.split(b"\n", 1)
            entry = Entry(**safe_json.load(line))
        except (OSError, ValueError, TypeError):
            return None
        return (entry, body) if hashlib.sha256(content).hexdigest().encode() == checksum else None

    def keep(self, place: Place, entry: Entry, body: bytes) -> None:
        """Write a tile into the cache.

        Raises:
            OutputError: If the disk is full, or may not be written.
        """
        file = self._file(place)
        make_folder(file.parent)
        content = json.dumps(asdict(entry)).encode() + b"\n" + body
        # a power cut may cost tiles of the last seconds, which their checksums tell: they are fetched again
        write_atomically(file, hashlib.sha256(content).hexdigest().encode() + b"\n" + content, durable=False)

    def _file(self, place: Place) -> Path:
        return self.cache / str(place.zoom) / str(place.x) / f"{place.y}.tile"

    def is_fresh(self, place: Place, now: float) -> bool:
        """Tell whether a tile need not be asked for at this time, in seconds since 1970."""
        found = self.cached(place)
        return found is not None and found[0].fresh_until > now

    def missing(self, places: Iterable[Place]) -> list[Place]:
        """Return the tiles that have to be asked for: not in the cache, or there for too long."""
        now = time.time()
        return [place for place in places if not self.is_fresh(place, now)]

    def days(self, places: Iterable[Place]) -> set[str]:
        """Return when tiles were fetched, as days of universal time: ``2026-11-22``."""
        found = filter(None, map(self.cached, places))
        return {datetime.fromtimestamp(entry.fetched, UTC).date().isoformat() for entry, _ in found}


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
