"""Words on pictures."""

import math
from functools import cache

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from i2i.pairs import Pixels
from i2i.system.text import visible


def fitting_size(words: str, width: int, size: int) -> int:
    """Return the largest size of letters, from ``size`` down to two thirds of it, in which words fit a width."""
    sizes = range(size, -(-2 * size // 3), -1)
    return next((each for each in sizes if _font(each).getlength(visible(words)) <= width), sizes.stop)


def letter(words: str, size: int, width: int | None = None) -> Pixels:
    """Write one line in black on white, as high as letters of a size need it.

    Args:
        words: In the middle of the width; those too long for it lose their own middle.
        size: Of letters, pixels.
        width: Pixels; as many as the words need when not given.

    Returns:
        (H, width, 3) uint8.
    """
    font, line = _font(size), visible(words).replace("\n", " ")
    room = math.ceil(font.getlength(line)) if width is None else width
    strip = Image.new("L", (room, sum(font.getmetrics())), 255)
    ImageDraw.Draw(strip).text((room / 2, 0), _cut(line, room, font), fill=0, font=font, anchor="ma")
    return np.asarray(strip)[..., None].repeat(3, axis=2)


@cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(size)
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise TypeError("Pillow was built without FreeType. Install its wheel.")
    return font


def _cut(words: str, width: int, font: ImageFont.FreeTypeFont) -> str:
    """Return words with as much of their middle left out as does not fit."""
    kept = len(words)
    shown = words
    while kept and font.getlength(shown) > width:
        kept -= 1
        shown = f"{words[: (kept + 1) // 2]}…{words[len(words) - kept // 2 :]}"
    return shown
