"""Pictures to look at: one made small, and pairs as training would read them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from i2i import images
from i2i.data import lab
from i2i.data.dataset import Pairs, open_pairs
from i2i.data.order import spread
from i2i.fields import fields_of
from i2i.pairs import Dataset, Pair, Pixels, by_name
from i2i_doctor.columns import used_top
from i2i_doctor.unpaired import is_unpaired

SIDE = 256  # pixels; no picture on a sheet is larger
PAIRS_A_ROW = 2


class Sheet(NamedTuple):
    """A contact sheet, and the pairs on it."""

    pixels: Pixels
    """(H, W, 3) uint8: source and target side by side, then the next pair."""
    names: Sequence[str]
    tops: Mapping[str, int]
    """Side whose 16-bit values use only a part of their range -> the value that is shown as white."""


def sheet_of(
    dataset: str | Path,
    split: str = "train",
    number: int = 8,
    options: Mapping[str, Any] = {},
    reader: str | None = None,
) -> Sheet:
    """Draw evenly spread pairs of a split, source on the left and target on the right.

    With ``colours=lab`` that is the lightness, and the image of which it is.

    Raises:
        MissingInputError: If there is no dataset, or no such split.
        DataError: If it holds no pairs, or one cannot be read.
    """
    if reader is None:
        reader = "unpaired" if is_unpaired(str(dataset)) else "pairs"
    pairs = open_pairs(dataset, split, name=reader, options=options)
    chosen = spread(len(pairs), number)
    halves = [_to_see(pairs, index) for index in chosen]
    tops = {side: top_of([getattr(pair, side) for pair in halves]) for side in Pair._fields}
    cells = [[small(half, white=tops[side]) for side, half in pair._asdict().items()] for pair in halves]
    height, width = cells[0][0].shape[:2]
    blank = [np.full((height, width, 3), 255, np.uint8)] * 2
    a_row = min(PAIRS_A_ROW, len(cells))
    cells += [blank] * (-len(cells) % a_row)
    rows = [[image for pair in cells[start : start + a_row] for image in pair] for start in range(0, len(cells), a_row)]
    names = [pairs.names[index] for index in chosen]
    return Sheet(images.contact_sheet(rows), names, {side: top for side, top in tops.items() if top})


def _to_see(pairs: Dataset, index: int) -> Pair:
    """Return a pair as a person understands it: colours back on their lightness, and class ids as colours."""
    item = by_name(pairs[index])
    source, target = item["source"], item["target"]
    if isinstance(pairs, Pairs) and pairs.colours == "lab":
        return Pair(source, lab.join(source, target, np.uint8))
    fields = fields_of(pairs)
    return Pair(
        *(
            images.class_colours(values) if fields[name].kind == "ids" else values
            for name, values in (("source", source), ("target", target))
        )
    )


def top_of(pictures: Sequence[Pixels]) -> int | None:
    """Return the value to show as white of 16-bit images that use a quarter of their range or less."""
    if any(pixels.dtype != np.uint16 for pixels in pictures):
        return None
    return used_top(max(float(pixels.max()) for pixels in pictures))


def small(pixels: Pixels, side: int = SIDE, *, white: int | None = None, ids: bool = False) -> Pixels:
    """Make an image to show, (H, W, 3) uint8, with no longer side than that.

    Args:
        pixels: (H, W, C).
        side: Longest side, pixels.
        white: The value of 16-bit images to show as white, where that is not the largest of the type.
        ids: Whether these are class ids, which get a colour each.
    """
    pixels = images.class_colours(pixels) if ids else pixels
    height, width = pixels.shape[:2]
    scale = min(1.0, side / max(height, width))
    pixels = images.resize(pixels, max(1, round(height * scale)), max(1, round(width * scale)))
    if white and pixels.dtype == np.uint16:
        pixels = (np.minimum(pixels, white) * (np.iinfo(np.uint16).max / white)).astype(np.uint16)
    return images.as_rgb(pixels)
