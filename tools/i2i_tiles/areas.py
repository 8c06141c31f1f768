"""Areas on the ground: a box as ``west,south,east,north``, or the polygons of a GeoJSON file (RFC 7946)."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from i2i import safe_json
from i2i.errors import MissingInputError, UsageError
from i2i_tiles.mercator import Box


@dataclass(frozen=True)
class Area:
    """One or several polygons.

    Args:
        polygons: Geometries of the library shapely, in degrees.
        properties: What the file says about each.
    """

    polygons: tuple[Any, ...]
    properties: tuple[dict[str, Any], ...]

    def contains(self, longitudes: NDArray[np.float64], latitudes: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Tell of each place whether it is inside any of them."""
        import shapely

        inside: NDArray[np.bool_] = shapely.contains_xy(shapely.union_all(self.polygons), longitudes, latitudes)
        return inside

    def touched_by(self, box: Box) -> list[dict[str, Any]]:
        """Return the properties of the polygons that have more than a border in common with a box."""
        import shapely

        inside = shapely.box(*box)
        both = zip(self.polygons, self.properties, strict=True)
        return [said for polygon, said in both if polygon.relate_pattern(inside, "T********")]

    @property
    def bounds(self) -> Box:
        """Return the box around all of them, degrees."""
        import shapely

        west, south, east, north = map(float, shapely.total_bounds(self.polygons))
        return west, south, east, north


def read_area(text: str) -> Area:
    """Read the area that a user means.

    Args:
        text: ``west,south,east,north`` in degrees, or the path of a GeoJSON file.

    Raises:
        MissingInputError: If there is no such file.
        UsageError: If it is neither, or the library for it is not installed.
    """
    try:
        import shapely
    except ModuleNotFoundError:
        raise UsageError("Areas need a library. Install it: pip install 'i2i-toolkit[geo]'.") from None
    path = Path(text)
    if text.count(",") == 3 and not path.is_file():
        try:
            west, south, east, north = map(float, text.split(","))
        except ValueError:
            raise UsageError(f"{text!r} is no area. Give west,south,east,north in degrees.") from None
        if not (-180 <= west < east <= 180 and -90 <= south < north <= 90):
            raise UsageError(f"{text!r} is no area: west < east and south < north, in degrees, are needed.")
        return Area((shapely.box(west, south, east, north),), ({},))
    if not path.is_file():
        raise MissingInputError(f"There is no file {text!r}. Give a GeoJSON file, or west,south,east,north in degrees.")
    try:
        found = list(_polygons(safe_json.load(path.read_bytes()), {}))
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, shapely.errors.ShapelyError) as error:
        raise UsageError(f"{text!r} is no GeoJSON: {' '.join(str(error).split())}.") from None
    if not found:
        raise UsageError(f"{text!r} holds no polygon. Give an area, not lines or points.")
    area = Area(*zip(*found, strict=True))
    west, south, east, north = area.bounds
    if not (west >= -180 and south >= -90 and east <= 180 and north <= 90):
        raise UsageError(f"{text!r} has coordinates that are no degrees of longitude and latitude.")
    return area


def _polygons(data: Any, properties: dict[str, Any]) -> Iterator[tuple[Any, dict[str, Any]]]:
    """Yield the polygons of GeoJSON, each with the properties of its feature."""
    import shapely
    from shapely.geometry import shape

    if data["type"] == "FeatureCollection":
        for feature in data["features"]:
            yield from _polygons(feature, properties)
    elif data["type"] == "Feature":
        if data["geometry"] is not None:
            yield from _polygons(data["geometry"], data.get("properties") or {})
    else:
        geometry = shape(data)
        for part in getattr(geometry, "geoms", [geometry]):
            if part.geom_type in ("Polygon", "MultiPolygon") and not part.is_empty:
                valid = shapely.make_valid(part)
                shapely.prepare(valid)
                yield valid, properties
