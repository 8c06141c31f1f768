"""A dataset in which nothing is wrong, and what the doctor of datasets finds once something is."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np

from i2i import images
from i2i.pairs import Pixels
from i2i_doctor.examination import Examination, examine

TRAIN, VAL, SIDE = 8, 3, 72

FITTING = ["unet,depth=3"]
"""A generator that takes images of this size."""


def picture(seed: int) -> Pixels:
    """Blobs and edges, different for every seed, (72, 72, 3) from black to white."""
    rng = np.random.default_rng(seed)
    layers = [cv2.resize(rng.normal(size=(n, n, 3)) / n**0.5, (SIDE, SIDE)) for n in (3, 6, 12)]
    whole = np.sum(layers, axis=0)
    pixels: Pixels = np.rint(255 * (whole - whole.min()) / (whole.max() - whole.min())).astype(np.uint8)
    cv2.circle(pixels, tuple(int(v) for v in rng.integers(20, 52, 2)), 14, (0, 0, 0), -1)
    return pixels


def negative(source: Pixels) -> Pixels:
    pixels: Pixels = 255 - source
    return pixels


def write(root: Path, split: str, name: str, source: Pixels, target: Pixels) -> None:
    for half, pixels in (("imageA", source), ("imageB", target)):
        file = root / split / half / f"{name}{images.suffix_for(pixels)}"
        file.parent.mkdir(parents=True, exist_ok=True)
        images.write(file, pixels)


def write_sound(root: Path) -> Path:
    """Pictures and their negatives: ``t0`` to ``t7`` to train on, ``v8`` to ``v10`` to validate on."""
    for seed in range(TRAIN + VAL):
        split, name = ("train", f"t{seed}") if seed < TRAIN else ("val", f"v{seed}")
        write(root, split, name, picture(seed), negative(picture(seed)))
    return root


def examined(dataset: Path, **options: Any) -> Examination:
    return examine(dataset, **{"generators": FITTING, "workers": 0, **options})


def found(dataset: Path, **options: Any) -> dict[str, str]:
    """Code -> severity and the text of the first example."""
    diagnoses = examined(dataset, **options).diagnoses
    return {d.code: f"{d.severity} {d.total} {d.text} {' | '.join(e.text for e in d.examples)}" for d in diagnoses}
