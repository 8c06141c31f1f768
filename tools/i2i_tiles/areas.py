"""Areas on the ground: a box as ``west,south,east,north``, or the polygons of a GeoJSON file (RFC 7946)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from i2i.errors import MissingInputError, UsageError
from i2i.system import safe_json
from i2i_tiles.mercator import Box

Edges = NDArray[np.float64]
"""(E, 2, 2): start and end of each edge, longitude and latitude."""


@dataclass(frozen=True)
class Polygon:
    """Edges of all rings of a polygon; what an odd number of rings encloses is inside, so that holes are holes."""

    edges: Edges
    properties: dict[str, Any] = field(default_factory=dict)

    def contains(self, longitude: float, latitude: float) -> bool:
        """Whether a place is inside, by the parity of the edges that a ray to the east crosses."""
        (x0, y0), (x1, y1) = self.edges.transpose(1, 2, 0)
        crossing = (y0 > latitude) != (y1 > latitude)
        rise = np.where(crossing, y1 - y0, 1)
        return bool(np.count_nonzero(crossing & (x0 + (latitude - y0) / rise * (x1 - x0) > longitude)) % 2)

    def meets(self, box: Box) -> bool:
        """Whether the polygon and the inside of a box have anything in common."""
        west, south, east, north = box
        return _crosses(self.edges, box) or self.contains((west + east) / 2, (south + north) / 2)


@dataclass(frozen=True)
class Area:
    """One or several polygons."""

    polygons: tuple[Polygon, ...]

    def contains(self, longitude: float, latitude: float) -> bool:
        """Whether a place is inside any of them."""
        return any(polygon.contains(longitude, latitude) for polygon in self.polygons)

    @property
    def bounds(self) -> Box:
        """The box around all of them, degrees."""
        points = np.concatenate([polygon.edges.reshape(-1, 2) for polygon in self.polygons])
        (west, south), (east, north) = points.min(axis=0), points.max(axis=0)
        return float(west), float(south), float(east), float(north)


def _crosses(edges: Edges, box: Box) -> bool:
    """Whether any edge has a point inside a box; its border is not inside (clipping of Liang and Barsky 1984)."""
    low, high = np.array(box[:2]), np.array(box[2:])
    start, way = edges[:, 0], edges[:, 1] - edges[:, 0]
    still = way == 0
    pace = np.where(still, 1, way)
    at_low, at_high = (low - start) / pace, (high - start) / pace
    enter = np.where(still, 0, np.minimum(at_low, at_high)).max(axis=1, initial=0)
    leave = np.where(still, 1, np.maximum(at_low, at_high)).min(axis=1, initial=1)
    between = (~still | ((low < start) & (start < high))).all(axis=1)
    return bool((between & (enter < leave)).any())


def read_area(text: str) -> Area:
    """The area that a user means.

    Args:
        text: ``west,south,east,north`` in degrees, or the path of a GeoJSON file.

    Raises:
        MissingInputError: If there is no such file.
        UsageError: If it is neither.
    """
    numbers = text.split(",")
    if len(numbers) == 4:
        try:
            west, south, east, north = map(float, numbers)
        except ValueError:
            raise UsageError(f"{text!r} is no area. Give west,south,east,north in degrees.") from None
        if not (-180 <= west < east <= 180 and -90 <= south < north <= 90):
            raise UsageError(f"{text!r} is no area: west < east and south < north, in degrees, are needed.")
        corners = [(west, south), (east, south), (east, north), (west, north), (west, south)]
        return Area((_polygon([corners], text, {}),))
    path = Path(text)
    if not path.is_file():
        raise MissingInputError(f"There is no file {text!r}. Give a GeoJSON file, or west,south,east,north in degrees.")
    try:
        data = safe_json.load(path.read_bytes())
        polygons = tuple(_polygons(data, text, {}))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        if isinstance(error, UsageError):
            raise
        raise UsageError(f"{text!r} is no GeoJSON: {' '.join(str(error).split())}.") from None
    if not polygons:
        raise UsageError(f"{text!r} holds no polygon. Give an area, not lines or points.")
    return Area(polygons)


def _polygons(data: Any, where: str, properties: dict[str, Any]) -> Iterator[Polygon]:
    kind = data["type"]
    if kind == "Polygon":
        yield _polygon(data["coordinates"], where, properties)
    elif kind == "MultiPolygon":
        for rings in data["coordinates"]:
            yield _polygon(rings, where, properties)
    elif kind == "Feature" and data["geometry"] is not None:
        yield from _polygons(data["geometry"], where, data.get("properties") or {})
    else:
        for part in data.get("features", data.get("geometries", ())):
            yield from _polygons(part, where, properties)


def _polygon(rings: Sequence[Any], where: str, properties: dict[str, Any]) -> Polygon:
    lines = [np.array([point[:2] for point in ring], np.float64) for ring in rings]
    edges = np.concatenate([np.stack([line[:-1], line[1:]], axis=1) for line in lines])
    if not (np.abs(edges) <= (180, 90)).all():
        raise UsageError(f"{where!r} has coordinates that are no degrees of longitude and latitude.")
    return Polygon(edges, properties)
