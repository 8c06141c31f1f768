"""Contact sheets: many images in one to look at."""

from collections.abc import Sequence

import numpy as np

from i2i.images.errors import ImageError
from i2i.images.geometry import pick, resize
from i2i.images.lettering import fitting_size, letter
from i2i.pairs import Pixels, range_of

GAP = 2
"""White pixels around each image."""

LETTERS = 15
"""Pixels that words above images are high, if no image is wider than `LETTERS` times `LETTERS`; they grow with wider
ones, and are smaller where they do not fit."""


SIDES = (192, 512)
"""Pixels of a picture that is printed: its shorter side is at least the first, enlarged in whole multiples, its longer
one at most the second."""


def contact_sheet(rows: Sequence[Sequence[Pixels]], labels: Sequence[str] = ()) -> Pixels:
    """Lay rows of images side by side on white.

    Args:
        rows: Images (H, W, C) of any dtype and channel count; all are brought to the size of the first. Rows have the
            same length.
        labels: Words above the images of the first row; none when not given.

    Returns:
        (H, W, 3) uint8.
    """
    height, width = rows[0][0].shape[:2]
    sheet = [np.concatenate([_framed(image, height, width) for image in row], axis=1) for row in rows]
    return np.concatenate([_heading(labels, width), *sheet] if labels else sheet)


def pictures_of(sheet: Pixels, height: int, width: int) -> list[list[Pixels]]:
    """Take the pictures of a size out of a contact sheet with labels again: its rows, each (height, width, C).

    Raises:
        ImageError: If it holds none of that size.
    """
    down, across = height + 2 * GAP, width + 2 * GAP
    # a heading is at least as high as the smallest letters: rows are what is below it
    heading = len(letter("", LETTERS * 2 // 3)) + 2 * GAP
    rows, columns = (len(sheet) - heading) // down, sheet.shape[1] // across
    if rows < 1 or sheet.shape[1] != columns * across:
        size = f"{sheet.shape[1]}x{len(sheet)}"
        raise ImageError("unsupported", f"{size} pixels are no sheet of pictures of {width}x{height}. Make it anew.")
    body = sheet[len(sheet) - rows * down :]
    return [
        [body[y + GAP : y + GAP + height, x + GAP : x + GAP + width] for x in range(0, columns * across, across)]
        for y in range(0, rows * down, down)
    ]


def sized_for_print(pixels: Pixels) -> Pixels:
    """Return a picture as large as it is to be printed; see `SIDES`."""
    least, most = SIDES
    height, width = pixels.shape[:2]
    times = -(-least // min(height, width))
    if times > 1:
        return pick(pixels, height * times, width * times)
    share = min(1.0, most / max(height, width))
    return resize(pixels, max(1, round(height * share)), max(1, round(width * share)))


def as_rgb(pixels: Pixels) -> Pixels:
    """Convert to (H, W, 3) uint8 to look at: one or two channels become gray; of more than three, three are shown."""
    low, high = range_of(pixels.dtype)
    shown = pixels[:, :, :3] if pixels.shape[2] >= 3 else pixels[:, :, :1].repeat(3, axis=2)
    if shown.dtype == np.uint8:
        return shown
    return np.rint((shown.astype(np.float64) - low) * (255 / (high - low))).astype(np.uint8)


def class_colours(ids: Pixels) -> Pixels:
    """Colour class ids (H, W, 1), whole numbers from 0 on, to look at: (H, W, 3) uint8, black for class 0.

    The colours are those of PASCAL VOC's devkit: bits 0, 3, 6, ... of an id are the highest bits of red, bits 1, 4, 7,
    ... those of green, and bits 2, 5, 8, ... those of blue. Each id below 2**24 has a colour of its own.
    """
    bits = [
        [(ids[:, :, 0].astype(np.int64) >> (3 * place + channel)) & 1 for place in range(8)] for channel in range(3)
    ]
    channels = [sum(bit << (7 - place) for place, bit in enumerate(channel)) for channel in bits]
    return np.stack(channels, axis=2).astype(np.uint8)


def _heading(labels: Sequence[str], width: int) -> Pixels:
    """Write words in black on white, all of one size, each above an image of a width."""
    size = min(fitting_size(label, width, max(LETTERS, width // LETTERS)) for label in labels)
    strips = [letter(label, size, width) for label in labels]
    return np.concatenate([np.pad(s, ((GAP, GAP), (GAP, GAP), (0, 0)), constant_values=255) for s in strips], axis=1)


def _framed(pixels: Pixels, height: int, width: int) -> Pixels:
    picture = resize(as_rgb(pixels), height, width)
    return np.pad(picture, ((GAP, GAP), (GAP, GAP), (0, 0)), constant_values=255)
