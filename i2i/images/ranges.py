"""Numbers whose range somebody declared, to and from [-1, 1]."""

from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from i2i.errors import UsageError
from i2i.images.errors import ImageError
from i2i.pairs import Pixels, Range

DECLARE = "Declare its range (value_range)"
"""How the caller of a function says what values stand for; commands and datasets have options of other names."""


def check_range(value_range: Range) -> Range:
    """Check a range, and return it as floats.

    Raises:
        UsageError: If it is no interval.
    """
    low, high = map(float, value_range)
    if not (isfinite(low) and isfinite(high) and low < high):
        raise UsageError(f"A range is a smaller and a larger number, such as 0 and 4095, not {low:g} and {high:g}.")
    return low, high


def extremes(values: NDArray[Any]) -> str:
    """Tell the smallest and largest number of an image in words, those aside that are NaN or infinite."""
    finite = values[np.isfinite(values)]
    return f"from {finite.min():g} to {finite.max():g}" if finite.size else "NaN or infinite everywhere"


def finite_extremes(values: NDArray[Any], where: str) -> tuple[float, float]:
    """Return the smallest and the largest number of an image.

    Raises:
        ImageError: If any is NaN or infinite.
    """
    smallest, largest = float(values.min()), float(values.max())  # NaN where any value is
    if not (isfinite(smallest) and isfinite(largest)):
        raise ImageError("out-of-range", f"{where} has values that are NaN or infinite. Fill or mask them.")
    return smallest, largest


def scaled(values: NDArray[Any], value_range: Range, where: str) -> Pixels:
    """Scale numbers of any dtype to float32 in [-1, 1]: ``2 (v - low) / (high - low) - 1``.

    Args:
        values: Of any shape.
        value_range: The declared range. A value may lie outside it by the rounding of its dtype, or of float32.
        where: The file's name in errors.

    Raises:
        ImageError: If a value is NaN, infinite or outside the range.
        UsageError: If the range is none.
    """
    low, high = check_range(value_range)
    smallest, largest = finite_extremes(values, where)
    rounding = 0.0
    if values.dtype.kind == "f":
        epsilon = max(np.finfo(values.dtype).eps, np.finfo(np.float32).eps)
        rounding = float(epsilon) * max(abs(low), abs(high))
    if smallest < low - rounding or largest > high + rounding:
        message = f"{where} has values from {smallest:g} to {largest:g}, the declared range is {low:g} to {high:g}."
        raise ImageError("out-of-range", f"{message} Correct the range or the file.")
    # in double precision, since 16 bits and more would lose some in the difference
    result = (values.astype(np.float64) - low) * (2 / (high - low)) - 1
    return np.clip(result, -1, 1).astype(np.float32)


def unscaled(pixels: Pixels, value_range: Range) -> NDArray[np.float32]:
    """Scale float32 in [-1, 1] to numbers of a declared range; undoes `scaled` to the precision of float32."""
    low, high = check_range(value_range)
    return ((pixels.astype(np.float64) + 1) * ((high - low) / 2) + low).astype(np.float32)
