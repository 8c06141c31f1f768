"""Where outputs go in a dataset: names that are distinct on every file system, folders or A|B files, and columns."""

import hashlib
import unicodedata
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from i2i.errors import DataError
from i2i.images import with_channels
from i2i.images.discovery import without_suffix
from i2i.pairs import Pair, Pixels
from i2i.preparation.report import Row
from i2i.preparation.settings import PairFiles
from i2i.prepared import HALVES, IMAGES
from i2i.system.files import NOT_IN_NAMES, WINDOWS_DEVICE

SEPARATOR = "__"
"""Stands for ``/``: folders are flattened, so that every reader of dataset folders finds every image."""

MAX_BYTES = 180  # leaves room for a hash, a suffix and the additions of other tools below the usual limit of 255


def output_stems(names: Sequence[str]) -> list[str]:
    """Return the stem of the output of each input.

    ``cats/tabby 1.jpg`` becomes ``cats__tabby 1``. Characters that some system forbids become ``_``. Where several
    inputs would get one stem (other suffix, other case, other Unicode form), a part of the hash of its name goes behind
    each.

    Args:
        names: Relative paths of the inputs, all different.

    Returns:
        As many stems, of which no two are equal on a file system that ignores case or Unicode form.
    """
    stems = [_stem(name) for name in names]
    for digits in (8, 64):
        twins = Counter(_key(stem) for stem in stems)
        stems = [
            stem if twins[_key(stem)] == 1 else f"{_stem(name)}-{_hash(name)[:digits]}"
            for name, stem in zip(names, stems, strict=True)
        ]
    return stems


def composed(name: str) -> str:
    """Return a path without its suffix, in Unicode's composed form, as macOS and Linux spell it differently."""
    return unicodedata.normalize("NFC", without_suffix(name))


def _stem(name: str) -> str:
    stem = NOT_IN_NAMES.sub("_", composed(name).replace("/", SEPARATOR)).strip(" .") or "image"
    stem = WINDOWS_DEVICE.sub(r"\1_", stem)
    if len(stem.encode()) > MAX_BYTES:
        return f"{stem.encode()[:MAX_BYTES].decode(errors='ignore')}-{_hash(name)[:8]}"
    return stem


def _key(stem: str) -> str:
    return unicodedata.normalize("NFC", stem.casefold())


def _hash(name: str) -> str:
    return hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()


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
    """Widen 8 bits to 16: 255 becomes 65535, and division by 257 gives the old value back."""
    return image if image.dtype == dtype else image.astype(dtype) * dtype.type(257)


def metadata_of(row: Row) -> dict[str, Any]:
    """Build the line of ``metadata.jsonl`` about a pair, with the columns that the datasets library opens as images."""
    outputs = row.outputs
    columns = ["file_name"] if len(outputs) == 1 else [f"{half}_file_name" for half in HALVES]
    files = [output.file.removeprefix(f"{IMAGES}/") for output in outputs]
    ours = {**dict(zip(columns, files, strict=True)), "source": row.name}
    return {**row.metadata, **ours, "height": outputs[0].height, "width": outputs[0].width}
