"""What metrics over sets say of damage to real photographs: ``python set_metrics.py FACADES``.

FACADES is a folder of A|B files, photograph left, in ``train`` and ``val``: the paper's facades. Each figure compares n
photographs with n others, as they are and damaged; it is the mean over random draws of both, ± the standard deviation.
Then it counts in how many draws KID, beside their own truths, takes n photographs that are blurred a little more for
worse than n others that are blurred a little less: these are the figures of `i2i.training.criterion.ENOUGH`.
"""

import argparse
import io
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import torch
from PIL import Image
from torch import Tensor

from i2i import images
from i2i.features import build_features
from i2i.pairs import Pixels
from i2i_metrics.sets import fid, kid, mind

COUNTS = (50, 100, 250)
BATCH = 20
SIGMAS, FEW, TELLING = (0.8, 1.0), (5, 10, 20), 200
METRICS = {"KID x1000": kid, "MIND": mind, "FID": fid}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("facades", type=Path)
    parser.add_argument("--features", default="lite0", help="the network that looks")
    parser.add_argument("--weights", default="", help="file of its weights")
    parser.add_argument("--draws", type=int, default=20)
    said = parser.parse_args()

    torch.set_num_threads(1)
    photographs = [photo for split in ("train", "val") for photo in photographs_of(said.facades / split)]
    print(f"{len(photographs)} photographs, {said.features}, {said.draws} draws", flush=True)
    look = build_features(said.features, said.weights).pooled
    real = seen(look, photographs)
    print(f"{'':16s}{'n':>4s}" + "".join(f"{name:>22s}" for name in METRICS))
    for name, damage in damages().items():
        damaged = seen(look, [damage(photo) for photo in photographs])
        for count in COUNTS:
            figures = " ".join(measured(metric, real, damaged, count, said.draws) for metric in METRICS.values())
            print(f"{name:16s}{count:4d}{figures}", flush=True)
    less, more = (seen(look, [cv2.GaussianBlur(photo, (0, 0), sigma) for photo in photographs]) for sigma in SIGMAS)
    for count in FEW:
        print(f"KID of {count} tells blur {SIGMAS[0]} from {SIGMAS[1]}: {told(real, less, more, count)} of {TELLING}")


def photographs_of(folder: Path) -> list[Pixels]:
    """Photographs of a folder of A|B files."""
    return [np.hsplit(images.read(file).pixels, 2)[0] for file in sorted(folder.iterdir())]


def damages() -> dict[str, Callable[[Pixels], Pixels]]:
    random = np.random.default_rng(0)

    def noisy(photo: Pixels, sigma: float) -> Pixels:
        return np.clip(photo + random.normal(0, sigma, photo.shape), 0, 255).astype(np.uint8)

    def coded(photo: Pixels) -> Pixels:
        file = io.BytesIO()
        Image.fromarray(photo).save(file, "JPEG", quality=20)
        return np.asarray(Image.open(file))

    return {
        "as they are": lambda photo: photo,
        "blur sigma 1": lambda photo: cv2.GaussianBlur(photo, (0, 0), 1),
        "blur sigma 2": lambda photo: cv2.GaussianBlur(photo, (0, 0), 2),
        "blur sigma 4": lambda photo: cv2.GaussianBlur(photo, (0, 0), 4),
        "noise 15": lambda photo: noisy(photo, 15),
        "noise 30": lambda photo: noisy(photo, 30),
        "JPEG quality 20": coded,
    }


@torch.inference_mode()
def seen(look: Callable[[Tensor], Tensor], photographs: list[Pixels]) -> Tensor:
    """Features of all, (N, D) in float64."""
    batches = torch.from_numpy(np.stack(photographs)).movedim(3, 1).split(BATCH)
    return torch.cat([look(batch / 127.5 - 1) for batch in batches]).double()


def measured(metric: Callable[[Tensor, Tensor], float], real: Tensor, damaged: Tensor, count: int, draws: int) -> str:
    """Mean ± standard deviation of a figure of so many photographs beside as many others, of the same draws for all."""
    random, figures = np.random.default_rng(count), []
    for _ in range(draws):
        order = torch.from_numpy(random.permutation(len(real)))
        figures.append(metric(damaged[order[:count]], real[order[count : 2 * count]]))
    return f"{np.mean(figures):14.2f} ± {np.std(figures, ddof=1):5.2f}"


def told(real: Tensor, less: Tensor, more: Tensor, count: int) -> int:
    """In how many draws KID of so many that are damaged less is below that of others that are damaged more."""
    random, right = np.random.default_rng(count), 0
    for _ in range(TELLING):
        order = torch.from_numpy(random.permutation(len(real)))
        few, others = order[:count], order[count : 2 * count]
        right += kid(less[few], real[few], aligned=True) < kid(more[others], real[others], aligned=True)
    return right


if __name__ == "__main__":
    main()
