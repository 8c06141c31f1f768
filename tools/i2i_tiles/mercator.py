"""The grid of web maps: Web Mercator (EPSG:3857) in 2**zoom x 2**zoom tiles, x from the west and y from the north."""

import math

RADIUS = 6378137.0
"""Of the sphere of EPSG:3857, metres."""
HALF = math.pi * RADIUS
"""Half the side of the square world, metres."""
MAX_LATITUDE = math.degrees(math.atan(math.sinh(math.pi)))
"""Where the square world ends, 85.0511 degrees."""
MAX_ZOOM = 24

Box = tuple[float, float, float, float]
"""Smallest x, smallest y, largest x, largest y; in degrees: west, south, east, north."""


def position(longitude: float, latitude: float, zoom: int) -> tuple[float, float]:
    """Return where a place lies, in tiles from the north-western corner (EPSG:3857, inverse Gudermannian function).

    Args:
        longitude: Degrees, -180 to 180.
        latitude: Degrees; beyond +-85.0511 it is taken as that.
        zoom: Zoom of the tiles.
    """
    latitude = max(-MAX_LATITUDE, min(MAX_LATITUDE, latitude))
    tiles = 1 << zoom
    x = (longitude + 180) / 360 * tiles
    y = (1 - math.asinh(math.tan(math.radians(latitude))) / math.pi) / 2 * tiles
    return x, y


def bounds(zoom: int, left: int, top: int, right: int, bottom: int) -> Box:
    """Return west, south, east and north in degrees of the tiles left..right-1, top..bottom-1."""
    tiles = 1 << zoom

    def longitude(x: int) -> float:
        return x / tiles * 360 - 180

    def latitude(y: int) -> float:
        return math.degrees(math.atan(math.sinh(math.pi * (1 - 2 * y / tiles))))

    return longitude(left), latitude(bottom), longitude(right), latitude(top)


def metres(zoom: int, x: int, y: int) -> Box:
    """Return the bounds of a tile in the metres of EPSG:3857: left, bottom, right, top."""
    side = 2 * HALF / (1 << zoom)
    return x * side - HALF, HALF - (y + 1) * side, (x + 1) * side - HALF, HALF - y * side


def metres_per_pixel(zoom: int, latitude: float, side: int) -> float:
    """Return the size on the ground of a pixel of a tile of ``side`` pixels at a latitude in degrees."""
    return 2 * HALF * math.cos(math.radians(latitude)) / (side << zoom)


def flipped(zoom: int, y: int) -> int:
    """Return the row in the scheme TMS, which counts from the south, of a row that counts from the north; and back."""
    return (1 << zoom) - 1 - y
