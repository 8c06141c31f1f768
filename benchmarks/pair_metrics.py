"""What metrics over pairs say of damage to real photographs: ``python pair_metrics.py FACADES``.

FACADES is a folder of A|B files, photograph left, in ``train`` and ``val``: the paper's facades. Photographs are
brought to 128 x 128 pixels; those of ``val`` are compared with what damage makes of them, with the mean of ``train``,
and with the next one of ``val``. This is the table of docs/evaluate.md.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from set_metrics import damages, photographs_of
from torch import Tensor

from i2i import images
from i2i.choices import Component
from i2i.evaluation.measuring import Measure
from i2i.fields import Field, Fields
from i2i.pairs import Pixels

SIDE = 128
METRICS = ("l1", "mse", "psnr", "ssim", "ms-ssim", "flip", "edge-f", "lab-histogram")
SHOWN = ("blur sigma 1", "blur sigma 2", "noise 15", "JPEG quality 20")
FIELDS = Fields({"target": Field(channels=3)}, (SIDE, SIDE))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("facades", type=Path)
    torch.set_num_threads(1)
    facades = parser.parse_args().facades
    train, val = (
        [images.resize(photo, SIDE, SIDE) for photo in photographs_of(facades / split)] for split in ("train", "val")
    )
    measures = [Measure(Component(name=name, **({"scales": 4} if name == "ms-ssim" else {}))) for name in METRICS]
    real = as_batch(val)
    mean = as_batch(train).mean(0, keepdim=True).expand_as(real)
    made = {name: as_batch([damage(photo) for photo in val]) for name, damage in damages().items() if name in SHOWN}
    for name, output in {**made, "mean of train": mean, "another": real.roll(-1, 0)}.items():
        print(
            f"{name:16s}", *(f"{figure} {value:.3f}" for figure, value in figures(measures, output, real)), flush=True
        )


def as_batch(photographs: list[Pixels]) -> Tensor:
    """Photographs as float32 (N, 3, H, W) in [-1, 1]."""
    return torch.from_numpy(np.stack(photographs)).movedim(3, 1) / 127.5 - 1


def figures(measures: list[Measure], output: Tensor, real: Tensor) -> list[tuple[str, float]]:
    """Figures of all metrics, by their names."""
    found: dict[str, float] = {}
    for measure in measures:
        found |= measure.figures(measure.see(output, {"target": real}, "target", FIELDS))
    return list(found.items())


if __name__ == "__main__":
    main()
