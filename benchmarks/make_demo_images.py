"""Makes the images that ``i2i demo`` trains on: ``python make_demo_images.py PACKAGE_DIR OUT``.

PACKAGE_DIR is the unpacked npm package ``@lobehub/fluent-emoji-3d`` 1.1.0 (``npm pack`` downloads it). Which emoji, and
under which names, is in ``demo_images.txt`` beside this program: faces, since a small network learns their colours from
their outlines.
"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image

from i2i.images.geometry import resize
from i2i.pairs import Pixels

SIDE = 128
QUALITY = 85
CHOSEN = Path(__file__).with_name("demo_images.txt")


def main(package: Path, out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    for line in CHOSEN.read_text("utf-8").splitlines():
        name, code_points = line.split()
        pixels = resize(on_white(package / "assets" / f"{code_points}.webp"), SIDE, SIDE)
        Image.fromarray(pixels).save(out / f"{name}.webp", quality=QUALITY, method=6)
    written = list(out.glob("*.webp"))
    print(f"{len(written)} images, {sum(path.stat().st_size for path in written) / 1e6:.2f} MB")


def on_white(path: Path) -> Pixels:
    with Image.open(path) as image:
        emoji = image.convert("RGBA")
    paper = Image.new("RGBA", emoji.size, "white")
    return np.asarray(Image.alpha_composite(paper, emoji).convert("RGB"))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
