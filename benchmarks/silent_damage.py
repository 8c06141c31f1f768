"""Flipped bits of a prepared dataset, found by `i2i.preparation.verify`, and cut files, refused by the reader.

python benchmarks/silent_damage.py [--bits 500] [--cuts 500]

A cut file may be read where what is missing lies behind the image: a second frame, the mark of the end. Printed beside
is how many cut files two decoders take. The command fails where a flip is not found, or less than an image is read.
"""

import argparse
import io
import random
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "standins"))

import cv2
import numpy as np
from hostile_folder import sound_files
from PIL import Image

from i2i import images
from i2i.preparation import prepare, verify


def pillow_reads(data: bytes) -> bool:
    try:
        Image.open(io.BytesIO(data)).load()
    except Exception:  # decoders of damaged files raise whatever they like
        return False
    return True


def opencv_reads(data: bytes) -> bool:
    try:
        return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED) is not None
    except cv2.error:
        return False


def flips(bits: int, draw: random.Random) -> bool:
    with tempfile.TemporaryDirectory() as place:
        source, out = Path(place, "photos"), Path(place, "out")
        source.mkdir()
        for seed in range(bits // 2 + 10):
            coarse = np.random.default_rng(seed).integers(0, 256, (8, 8, 3)).astype(np.uint8)
            images.write(source / f"{seed:04}.jpg", cv2.resize(coarse, (160, 120), interpolation=cv2.INTER_CUBIC))
        prepare("grayscale", [source], out, val=0.1)
        before = verify(out)
        expected = set()
        for path in draw.sample(sorted(out.glob("*/image?/*")), bits):
            data = bytearray(path.read_bytes())
            data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
            path.write_bytes(data)
            expected.add((path.relative_to(out).as_posix(), "damaged"))
        found = set(map(tuple, verify(out)))
    print(f"{bits} files with one flipped bit: found {len(found & expected)}, false alarms {len(found - expected)}")
    return not before and found == expected


def cuts(count: int, draw: random.Random) -> bool:
    fine = True
    print("image, cuts, read whole by i2i, read short by i2i, taken by Pillow, by OpenCV")
    for name, data in sound_files().items():
        if name.startswith("turned"):
            continue
        picture = images.read(data).pixels
        whole = short = 0
        ends = draw.sample(range(1, len(data)), min(count, len(data) - 1))
        for end in ends:
            try:
                same = np.array_equal(images.read(data[:end]).pixels, picture)
            except images.ImageError:
                continue
            whole += same
            short += not same
        others = [sum(reads(data[:end]) for end in ends) for reads in (pillow_reads, opencv_reads)]
        print(f"{name}, {len(ends)}, {whole}, {short}, {others[0]}, {others[1]}")
        fine &= not short
    return fine


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bits", type=int, default=500)
    parser.add_argument("--cuts", type=int, default=500)
    given = parser.parse_args()
    draw = random.Random(0)
    return 0 if all([flips(given.bits, draw), cuts(given.cuts, draw)]) else 1


if __name__ == "__main__":
    sys.exit(main())
