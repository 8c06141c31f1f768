"""Map servers whose terms forbid what a dataset needs, and why."""

from i2i.errors import I2iError

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
    """A server whose terms forbid bulk download."""

    exit_code = 77


def check_terms(host: str, permission: str | None) -> None:
    """Refuse a host whose terms forbid it.

    Args:
        host: The host, lower case.
        permission: Reference of a permission that the user has; it ends up in the dataset's card.

    Raises:
        ForbiddenError: If its terms forbid bulk download, and there is no permission.
    """
    for suffix, reason in FORBIDDEN.items():
        if (host == suffix or host.endswith(f".{suffix}")) and not permission:
            raise ForbiddenError(
                f"{host!r} is not asked for tiles: {reason}. Use downloaded files, another server or one of your own; "
                "with a contract that allows it, give its reference with --permission."
            )
