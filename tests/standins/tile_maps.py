"""Two maps of one invented place, as plain images, as every kind of tile store and on a server; and what cuts them."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from pmtiles.tile import Compression, TileType, zxy_to_tileid
from pmtiles.writer import write as open_pmtiles
from scripted_server import Request, Server, http

from i2i.pairs import Finding, Pixels
from i2i_tiles.tiles import Tiles

ZOOM = 3
TILES = 2**ZOOM
SIDE = 64
"""Of a stored tile, pixels."""


def two_maps(side: int = TILES * SIDE, seed: int = 0) -> tuple[Pixels, Pixels]:
    """An aerial view and a drawn map of the same fields, (side, side, 3) each, in unrelated colours."""
    rng = np.random.default_rng(seed)
    fields = np.zeros((side, side), np.uint8)
    for number in range(1, 256):
        x, y, width, height = (*rng.integers(0, side, 2), *rng.integers(side // 40, side // 12, 2))
        cv2.rectangle(fields, (int(x), int(y)), (int(x + width), int(y + height)), number, -1)
    colours = rng.integers(0, 256, (2, 256, 3), np.uint8)
    texture = rng.integers(-6, 7, (side, side, 1))
    aerial = np.clip(colours[0][fields] + texture, 0, 255).astype(np.uint8)
    return aerial, colours[1][fields]


def png(pixels: Pixels) -> bytes:
    order = {1: [0], 3: [2, 1, 0], 4: [2, 1, 0, 3]}[pixels.shape[2]]
    done, data = cv2.imencode(".png", np.ascontiguousarray(pixels[..., order]))
    assert done
    return data.tobytes()


def tiles_of(raster: Pixels, zoom: int = ZOOM) -> Iterator[tuple[int, int, bytes]]:
    """Column, row from the north, and PNG of every tile."""
    side = len(raster) >> zoom
    for y in range(1 << zoom):
        for x in range(1 << zoom):
            yield x, y, png(raster[y * side : (y + 1) * side, x * side : (x + 1) * side])


def write_tree(root: Path, raster: Pixels, *, tms: bool = False) -> Path:
    for x, y, data in tiles_of(raster):
        file = root / str(ZOOM) / str(x) / f"{TILES - 1 - y if tms else y}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
    return root


def write_mbtiles(file: Path, raster: Pixels, **metadata: str) -> Path:
    database = sqlite3.connect(file)
    database.execute("CREATE TABLE metadata (name TEXT, value TEXT)")
    database.execute("CREATE TABLE tiles (zoom_level INT, tile_column INT, tile_row INT, tile_data BLOB)")
    database.executemany("INSERT INTO metadata VALUES (?, ?)", ({"format": "png"} | metadata).items())
    rows = ((ZOOM, x, TILES - 1 - y, data) for x, y, data in tiles_of(raster))
    database.executemany("INSERT INTO tiles VALUES (?, ?, ?, ?)", rows)
    database.commit()
    database.close()
    return file


def write_pmtiles(file: Path, raster: Pixels, kind: TileType = TileType.PNG, **metadata: str) -> Path:
    with open_pmtiles(str(file)) as writer:
        for number, data in sorted((zxy_to_tileid(ZOOM, x, y), data) for x, y, data in tiles_of(raster)):
            writer.write_tile(number, data)
        world = {"min_lon_e7": -1800000000, "min_lat_e7": -850511290, "max_lon_e7": 1800000000, "max_lat_e7": 850511290}
        writer.finalize(
            {"tile_type": kind, "tile_compression": Compression.NONE, "center_zoom": 0}
            | {"center_lon_e7": 0, "center_lat_e7": 0}
            | world,
            dict(metadata),
        )
        writer.tile_f.close()
    return file


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
