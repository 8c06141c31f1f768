"""Pairs to look at, as training would read them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from i2i import images
from i2i.data import lab
from i2i.data.dataset import Pairs, open_pairs
from i2i.pairs import Pair, PairDataset, Pixels
from i2i_doctor.measuring import spread

SIDE = 256  # pixels; no picture on a sheet is larger


class Shown(NamedTuple):
    """A contact sheet, and the pairs on it."""

    pixels: Pixels
    """(H, W, 3) uint8: source and target side by side, then the next pair."""
    names: Sequence[str]


def sheet_of(
    dataset: str | Path, split: str = "train", number: int = 8, options: Mapping[str, Any] = {}, pairs_a_row: int = 2
) -> Shown:
    """Evenly spread pairs of a split, source on the left and target on the right.

    With ``colours=lab`` that is the lightness, and the image of which it is.

    Raises:
        MissingInputError: If there is no dataset, or no such split.
        DataError: If it holds no pairs, or one cannot be read.
    """
    pairs = open_pairs(dataset, split, options=options)
    chosen = spread(len(pairs), number)
    cells = [[small(half) for half in _to_see(pairs, index)] for index in chosen]
    height, width = cells[0][0].shape[:2]
    blank = [np.full((height, width, 3), 255, np.uint8)] * 2
    a_row = min(pairs_a_row, len(cells))
    cells += [blank] * (-len(cells) % a_row)
    rows = [[image for pair in cells[start : start + a_row] for image in pair] for start in range(0, len(cells), a_row)]
    return Shown(images.contact_sheet(rows), [pairs.names[index] for index in chosen])


def _to_see(pairs: PairDataset, index: int) -> Pair:
    """A pair as a person understands it: colours that training splits off are put back on their lightness."""
    pair = pairs[index]
    if isinstance(pairs, Pairs) and pairs.colours == "lab":
        return pair._replace(target=lab.join(pair.source, pair.target, np.uint8))
    return pair


def small(pixels: Pixels, side: int = SIDE) -> Pixels:
    """An image to show, (H, W, 3) uint8, with no longer side than that."""
    height, width = pixels.shape[:2]
    scale = min(1.0, side / max(height, width))
    return images.as_rgb(images.resize(pixels, max(1, round(height * scale)), max(1, round(width * scale))))
