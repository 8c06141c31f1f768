"""Where the images of a pair go in a dataset folder."""

from typing import Any

import numpy as np

from i2i.errors import DataError
from i2i.images import with_channels
from i2i.pairs import Pair, Pixels
from i2i.preparation.report import Row
from i2i.preparation.settings import PairFiles
from i2i.prepared import HALVES, IMAGES


def images_of(made: Pair | Pixels, layout: PairFiles) -> list[tuple[str, Pixels]]:
    """Return the images that become files, each with its folder below the split's.

    Raises:
        DataError: If both images do not fit into one file.
    """
    if isinstance(made, np.ndarray):
        return [(IMAGES, made)]
    return [("", side_by_side(made))] if layout == "ab" else list(zip(HALVES, made, strict=True))


def side_by_side(pair: Pair) -> Pixels:
    """Put source left and target right, (H, 2W, C); gray is replicated beside colour, 8 bits widened beside 16.

    Raises:
        DataError: If their sizes differ, or one holds floats and the other integers.
    """
    a, b = pair
    if a.shape[:2] != b.shape[:2]:
        sizes = " and ".join(f"{image.shape[1]}x{image.shape[0]}" for image in pair)
        raise DataError(f"Images of {sizes} do not fit side by side. Choose --layout folders.")
    if (a.dtype == np.float32) != (b.dtype == np.float32):
        raise DataError(f"Images of {a.dtype} and {b.dtype} do not fit into one file. Choose --layout folders.")
    channels = max(a.shape[2], b.shape[2])
    dtype = np.result_type(a, b)
    return np.hstack([with_channels(_widened(image, dtype), channels) for image in pair])


def _widened(image: Pixels, dtype: np.dtype[Any]) -> Pixels:
    """8 bits in 16: 255 becomes 65535, and division by 257 gives the old value back."""
    return image if image.dtype == dtype else image.astype(dtype) * dtype.type(257)


def metadata_of(row: Row) -> dict[str, Any]:
    """Build the line of ``metadata.jsonl`` about a pair, with the columns that the datasets library opens as images."""
    outputs = row.outputs
    columns = ["file_name"] if len(outputs) == 1 else [f"{half}_file_name" for half in HALVES]
    files = [output.file.removeprefix(f"{IMAGES}/") for output in outputs]
    ours = {**dict(zip(columns, files, strict=True)), "source": row.name}
    return {**row.metadata, **ours, "height": outputs[0].height, "width": outputs[0].width}
