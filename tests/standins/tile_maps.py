"""Two maps, and the preparer of map tiles that is to make pairs of them."""

from pathlib import Path
from typing import Any

from map_files import SIDE, TILES, ZOOM, png, tiles_of, two_maps
from scripted_server import Request, Server, http

from i2i.pairs import Finding, Pixels
from i2i_tiles.tiles import Tiles

AERIAL, DRAWN = two_maps()
PLAIN: dict[str, Any] = {"size": SIDE}
"""Options for maps that are plain images."""


def find(preparer: Tiles, *sources: object) -> Finding:
    return preparer.find([str(source) for source in sources], lambda done, total: None)


def write_plain(folder: Path, *rasters: Pixels) -> list[str]:
    files = []
    for letter, raster in zip("ab", rasters, strict=True):
        (folder / f"{letter}.png").write_bytes(png(raster))
        files.append(str(folder / f"{letter}.png"))
    return files


def serve(server: Server, raster: Pixels, *, tms: bool = False) -> str:
    tiles = {f"/{ZOOM}/{x}/{TILES - 1 - y if tms else y}": data for x, y, data in tiles_of(raster)}

    def answer(request: Request) -> bytes:
        data = tiles.get(request.target.partition("?")[0])
        return http(404) if data is None else http(200, data, Content_Type="image/png")

    server.answer = answer
    return f"http://127.0.0.1:{server.port}/{{z}}/{{x}}/{{y}}"


def with_server(tmp_path: Path, **options: Any) -> Tiles:
    return Tiles(contact="me@example.org", cache=tmp_path / "cache", **options)
