"""Grid of period 2 in what pix2pix makes by each way to double an image: ``python checkerboards.py FACADES``.

FACADES is a folder of A|B files, photograph left and labels right, in ``train`` and ``val``: the paper's facades.
Prints the power at period 2 over that of its neighbours, across and down, for photographs and for each
``generator.upsample``, and the mean difference to the photographs in levels; writes a contact sheet.
"""

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

import i2i
from i2i import images
from i2i.data.dataset import open_pairs
from i2i.pairs import Pixels

SIZE, WIDTH, SHOWN = 128, 24, 4
WAYS = ("transposed", "resize", "subpixel")
NEIGHBOURS = 5
"""Frequencies beside the highest one, with which it is compared."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("facades", type=Path)
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--images", type=int, default=40)
    parser.add_argument("--sheet", type=Path, default=Path("checkerboards.png"))
    said = parser.parse_args()

    pairs = open_pairs(said.facades, "val", options={"direction": "BtoA"})
    chosen = [pairs[index] for index in range(min(said.images, len(pairs)))]
    labels, photos = ([images.resize(side, SIZE, SIZE) for side in sides] for sides in zip(*chosen, strict=True))
    print(f"photographs         {written(grid(photos))}")
    columns: dict[str, list[Pixels]] = {"labels": labels, "photographs": photos}
    for way in WAYS:
        for seed in said.seeds:
            made = translated(said.facades, way, seed, said.steps, labels)
            error = np.mean([np.abs(a.astype(float) - b).mean() for a, b in zip(made, photos, strict=True)])
            print(f"{way:12s} seed {seed}  {written(grid(made))}  difference {error:.1f} levels", flush=True)
            columns[f"{way} {seed}"] = made
    rows = [[column[index] for column in columns.values()] for index in range(min(SHOWN, len(labels)))]
    images.write(said.sheet, images.contact_sheet(rows, tuple(columns)))


def translated(facades: Path, way: str, seed: int, steps: int, labels: list[Pixels]) -> list[Pixels]:
    """Train from labels to photographs, and translate the labels."""
    settings = {
        "dataset.direction": "BtoA",
        "generator": {"depth": SIZE.bit_length() - 1, "base_channels": WIDTH, "upsample": way},
        "discriminator.base_channels": WIDTH,
        "validation.every": steps + 1,
        "training.checkpoint_every": steps,
    }
    with TemporaryDirectory() as folder:
        out = Path(folder) / "run"
        i2i.train("pix2pix", facades, out, set=settings, steps=steps, size=SIZE, seed=seed)
        translator = i2i.Translator.load(out / "model-last")
        return [translator(image) for image in labels]


def grid(pictures: list[Pixels]) -> tuple[float, float]:
    """Return the power at period 2 over the mean of its neighbours, across and down."""
    gray = [picture.astype(float).mean(2) for picture in pictures]
    return highest(gray), highest([picture.T for picture in gray])


def highest(pictures: list[NDArray[np.float64]]) -> float:
    window = np.hanning(SIZE)
    power = np.zeros(SIZE // 2 + 1)
    for picture in pictures:
        rows = (picture - picture.mean(1, keepdims=True)) * window
        power += (np.abs(np.fft.rfft(rows, axis=1)) ** 2).mean(0)
    return float(power[-1] / power[-4 - NEIGHBOURS : -4].mean())  # its nearest ones share its power, by the window


def written(ratios: tuple[float, float]) -> str:
    return "power at period 2 over its neighbours: across {:.2f}, down {:.2f}".format(*ratios)


if __name__ == "__main__":
    main()
