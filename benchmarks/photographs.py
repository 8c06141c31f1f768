"""Real photographs out of the wheels of scikit-image and scikit-learn, all free to show; see docs/images/NOTICE.md."""

from collections.abc import Iterator
from importlib import import_module

import numpy as np

from i2i.images.geometry import inside, resize
from i2i.pairs import Pixels

SCIKIT_IMAGE = ("astronaut", "camera", "chelsea", "coffee", "coins", "hubble_deep_field", "retina", "rocket")
SCIKIT_LEARN = ("china", "flower")


def photographs(side: int) -> Iterator[tuple[str, Pixels]]:
    """Yield name and RGB pixels of each, its longer side brought to this length."""
    skimage_data, sklearn_data = import_module("skimage.data"), import_module("sklearn.datasets")
    for name in SCIKIT_IMAGE + SCIKIT_LEARN:
        loaded = (
            getattr(skimage_data, name)() if name in SCIKIT_IMAGE else sklearn_data.load_sample_image(f"{name}.jpg")
        )
        pixels = np.atleast_3d(loaded)
        height, width, channels = pixels.shape
        yield name, resize(np.repeat(pixels, 3 // channels, axis=2), *inside(height, width, side, side))
