"""Tiles on disk as servers sent them: a tile that is here is not asked for again before its time."""

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Literal

from i2i import safe_json
from i2i.system.files import make_folder, write_atomically
from i2i_tiles.sources import Place

LEAST_AGE = 7 * 24 * 3600.0
"""Seconds that a tile is kept at least, as servers without another word ask for (OpenStreetMap's tile usage policy)."""


@dataclass(frozen=True)
class Entry:
    """What a server said about one tile."""

    status: Literal["here", "missing"]
    fetched: float
    """Seconds since 1970."""
    fresh_until: float
    """Seconds since 1970."""
    etag: str = ""
    modified: str = ""
    """Its ``Last-Modified``, as sent."""
    sha256: str = ""

    @property
    def conditions(self) -> dict[str, str]:
        """Headers that let the server answer that nothing has changed (RFC 9110, section 13)."""
        said = {"If-None-Match": self.etag, "If-Modified-Since": self.modified}
        return {name: value for name, value in said.items() if value}

    def renewed(self, headers: Mapping[str, str], now: float) -> "Entry":
        """The same after the server said that nothing has changed."""
        return replace(self, fetched=now, fresh_until=fresh_until(headers, now))


class Cache:
    """Tiles of one address.

    An entry is one file: a line of JSON, then the bytes of the tile. Damaged ones count as absent.

    Args:
        folder: Where the tiles of all addresses are.
        address: The address with its placeholders; another one has other tiles.
    """

    def __init__(self, folder: Path, address: str) -> None:
        self.folder = folder / hashlib.sha256(address.encode()).hexdigest()[:16]

    def read(self, place: Place) -> tuple[Entry, bytes] | None:
        """The entry of a tile and its bytes; None where there is none that is whole."""
        try:
            line, _, body = self._file(place).read_bytes().partition(b"\n")
            entry = Entry(**safe_json.load(line))
        except (OSError, ValueError, TypeError):
            return None
        return (entry, body) if hashlib.sha256(body).hexdigest() == entry.sha256 else None

    def is_fresh(self, place: Place, now: float) -> bool:
        """Whether a tile need not be asked for at this time, in seconds since 1970."""
        found = self.read(place)
        return found is not None and found[0].fresh_until > now

    def write(self, place: Place, entry: Entry, body: bytes) -> None:
        """Keep a tile.

        Raises:
            OutputError: If the disk is full, or may not be written.
        """
        entry = replace(entry, sha256=hashlib.sha256(body).hexdigest())
        file = self._file(place)
        make_folder(file.parent)
        write_atomically(file, json.dumps(asdict(entry)).encode() + b"\n" + body)

    def _file(self, place: Place) -> Path:
        return self.folder / str(place.zoom) / str(place.x) / f"{place.y}.tile"


def fresh_until(headers: Mapping[str, str], now: float) -> float:
    """Until when a server lets its answer be used (RFC 9111, section 4.2), but `LEAST_AGE` at least.

    Args:
        headers: Of the answer, names in lower case.
        now: Seconds since 1970.
    """
    seconds = 0.0
    with suppress(ValueError):
        moment = parsedate_to_datetime(headers.get("expires", ""))
        seconds = moment.replace(tzinfo=moment.tzinfo or UTC).timestamp() - now
    for part in headers.get("cache-control", "").split(","):
        name, _, value = part.strip().partition("=")
        if name.lower() == "max-age" and value.strip('"').isdecimal():
            seconds = float(value.strip('"'))
    return now + max(LEAST_AGE, seconds)
